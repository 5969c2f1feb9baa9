package rtc

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Each stream has an address that stands for its other end, so that pion takes
// what comes over TCP for datagrams of UDP from there. They are of networks that
// nobody has: the one that IPv4 keeps for later, and the one of IPv6 that routers
// throw away (RFC 6666). None is ever on a wire, and what comes over UDP from one
// is a forgery.
var (
	standIns4 = netip.MustParsePrefix("240.0.0.0/5")
	standIns6 = netip.MustParsePrefix("100::/64")
)

// isStandIn reports whether an address stands for the other end of a stream.
func isStandIn(a netip.Addr) bool {
	return standIns4.Contains(a.Unmap()) || standIns6.Contains(a)
}

// standIn returns the address of a number, in a family.
func standIn(six bool, n uint64) netip.AddrPort {
	const ports = 1<<16 - 1 // There is no port 0.
	port := uint16(n%ports + 1)
	if n /= ports; six {
		b := standIns6.Addr().As16()
		binary.BigEndian.PutUint64(b[8:], n)
		return netip.AddrPortFrom(netip.AddrFrom16(b), port)
	}
	b := standIns4.Addr().As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])|uint32(n)&(1<<27-1))
	return netip.AddrPortFrom(netip.AddrFrom4(b), port)
}

// streams are those of one socket. All methods may be called from any goroutine.
type streams struct {
	inbox inbox
	six   bool // the socket knows IPv6 only
	lost  atomic.Uint64

	mu     sync.RWMutex
	all    map[netip.AddrPort]*stream
	closed bool
	group  sync.WaitGroup // Add only under mu, and before closed
}

// newStreams returns none. rouse ends the socket's read.
func newStreams(local net.Addr, rouse func()) *streams {
	t := &streams{all: make(map[netip.AddrPort]*stream)}
	t.inbox.rouse = rouse
	if udp, ok := local.(*net.UDPAddr); ok {
		ip := udp.AddrPort().Addr().Unmap()
		t.six = ip.Is6() && !ip.IsUnspecified()
	}
	return t
}

// draw returns an address that stands for nothing yet. That it is drawn, and not
// counted, keeps from those who hear theirs how many there were.
func (t *streams) draw() netip.AddrPort {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for {
		at := standIn(t.six, rand.Uint64()) //nolint:gosec // nobody gains by guessing it
		if _, taken := t.all[at]; !taken {
			return at
		}
	}
}

// add takes a connection over, under an address that was drawn. settle is called
// when it has become part of a link; it may be nil. What it returns is closed when
// the stream has ended, and nil if there is no room for one.
func (t *streams) add(conn net.Conn, at netip.AddrPort, settle func()) (gone <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, taken := t.all[at]; taken || t.closed {
		_ = conn.Close()
		return nil
	}
	s := newStream(conn, at, &t.inbox, &t.lost, settle)
	t.all[at] = s
	t.group.Go(func() {
		s.run()
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.all, at)
	})
	return s.gone
}

// get returns the stream of an address, or nil.
func (t *streams) get(at netip.AddrPort) *stream {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.all[plain(at)]
}

// count returns how many there are.
func (t *streams) count() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.all)
}

// close ends all of them and returns when nothing is left. There are no others
// from then on.
func (t *streams) close() {
	t.mu.Lock()
	t.closed = true
	for _, s := range t.all {
		s.end()
	}
	t.mu.Unlock()
	t.group.Wait()
}
