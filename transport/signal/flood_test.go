package signal

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// backlog is how many connections the system lets wait for a server.
const backlog = 4096

// A shore is a guard in fake time, with nothing behind it but how long each takes.
type shore struct {
	guard *Guard
	queue chan net.Conn // the system's
	stop  func()
}

func newShore(l Limits) *shore {
	s := &shore{guard: NewGuard(l), queue: make(chan net.Conn, backlog)}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	d := newDoor(ctx, s, s.guard)
	wg.Go(d.receive)
	wg.Go(func() {
		for {
			c, err := d.Accept()
			if err != nil {
				return
			}
			in := c.(*guest) //nolint:errcheck,forcetypeassert // nothing else is accepted
			wg.Go(func() { in.Conn.(*caller).serve(ctx, in) })
		}
	})
	s.stop = func() {
		cancel()
		close(s.queue)
		wg.Wait()
	}
	return s
}

// Accept is that of the listener.
func (s *shore) Accept() (net.Conn, error) {
	if c, ok := <-s.queue; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (*shore) Close() error   { return nil }
func (*shore) Addr() net.Addr { return nil }

// A caller is a connection as a guard sees it.
type caller struct {
	net.Conn
	from  net.Addr
	serve func(ctx context.Context, in *guest)
	let   atomic.Bool
	ended chan struct{}
	once  sync.Once
}

func (c *caller) RemoteAddr() net.Addr { return c.from }

func (c *caller) Close() error {
	c.once.Do(func() { close(c.ended) })
	return nil
}

// connect connects from an address, and reports nil if the system's queue is full.
func (s *shore) connect(from netip.Addr, serve func(ctx context.Context, in *guest)) *caller {
	c := &caller{from: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 1)), serve: serve, ended: make(chan struct{})}
	select {
	case s.queue <- c:
		return c
	default:
		return nil
	}
}

// silent says nothing until it is cut.
func silent(context.Context, *guest) {}

// online comes online, which takes half a second.
func (s *shore) online(from netip.Addr) error {
	return s.talk(from, func(_ context.Context, in *guest) {
		time.Sleep(200 * time.Millisecond)
		in.heard()
		time.Sleep(ResponseTime)
		in.answered(true, time.Now())
		in.Conn.(*caller).let.Store(true)
		_ = in.Close()
	})
}

// link opens a link over TCP.
func (s *shore) link(from netip.Addr) error {
	return s.talk(from, func(_ context.Context, in *guest) {
		time.Sleep(200 * time.Millisecond)
		in.Conn.(*caller).let.Store(true)
		_ = in.Close()
	})
}

func (s *shore) talk(from netip.Addr, serve func(ctx context.Context, in *guest)) error {
	c := s.connect(from, serve)
	if c == nil {
		return errors.New("the system's queue is full")
	}
	<-c.ended
	if !c.let.Load() {
		return errors.New("the guard does not let it in")
	}
	return nil
}

// address makes an address that differs for each n, in a network of its own if it is
// below an IPv6 prefix.
func address(t testing.TB, prefix string, n int) netip.Addr {
	t.Helper()
	b := netip.MustParsePrefix(prefix).Addr().AsSlice()
	if len(b) == 16 {
		binary.BigEndian.PutUint16(b[6:], uint16(n))
	} else {
		binary.BigEndian.PutUint16(b[2:], uint16(n))
	}
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		t.Fatal(prefix)
	}
	return a
}

// flood has strangers connect ten thousand times a second, until stop is called.
func (s *shore) flood(from func(n int) netip.Addr) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			s.connect(from(n), silent)
			time.Sleep(100 * time.Microsecond)
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// Ten thousand connections a second, from one address, from all networks of one site,
// or from everywhere, hold up nobody who is known; and but for the last, newcomers
// neither.
func TestFloodsHoldUpNobodyKnown(t *testing.T) {
	for name, c := range map[string]struct {
		from      func(n int) netip.Addr
		home      string // of who is known
		newcomers bool
	}{
		"one address": {func(int) netip.Addr { return address(t, "192.0.2.0/24", 7) }, "198.51.0.0/16", true},
		"one site":    {func(n int) netip.Addr { return address(t, "2001:db8:1::/48", 9+n) }, "2001:db8:2::/48", true},
		"the own site": {func(n int) netip.Addr { return address(t, "2001:db8:1::/48", 9+n%60_000) },
			"2001:db8:1::/48", true},
		"everywhere": {func(n int) netip.Addr { return address(t, "10.0.0.0/16", n) }, "198.51.0.0/16", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShore(Limits{})
				defer s.stop()
				home := address(t, c.home, 1)
				if err := s.online(home); err != nil {
					t.Fatal(err)
				}
				defer s.flood(c.from)()
				time.Sleep(2 * time.Second) // So that what comes at once is over.
				late := 0
				for n := range 3 {
					start := time.Now()
					if err := s.online(home); err != nil {
						t.Errorf("who is known, time %d: %v", n, err)
					}
					if took := time.Since(start); took > ResponseTime+210*time.Millisecond {
						t.Errorf("who is known waits for %v", took)
					}
					if s.online(address(t, "203.0.0.0/16", n)) != nil {
						late++
					}
				}
				if c.newcomers && late > 0 {
					t.Errorf("%d of 3 newcomers are kept out", late)
				}
				if counts := s.guard.Counts(); counts.Throttled < 25_000 {
					t.Errorf("this was no flood: %+v", counts)
				}
			})
		})
	}
}

// A member who came online from many networks of one site, and floods from them, holds
// up nobody else.
func TestFloodOfAMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShore(Limits{})
		defer s.stop()
		const networks = 100
		his := func(n int) netip.Addr { return address(t, "2001:db8:1::/48", n%networks) }
		for n := range networks {
			if err := s.online(his(n)); err != nil {
				t.Fatal(err)
			}
		}
		home := address(t, "198.51.0.0/16", 1)
		if err := s.online(home); err != nil {
			t.Fatal(err)
		}
		defer s.flood(his)()
		time.Sleep(2 * time.Second)
		for n := range 3 {
			if err := s.online(home); err != nil {
				t.Errorf("time %d: %v", n, err)
			}
		}
	})
}

// What is remembered of a flood has bounds.
func TestFloodIsForgotten(t *testing.T) {
	g, now := NewGuard(Limits{}), time.Now()
	for n := range 80_000 {
		b := netip.MustParseAddr("2001:db8::").As16()
		binary.BigEndian.PutUint32(b[2:], uint32(n))
		c := &caller{from: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom16(b), 1)), ended: make(chan struct{})}
		g.receive(c, now.Add(time.Duration(n)*100*time.Microsecond))
	}
	if n := g.addresses.Len(); n > 2*remembered {
		t.Errorf("%d addresses are remembered", n)
	}
	if n := g.others.sites.Len(); n > 2*remembered {
		t.Errorf("%d sites are remembered", n)
	}
	if n := g.others.waiting.Len(); n > g.limits.Strangers.Burst || n != len(g.from) {
		t.Errorf("%d wait, from %d addresses", n, len(g.from))
	}
}

// back has users come back after a restart, when nobody is known: each tries once a
// second until he is in, and over TCP opens his link by a second connection. It returns
// when the last one is in, and how many links were refused.
func (s *shore) back(t *testing.T, users int, overTCP bool, home func(n int) netip.Addr) (took time.Duration, links int) {
	t.Helper()
	start := time.Now()
	var wg sync.WaitGroup
	var refused atomic.Int64
	for n := range users {
		wg.Go(func() {
			time.Sleep(time.Duration(n%97) * time.Millisecond) // They notice at about one time.
			for s.online(home(n)) != nil {
				time.Sleep(time.Second)
			}
			if overTCP && s.link(home(n)) != nil {
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	return time.Since(start), int(refused.Load())
}

// All users of a large server are back within some seconds after it was restarted, with
// UDP or without.
func TestFullServerIsBack(t *testing.T) {
	for _, overTCP := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			const users = 3000
			s := newShore(Limits{Users: users})
			defer s.stop()
			took, refused := s.back(t, users, overTCP, func(n int) netip.Addr { return address(t, "10.0.0.0/16", n) })
			if took > 5*time.Second || refused > 0 {
				t.Errorf("over TCP %v: %d users are back after %v, and %d links were refused", overTCP, users, took, refused)
			}
		})
	}
}

// An office behind one address, in whose network there is no UDP, is back too, though
// each of its users connects twice.
func TestOfficeIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShore(Limits{})
		defer s.stop()
		took, refused := s.back(t, 150, true, func(int) netip.Addr { return address(t, "192.0.2.0/24", 1) })
		if took > 5*time.Second || refused > 0 {
			t.Errorf("they are back after %v, and %d links were refused", took, refused)
		}
	})
}
