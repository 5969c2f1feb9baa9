package rtc

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// addrPortConn is what pion calls AddrPortReaderWriter: reading and writing
// datagrams without an allocation for each address.
type addrPortConn interface {
	ReadFromAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToAddrPort(b []byte, addr netip.AddrPort) (int, error)
}

// fastConn returns the quickest way to use conn with netip addresses.
func fastConn(conn net.PacketConn) addrPortConn {
	if udp, ok := conn.(*net.UDPConn); ok {
		return udpConn{udp}
	}
	if fast, ok := conn.(addrPortConn); ok {
		return fast
	}
	return plainConn{conn}
}

// udpConn is a socket of the operating system.
type udpConn struct{ conn *net.UDPConn }

func (c udpConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return c.conn.ReadFromUDPAddrPort(b)
}

func (c udpConn) WriteToAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	return c.conn.WriteToUDPAddrPort(b, addr)
}

// plainConn is any other socket, for example one of the simulated network.
type plainConn struct{ conn net.PacketConn }

func (c plainConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, addr, err := c.conn.ReadFrom(b)
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0, netip.AddrPort{}, errors.New("rtc: datagram without a UDP address")
	}
	return n, udp.AddrPort(), nil
}

func (c plainConn) WriteToAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	return c.conn.WriteTo(b, net.UDPAddrFromAddrPort(addr))
}

// readRetries is how many failed reads in a row end a socket, which takes some
// seconds. A single one is no reason: some systems report an unreachable peer in this
// way, and then one user who left would take all others with him. So the second try
// comes at once. Each one after it waits twice as long as the one before, up to a
// bound, so that a socket that is broken does not keep a core busy.
const (
	readRetries = 60
	firstPause  = time.Millisecond
	longPause   = 100 * time.Millisecond
)

// A socket is the one UDP port of a client or of a server, made so that the
// trouble of one datagram never reaches the links: what cannot be sent is lost,
// as if the network had lost it. To and from addresses that stand for them, it
// sends and reads by streams.
type socket struct {
	net.PacketConn
	fast    addrPortConn
	read    *atomic.Uint64 // counts datagrams that came
	streams *streams
	way     wayState

	closeOnce sync.Once
	closed    chan struct{}
	closeErr  error

	failOnce sync.Once
	failed   chan struct{} // closed when it can be read no more, and nobody has closed it
	failure  error         // why; set before
}

func newSocket(conn net.PacketConn, buffer int, read *atomic.Uint64) *socket {
	// A system may grant less, or a simulated network none: it is a wish.
	_ = setReadBuffer(conn, buffer)
	_ = setWriteBuffer(conn, buffer)
	rouse := func() { _ = conn.SetReadDeadline(longAgo) } // If it is closed, nobody reads.
	return &socket{
		PacketConn: conn, fast: fastConn(conn), read: read, closed: make(chan struct{}), failed: make(chan struct{}),
		streams: newStreams(conn.LocalAddr(), rouse),
	}
}

// longAgo as a deadline ends a read at once.
var longAgo = time.Unix(1, 0)

func (s *socket) ReadFromAddrPort(b []byte) (n int, addr netip.AddrPort, err error) {
	pause := time.Duration(0)
	for range readRetries {
		if n, addr, err = s.next(b); err == nil || s.isClosed() {
			return n, addr, err
		}
		if errors.Is(err, net.ErrClosed) {
			break // Somebody else has closed it: no use in waiting.
		}
		s.rest(pause)
		pause = min(max(2*pause, firstPause), longPause)
	}
	s.fail(err)
	return n, addr, err
}

// rest waits, but not for a socket that is closed meanwhile.
func (s *socket) rest(pause time.Duration) {
	if pause == 0 {
		return
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.closed:
	}
}

// fail says that the socket can be read no more.
func (s *socket) fail(err error) {
	if s.isClosed() {
		return
	}
	s.failOnce.Do(func() {
		s.failure = err
		close(s.failed)
	})
}

// next reads what came first, over UDP or by a stream. A stream ends the read by a
// deadline, which is taken back before the inbox is looked at: one that is set after
// that is about something that came after that.
func (s *socket) next(b []byte) (int, netip.AddrPort, error) {
	for {
		if n, addr, ok := s.streams.inbox.take(b); ok {
			s.read.Add(1)
			return n, addr, nil
		}
		n, addr, err := s.fast.ReadFromAddrPort(b)
		if err == nil {
			s.read.Add(1)
			if s.way.takesUDP() && !isStandIn(addr.Addr()) {
				return n, addr, nil
			}
			continue
		}
		if !isTimeout(err) || s.isClosed() {
			return n, addr, err
		}
		if err := s.SetReadDeadline(time.Time{}); err != nil {
			return 0, netip.AddrPort{}, err
		}
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func (s *socket) WriteToAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	if s.isClosed() {
		return 0, net.ErrClosed
	}
	if isStandIn(addr.Addr()) {
		if st := s.streams.get(addr); st != nil {
			st.put(b)
		}
		return len(b), nil
	}
	if !s.way.takesUDP() {
		return len(b), nil
	}
	if _, err := s.fast.WriteToAddrPort(b, addr); err != nil && s.isClosed() {
		return 0, net.ErrClosed
	}
	return len(b), nil
}

func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	n, addr, err := s.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(addr), nil
}

func (s *socket) WriteTo(b []byte, addr net.Addr) (int, error) {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0, errors.New("rtc: not a UDP address")
	}
	return s.WriteToAddrPort(b, udp.AddrPort())
}

// SetWriteDeadline does nothing: a datagram does not wait, and a deadline on
// the one port of a server would hit every user.
func (s *socket) SetWriteDeadline(time.Time) error { return nil }

func (s *socket) Close() error {
	s.closeOnce.Do(func() {
		close(s.closed)
		s.closeErr = s.PacketConn.Close()
	})
	return s.closeErr
}

func (s *socket) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

func setReadBuffer(conn net.PacketConn, bytes int) error {
	if c, ok := conn.(interface{ SetReadBuffer(int) error }); ok {
		return c.SetReadBuffer(bytes)
	}
	return errors.ErrUnsupported
}

func setWriteBuffer(conn net.PacketConn, bytes int) error {
	if c, ok := conn.(interface{ SetWriteBuffer(int) error }); ok {
		return c.SetWriteBuffer(bytes)
	}
	return errors.ErrUnsupported
}
