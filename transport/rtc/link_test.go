package rtc

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/datachannel"

	"undertone/transport/cell"
	"undertone/transport/simnet"
)

var shortPath = simnet.Path{Delay: 20 * time.Millisecond}

// waitFor returns when the link ended, and how long that took.
func waitFor(t *testing.T, l *Link, within time.Duration) time.Duration {
	t.Helper()
	start := time.Now()
	select {
	case <-l.Done():
	case <-time.After(within):
		t.Fatalf("link still lives after %v", within)
	}
	return time.Since(start)
}

func TestCloseEndsBothSides(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1, shortPath, shortPath)
		defer r.close()
		r.client.Close()
		r.client.Close()
		if err := r.client.Err(); !errors.Is(err, ErrClosed) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed side: %v", err)
		}
		if took := waitFor(t, r.server, time.Minute); took > time.Second {
			t.Errorf("the other side noticed after %v", took)
		}
		if err := r.server.Err(); !errors.Is(err, ErrLost) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("other side: %v", err)
		}
		r.client.Send(make([]byte, cell.Size)) // must be harmless
	})
}

func TestListenerCloseEndsLinks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1, shortPath, shortPath)
		defer r.close()
		if err := r.listener.Close(); err != nil {
			t.Error(err)
		}
		if err := r.server.Err(); !errors.Is(err, ErrClosed) {
			t.Errorf("server: %v", err)
		}
		waitFor(t, r.client, time.Second)
		if _, _, err := r.listener.Accept(t.Context(), offerOf(t, r), Handlers{}); !errors.Is(err, ErrClosed) {
			t.Errorf("closed listener accepts: %v", err)
		}
	})
}

// offerOf returns a fresh offer of r's user.
func offerOf(t *testing.T, r *rig) (offer string) {
	t.Helper()
	conn, err := r.user.ListenUDP(0)
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("enough")
	_, err = Dial(t.Context(), DialConfig{Conn: conn}, func(_ context.Context, o string) (string, error) {
		offer = o
		return "", stop
	})
	if !errors.Is(err, stop) {
		t.Fatalf("an error of the exchange became %v", err)
	}
	return offer
}

// TestLostPeer cuts the line: both sides must give up, and quickly clean up.
func TestLostPeer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1, shortPath, shortPath)
		defer r.close()
		cut := simnet.Path{Loss: 1}
		r.user.SetPaths(cut, cut)
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(100 * time.Millisecond):
					r.client.Send(make([]byte, cell.Size))
				}
			}
		}()
		defer close(stop)
		for name, l := range map[string]*Link{"client": r.client, "server": r.server} {
			if took := waitFor(t, l, 15*time.Second); took > 14*time.Second {
				t.Errorf("%s: noticed after %v", name, took)
			}
			if !errors.Is(l.Err(), ErrLost) {
				t.Errorf("%s: %v", name, l.Err())
			}
			start := time.Now()
			l.Close()
			if took := time.Since(start); took > time.Second {
				t.Errorf("%s: closing took %v", name, took)
			}
		}
	})
}

// TestShortOutage cuts the line for three seconds. The link must live on, and
// every cell sent after that must be in time, though pion then also repeats the
// cells of the outage.
func TestShortOutage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1, shortPath, shortPath)
		defer r.close()
		back := time.Now().Add(10 * time.Second)
		go func() {
			time.Sleep(7 * time.Second)
			r.user.SetPaths(simnet.Path{Loss: 1}, simnet.Path{Loss: 1})
			time.Sleep(3 * time.Second)
			r.user.SetPaths(shortPath, shortPath)
		}()
		s := schedule{interval: 100 * time.Millisecond, count: 200}
		start := r.run(s)
		if err := r.client.Err(); err != nil {
			t.Fatalf("outage of 3 s ended the link: %v", err)
		}
		checked := 0
		for n := range s.count {
			sent := start.Add(time.Duration(n) * s.interval)
			if !sent.After(back) {
				continue
			}
			checked++
			if at, ok := r.up.when(n); !ok || at.Sub(sent) != shortPath.Delay {
				t.Errorf("cell %d, sent after the outage, took %v", n, at.Sub(sent))
			}
		}
		if checked < 50 {
			t.Errorf("only %d cells were sent after the outage", checked)
		}
	})
}

func TestHalfOpen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1, shortPath, shortPath)
		defer r.close()
		_, l, err := r.listener.Accept(t.Context(), offerOf(t, r), Handlers{})
		if err != nil {
			t.Fatal(err)
		}
		if took := waitFor(t, l, time.Minute); took != openTimeout {
			t.Errorf("a link that never opened lived %v", took)
		}
		if err := l.Err(); !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrLost) {
			t.Error(err)
		}
		l.Close()
		r.listener.mu.Lock()
		defer r.listener.mu.Unlock()
		if n := len(r.listener.links); n != 1 {
			t.Errorf("listener holds %d links, not one", n)
		}
	})
}

func TestDialGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1, shortPath, shortPath)
		defer r.close()
		r.user.SetPaths(simnet.Path{Loss: 1}, simnet.Path{Loss: 1})
		dial := func(ctx context.Context) error {
			conn, err := r.user.ListenUDP(0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Dial(ctx, DialConfig{Conn: conn}, func(ctx context.Context, offer string) (string, error) {
				answer, _, err := r.listener.Accept(ctx, offer, Handlers{})
				return answer, err
			})
			return err
		}
		start := time.Now()
		if err := dial(t.Context()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("no server: %v", err)
		}
		if took := time.Since(start); took > openTimeout+time.Second {
			t.Errorf("gave up after %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := dial(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("context: %v", err)
		}
	})
}

// TestBadMessages sends what our own client never sends. None of it may reach
// Receive or end the link.
func TestBadMessages(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newHostileRig(t)
		defer r.close()
		channel := r.client.channel
		write := func(b []byte, text bool) {
			t.Helper()
			if _, err := channel.WriteDataChannel(b, text); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		write([]byte("hello"), true)
		write(make([]byte, cell.Size), true)
		write(nil, true)
		write(nil, false)
		if n := r.server.Stats().Dropped; n != 4 {
			t.Errorf("%d messages dropped, not 4", n)
		}
		if r.up.count() != 0 {
			t.Error("one of them was received")
		}
		write(make([]byte, MaxMessage), false)
		if r.up.count() != 1 || r.server.Err() != nil {
			t.Errorf("a good message after them is lost: %v", r.server.Err())
		}
	})
}

// A message that does not fit into a datagram comes in pieces, which are lost.
func TestMessageInPieces(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newHostileRig(t)
		defer r.close()
		_ = r.client.channel.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = r.client.channel.Write(make([]byte, MaxMessage+1))
		time.Sleep(time.Second)
		if err := r.server.Err(); err != nil || r.up.count() != 0 || r.server.Stats().Dropped == 0 {
			t.Errorf("%v, and %d messages came: %+v", err, r.up.count(), r.server.Stats())
		}
	})
}

// newHostileRig returns a rig whose client ignores the server's size limit.
func newHostileRig(t *testing.T) *rig {
	t.Helper()
	return newRigWith(t, 1, shortPath, shortPath, func(answer string) string {
		changed := strings.Replace(answer, "max-message-size:1156", "max-message-size:262144", 1)
		if changed == answer {
			t.Fatal("the answer names no size limit")
		}
		return changed
	})
}

func TestSecondChannelEndsLink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1, shortPath, shortPath)
		defer r.close()
		second := channel()
		if _, err := datachannel.Dial(r.client.connection.association, 2, &second); err != nil {
			t.Fatal(err)
		}
		waitFor(t, r.server, time.Second)
		if err := r.server.Err(); !errors.Is(err, ErrProtocol) {
			t.Error(err)
		}
	})
}

func TestOurs(t *testing.T) {
	for name, test := range map[string]struct {
		change func(c *datachannel.Config)
		want   bool
	}{
		"ours":       {func(*datachannel.Config) {}, true},
		"ordered":    {func(c *datachannel.Config) { c.ChannelType = datachannel.ChannelTypePartialReliableTimed }, false},
		"reliable":   {func(c *datachannel.Config) { c.ChannelType = datachannel.ChannelTypeReliableUnordered }, false},
		"lifetime":   {func(c *datachannel.Config) { c.ReliabilityParameter++ }, false},
		"no resends": {func(c *datachannel.Config) { c.ChannelType = datachannel.ChannelTypePartialReliableRexmitUnordered }, false},
		"label":      {func(c *datachannel.Config) { c.Label = "chat" }, false},
	} {
		c := channel()
		test.change(&c)
		if got := isOurs(&c); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestSendPanicsOnBadLength(t *testing.T) {
	l := &Link{mail: newMailbox(0)}
	for _, n := range []int{0, MaxMessage + 1} {
		var caught atomic.Bool
		func() {
			defer func() { caught.Store(recover() != nil) }()
			l.Send(make([]byte, n))
		}()
		if !caught.Load() {
			t.Errorf("message of %d bytes was taken", n)
		}
	}
}
