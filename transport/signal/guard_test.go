package signal

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"undertone/transport/simnet"
	"undertone/transport/throttle"
)

// newGuarded starts a server with limits of its own.
func newGuarded(t *testing.T, gate Gate, l Limits) *world {
	t.Helper()
	w := newWorld(t, gate)
	w.stop()
	w.guard = NewGuard(l)
	w.stop = w.serve(w.root, time.Now(), NewHandler(Config{Server: w.uri, Gate: gate}))
	return w
}

// host adds a machine with an address of its own.
func (w *world) host() *simnet.Host {
	path := simnet.Path{Delay: oneWay}
	return w.star.User(path, path)
}

// online comes online from a machine.
func (w *world) online(from *simnet.Host) error {
	c := w.client(identity(w.t, "anna"))
	c.Dial = from.DialContext
	_, err := c.Online(w.t.Context(), offer)
	return err
}

// A crowd is some connections that say nothing.
type crowd []net.Conn

// connect makes connections, at some distance from each other.
func (w *world) connect(from *simnet.Host, times int, apart time.Duration) (all crowd) {
	w.t.Helper()
	for range times {
		c, err := from.DialContext(w.t.Context(), "tcp", host)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, c)
		time.Sleep(apart)
	}
	return all
}

func (c crowd) close() {
	for _, conn := range c {
		_ = conn.Close()
	}
}

// isCut reports whether the server closes a connection within a moment.
func isCut(t *testing.T, c net.Conn) bool {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := c.Read(make([]byte, 1))
	return err == io.EOF //nolint:errorlint // exactly that one
}

// Who connects too often from one address is cut, for as long as it takes, and
// nobody else is.
func TestOneAddressIsThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const burst, asks = 5, 40
		w := newGuarded(t, gateFunc(open), Limits{Address: throttle.Rate{Burst: burst, PerSecond: 0.5}})
		defer w.close()
		eve, anna := w.host(), w.host()
		defer w.connect(eve, asks, 0).close()
		synctest.Wait()
		if c := w.guard.Counts(); c.Connections != burst || c.Throttled != asks-burst {
			t.Errorf("%+v", c)
		}
		wantError(t, w.online(eve), ErrUnreachable, "cannot reach")
		if err := w.online(anna); err != nil {
			t.Errorf("another address: %v", err)
		}
		time.Sleep(5 * time.Second)
		if err := w.online(eve); err != nil {
			t.Errorf("after a while: %v", err)
		}
	})
}

// A flood from many addresses keeps newcomers out, but not those who were there
// before.
func TestFloodFromManyAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newGuarded(t, gateFunc(open), Limits{Strangers: throttle.Rate{Burst: 10, PerSecond: 0.001}})
		defer w.close()
		anna := w.host()
		if err := w.online(anna); err != nil {
			t.Fatal(err)
		}
		var flood crowd
		for range 50 {
			flood = append(flood, w.connect(w.host(), 1, 0)...)
		}
		defer flood.close()
		synctest.Wait()
		if c := w.guard.Counts(); c.Throttled != 41 {
			t.Errorf("%+v", c)
		}
		wantError(t, w.online(w.host()), ErrUnreachable, "cannot reach")
		for range 20 {
			if err := w.online(anna); err != nil {
				t.Fatalf("who is known: %v", err)
			}
		}
	})
}

// A refusal makes nobody known, and is counted.
func TestRefusedStayStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newGuarded(t, refuse(ErrUserUnknown), Limits{Strangers: throttle.Rate{Burst: 3, PerSecond: 0.001}})
		defer w.close()
		eve := w.host()
		for range 3 {
			wantError(t, w.online(eve), ErrUserUnknown, "does not know you")
		}
		wantError(t, w.online(eve), ErrUnreachable, "cannot reach")
		if c := w.guard.Counts(); c.Refused != 3 || c.Throttled != 1 {
			t.Errorf("%+v", c)
		}
	})
}

// When all places are taken by those who say nothing, the one who has said
// nothing for longest loses his.
func TestOldestIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newGuarded(t, gateFunc(open), Limits{Open: 4})
		defer w.close()
		silent := w.connect(w.host(), 4, 10*time.Millisecond)
		defer silent.close()
		if err := w.online(w.host()); err != nil {
			t.Fatal(err)
		}
		if c := w.guard.Counts(); c.Cut != 1 {
			t.Errorf("%+v", c)
		}
		for n, c := range silent {
			if isCut(t, c) != (n == 0) {
				t.Errorf("connection %d is the wrong one", n)
			}
		}
	})
}

// Who has made his request is not cut for others, who wait until there is a place.
func TestThoseAtTheGateAreNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const places, users = 4, 16
		gate := gateFunc(func(context.Context, Request) (string, error) {
			time.Sleep(5 * ResponseTime)
			return answer, nil
		})
		w := newGuarded(t, gate, Limits{Open: places})
		defer w.close()
		var wg sync.WaitGroup
		start := time.Now()
		for range users {
			from := w.host()
			wg.Go(func() {
				if err := w.online(from); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if c := w.guard.Counts(); c.Connections != users || c.Throttled != 0 || c.Cut != 0 {
			t.Errorf("%+v", c)
		}
		if took := time.Since(start); took < users/places*5*ResponseTime {
			t.Errorf("there were more than %d at once: it took %v", places, took)
		}
	})
}

// One address does not get all places.
func TestPlacesOfOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newGuarded(t, gateFunc(open), Limits{OpenPerAddress: 3})
		defer w.close()
		eve := w.host()
		defer w.connect(eve, 10, 0).close()
		synctest.Wait()
		if c := w.guard.Counts(); c.Connections != 3 || c.Throttled != 7 {
			t.Errorf("%+v", c)
		}
		time.Sleep(2 * handshakeTime)
		if err := w.online(eve); err != nil {
			t.Errorf("when the silent ones were cut: %v", err)
		}
		time.Sleep(time.Second) // The server waits for the other side to close.
		w.guard.mu.Lock()
		defer w.guard.mu.Unlock()
		for _, h := range []*hall{w.guard.friends, w.guard.others} {
			if h.open != 0 || h.early.Len() != 0 || h.waiting.Len() != 0 {
				t.Errorf("%d places are taken, and %d wait", h.open, h.waiting.Len())
			}
		}
		if n := len(w.guard.from); n != 0 {
			t.Errorf("connections of %d addresses are remembered", n)
		}
	})
}

// addressed is a connection that comes from somewhere.
type addressed struct {
	net.Conn
	from net.Addr
}

func (c addressed) RemoteAddr() net.Addr { return c.from }

// admit gives a connection a place at once, or returns nil.
func (g *Guard) admit(c net.Conn, now time.Time) *guest {
	if !g.receive(c, now) {
		return nil
	}
	in, _ := g.next(now)
	return in
}

// What comes from this machine is a proxy for many, or its operator.
func TestThisMachineIsNotCounted(t *testing.T) {
	for from, local := range map[string]bool{
		"127.0.0.1:5": true, "[::1]:5": true, "[::ffff:127.0.0.1]:5": true,
		"10.0.0.1:5": false, "[2001:db8::1]:5": false, "[fe80::1%eth0]:5": false,
	} {
		g := NewGuard(Limits{Address: throttle.Rate{Burst: 1, PerSecond: 0.001}, OpenPerAddress: 1})
		in := 0
		for range 10 {
			c := addressed{from: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))}
			if g.admit(c, time.Now()) != nil {
				in++
			}
		}
		if want := map[bool]int{true: 10, false: 1}[local]; in != want {
			t.Errorf("%d of 10 connections from %s are let in, not %d", in, from, want)
		}
	}
}
