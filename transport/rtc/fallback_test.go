package rtc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"undertone/transport/cell"
	"undertone/transport/simnet"
)

// deadPath lets no datagram through, but connections.
var deadPath = simnet.Path{Delay: 20 * time.Millisecond, Loss: 1}

// A twoWayRig is a rig whose server takes streams too, and whose user knows.
type twoWayRig struct {
	*rig
	front   net.Listener
	taking  sync.WaitGroup
	settled atomic.Int64
	dialed  atomic.Int64
	took    time.Duration // until the link was there, or was not
}

// frontPort is where the server takes streams.
const frontPort = 7443

// openTwoWay returns a rig whose link may have failed to open. prepare may change
// how it opens.
func openTwoWay(t *testing.T, line simnet.Path, prepare func(r *twoWayRig, cfg *DialConfig)) (*twoWayRig, error) {
	t.Helper()
	r := &twoWayRig{rig: &rig{star: simnet.New(simnet.Config{Seed: 1})}}
	conn, err := r.star.Server().ListenUDP(3478)
	if err != nil {
		t.Fatal(err)
	}
	if r.front, err = r.star.Server().ListenStream(frontPort); err != nil {
		t.Fatal(err)
	}
	if r.listener, err = NewListener(ListenConfig{Conn: conn, StreamPort: frontPort}); err != nil {
		t.Fatal(err)
	}
	r.taking.Go(func() { r.take(r.front) })
	r.user = r.star.User(line, line)
	cfg := DialConfig{Receive: r.down.receive, Stream: r.connect}
	if cfg.Conn, err = r.user.ListenUDP(0); err != nil {
		t.Fatal(err)
	}
	prepare(r, &cfg)
	start := time.Now()
	r.client, err = Dial(t.Context(), cfg, func(ctx context.Context, offer string) (answer string, err error) {
		answer, r.server, err = r.listener.Accept(ctx, offer, Handlers{Receive: r.up.receive})
		return answer, err
	})
	r.took = time.Since(start)
	if err == nil {
		<-r.server.Opened()
	}
	return r, err
}

// asUsual prepares nothing.
func asUsual(*twoWayRig, *DialConfig) {}

func newTwoWay(t *testing.T, line simnet.Path, prepare func(r *twoWayRig, cfg *DialConfig)) *twoWayRig {
	t.Helper()
	r, err := openTwoWay(t, line, prepare)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// take has the listener adopt whatever connects.
func (r *twoWayRig) take(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		r.listener.Adopt(c, func() { r.settled.Add(1) })
	}
}

func (r *twoWayRig) connect(ctx context.Context) (net.Conn, error) {
	r.dialed.Add(1)
	return r.user.DialContext(ctx, "tcp", fmt.Sprintf("server:%d", frontPort))
}

func (r *twoWayRig) close() {
	_ = r.front.Close()
	r.taking.Wait()
	r.rig.close()
}

// sizes returns what crossed the wire since then, over UDP and in streams.
func (r *twoWayRig) sizes(since time.Time) (udp, streams map[int]int) {
	udp, streams = map[int]int{}, map[int]int{}
	for _, p := range r.star.Since(since) {
		if p.Stream {
			streams[p.Size]++
		} else {
			udp[p.Size]++
		}
	}
	return udp, streams
}

// Where no UDP comes through, a client is there over TCP soon after it was clear
// that none does, and carries on over TCP alone: each cell in a frame and a write of
// its own, and besides them what there is over UDP.
func TestFallback(t *testing.T) {
	for name, least := range map[string]time.Duration{"UDP first": udpTime, "no UDP": -1} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newTwoWay(t, deadPath, func(_ *twoWayRig, cfg *DialConfig) { cfg.UDPTime = min(least, 0) })
				defer r.close()
				if !r.client.OverTCP() || r.dialed.Load() != 1 || r.settled.Load() != 1 {
					t.Errorf("over TCP: %v, by %d connections", r.client.OverTCP(), r.dialed.Load())
				}
				if r.took < least || r.took > max(least, 0)+time.Second {
					t.Errorf("it took %v", r.took)
				}
				r.user.SetPaths(shortPath, shortPath) // UDP is back, and of no interest.
				start := time.Now()
				const count = 200
				r.run(schedule{interval: 40 * time.Millisecond, count: count})
				if r.up.count() != count || r.down.count() != count {
					t.Errorf("%d and %d of %d cells arrived", r.up.count(), r.down.count(), count)
				}
				udp, streams := r.sizes(start)
				if len(udp) > 0 || streams[frameHeader+cellDatagram] != 2*count {
					t.Errorf("over UDP: %v; over TCP: %v", udp, streams)
				}
				for size := range streams {
					if !expected(size-frameHeader, 0) {
						t.Errorf("frames of %d bytes", size)
					}
				}
				if s := r.listener.Stats(); s.Streams != 1 || s.Stalled != 0 || s.Forged != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// Nobody connects who has UDP, even if it is slow and loses much.
func TestNoFallbackWithUDP(t *testing.T) {
	for _, line := range []simnet.Path{{}, {Delay: 300 * time.Millisecond, Loss: 0.02}} {
		bubble(t, func(t *testing.T) {
			r := newTwoWay(t, line, asUsual)
			defer r.close()
			time.Sleep(udpTime)
			if r.dialed.Load() != 0 || r.client.OverTCP() {
				t.Error("it connects over TCP")
			}
			if _, streams := r.sizes(time.Time{}); len(streams) > 0 {
				t.Errorf("over TCP: %v", streams)
			}
		})
	}
}

// UDP that answers while the client connects is what the client takes.
func TestUDPInTheLastMoment(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newTwoWay(t, deadPath, func(r *twoWayRig, cfg *DialConfig) {
			cfg.Stream = func(ctx context.Context) (net.Conn, error) {
				r.user.SetPaths(shortPath, shortPath)
				conn, err := r.connect(ctx)
				time.Sleep(time.Second)
				return conn, err
			}
		})
		defer r.close()
		if r.client.OverTCP() || r.dialed.Load() != 1 {
			t.Errorf("over TCP: %v, by %d connections", r.client.OverTCP(), r.dialed.Load())
		}
		time.Sleep(time.Second)
		if s := r.listener.Stats(); s.Streams != 0 {
			t.Errorf("the connection is still there: %+v", s)
		}
	})
}

// Where neither gets through, it is said of both, in time.
func TestNeitherWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		refused := errors.New("connection refused")
		r, err := openTwoWay(t, deadPath, func(_ *twoWayRig, cfg *DialConfig) {
			cfg.Stream = func(context.Context) (net.Conn, error) { return nil, refused }
		})
		defer r.close()
		if !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrLost) || !errors.Is(err, refused) {
			t.Error(err)
		}
		if r.took > openTimeout+time.Second {
			t.Errorf("it took %v", r.took)
		}
	})
}

// A server that cuts the connection before the link is open is not waited for.
func TestConnectionIsCut(t *testing.T) {
	for name, after := range map[string]time.Duration{"at once": 0, "after a while": 300 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var cutting sync.WaitGroup
				r, err := openTwoWay(t, deadPath, func(r *twoWayRig, cfg *DialConfig) {
					const port = frontPort + 1
					front, err := r.star.Server().ListenStream(port)
					if err != nil {
						t.Fatal(err)
					}
					cutting.Go(func() {
						conn, err := front.Accept()
						if err != nil {
							return
						}
						time.Sleep(after)
						_ = conn.Close()
						_ = front.Close()
					})
					cfg.Stream = func(ctx context.Context) (net.Conn, error) {
						return r.user.DialContext(ctx, "tcp", fmt.Sprintf("server:%d", port))
					}
				})
				defer r.close()
				if !errors.Is(err, ErrLost) || !errors.Is(err, errCut) {
					t.Error(err)
				}
				if r.took < udpTime+after || r.took > udpTime+after+time.Second {
					t.Errorf("it took %v", r.took)
				}
				cutting.Wait()
			})
		})
	}
}

// A server that takes no streams, as older ones do not, is not bothered with one,
// not even by a client that would rather have it.
func TestServerWithoutStreams(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newTwoWay(t, shortPath, func(r *twoWayRig, cfg *DialConfig) {
			r.listener.streamPort, cfg.UDPTime = 0, -1
		})
		defer r.close()
		if r.client.OverTCP() || r.dialed.Load() != 0 {
			t.Error("it connects over TCP")
		}
	})
}

// traceOverTCP is trace for a user without UDP.
func traceOverTCP(t *testing.T, s schedule) (packets []simnet.Packet) {
	t.Helper()
	bubble(t, func(t *testing.T) {
		r := newTwoWay(t, deadPath, asUsual)
		defer r.close()
		start := r.run(s)
		packets = r.star.Since(start.Add(-time.Second))
		if r.up.count() != s.count || r.down.count() != s.count {
			t.Errorf("only %d and %d of %d cells arrived", r.up.count(), r.down.count(), s.count)
		}
	})
	return packets
}

// TestTraceEqualityOverTCP: what is in the cells shows over TCP neither in when
// something is written nor in how long it is; and what would show is seen.
func TestTraceEqualityOverTCP(t *testing.T) {
	const count = 300
	base := schedule{interval: 40 * time.Millisecond, count: count}
	first := traceOverTCP(t, base)
	if len(first) < 2*count || slices.ContainsFunc(first, func(p simnet.Packet) bool { return !p.Stream }) {
		t.Fatalf("%d packets were seen, not all of them in streams", len(first))
	}
	s := base
	s.fill = func(n int, b []byte) {
		for i := range b {
			b[i] = byte(n / 100 * 255)
		}
	}
	if d := simnet.Diff(first, traceOverTCP(t, s)); d != "" {
		t.Errorf("what is in cells shows: %s", d)
	}
	for name, s := range map[string]schedule{
		"an extra byte": {interval: base.interval, count: count, longer: map[int]int{count / 2: 1}},
		"1 ms":          {interval: base.interval, count: count, late: map[int]time.Duration{count / 2: time.Millisecond}},
	} {
		if simnet.Diff(first, traceOverTCP(t, s)) == "" {
			t.Errorf("%s: not seen", name)
		}
	}
}

// Batches go over TCP as over UDP, and none of a batch is lost for its size.
func TestBatchesOverTCP(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const batch, batches = 13, 50
		r := newTwoWay(t, deadPath, func(_ *twoWayRig, cfg *DialConfig) { cfg.Depth = batch })
		defer r.close()
		for n := range batch * batches {
			if n%batch == 0 {
				time.Sleep(cell.Interval100.Duration())
			}
			b := make([]byte, MaxMessage)
			b[0], b[1], b[2], b[3] = 0, 0, byte(n>>8), byte(n)
			r.client.Send(b)
		}
		time.Sleep(time.Second)
		if r.up.count() != batch*batches {
			t.Errorf("%d of %d arrived: %+v, %+v", r.up.count(), batch*batches, r.client.Stats(), r.listener.Stats())
		}
	})
}
