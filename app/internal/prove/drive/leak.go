package drive

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"undertone/app/internal/prove/plan"
	"undertone/app/internal/prove/record"
	"undertone/transport/cell"
	"undertone/transport/rtc"
)

// A socket of transport/rtc can be used in these ways.
type socket interface {
	net.PacketConn
	ReadFromAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToAddrPort(b []byte, addr netip.AddrPort) (int, error)
	SetReadBuffer(bytes int) error
	SetWriteBuffer(bytes int) error
}

// leaks are what can be wrong with a client, all of it on purpose.
type leaks struct {
	which atomic.Int32
	grace atomic.Int32 // how many datagrams it spares at first
	left  atomic.Int32 // how many it may still harm then
	pause int32        // how many slots DTX stops for
	quiet *atomic.Bool // nothing is said
}

// The leaks.
const (
	noLeak int32 = iota
	workLeak
	byteLeak
	skipLeak
	dtxLeak
)

const (
	// workFor is how long something computes between the tick and the sending.
	workFor = 1500 * time.Microsecond
	// pauseFor is for how long an encoder with DTX sends nothing when a silence begins.
	pauseFor = 400 * time.Millisecond
	// dataRecord begins every datagram with messages, and leastData is shorter than any
	// of them, and longer than other datagrams.
	dataRecord = 23
	leastData  = 150
	// graceFor is how many datagrams pass before one is harmed: the first of a segment
	// may be of the slot before.
	graceFor = 6
)

func newLeaks(i cell.Interval, quiet *atomic.Bool) *leaks {
	return &leaks{pause: int32(i.Slots(pauseFor)), quiet: quiet}
}

// set switches to a leak by its name in a plan, and to none by any other.
func (l *leaks) set(name string) {
	l.which.Store(noLeak)
	l.grace.Store(graceFor)
	switch name {
	case plan.Work:
		l.which.Store(workLeak)
	case plan.Byte:
		l.left.Store(1)
		l.which.Store(byteLeak)
	case plan.Skip:
		l.left.Store(1)
		l.which.Store(skipLeak)
	case plan.DTX:
		l.left.Store(l.pause)
		l.which.Store(dtxLeak)
	}
}

// strike says what becomes of a datagram: what is sent, nil for nothing.
func (l *leaks) strike(b []byte) []byte {
	which := l.which.Load()
	if which == noLeak || len(b) < leastData || b[0] != dataRecord {
		return b
	}
	if which == workLeak {
		for end := time.Now().Add(workFor); time.Now().Before(end); { //nolint:revive // it is work
		}
		return b
	}
	if which == dtxLeak && !l.quiet.Load() || l.grace.Add(-1) >= 0 || l.left.Add(-1) < 0 {
		return b
	}
	if which == byteLeak {
		return append(b[:len(b):len(b)], 0)
	}
	return nil
}

// A leaky socket sends what the leaks leave.
type leaky struct {
	socket
	leaks *leaks
}

func (s *leaky) WriteTo(b []byte, to net.Addr) (int, error) {
	if out := s.leaks.strike(b); out != nil {
		if _, err := s.socket.WriteTo(out, to); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

func (s *leaky) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if out := s.leaks.strike(b); out != nil {
		if _, err := s.socket.WriteToAddrPort(out, to); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// open opens a socket with the tape on it, and the leaks above that: the tape has
// what is really sent.
func open(tape *record.Tape, l *leaks, j job) (net.PacketConn, netip.AddrPort, error) {
	conn, err := listen(j)
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	local := conn.LocalAddr().(*net.UDPAddr).AddrPort() //nolint:forcetypeassert // of every UDP socket
	port := local.Port()
	watched := rtc.Watch(conn, func(c rtc.Crossing) { tape.Keep(c.At, c.Sent, port, c.Peer, c.Data) })
	return &leaky{watched.(socket), l}, local, nil //nolint:forcetypeassert // a tap has all that a socket has
}
