package socket

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Around is what IP and UDP put around a datagram, in bytes.
const Around = 28

// oobSize is room for the stamp, whatever else the kernel tells.
const oobSize = 128

// A Crossing is a datagram that crossed the socket.
type Crossing struct {
	// At is when, in nanoseconds since 1970.
	At int64
	// Size is the length of what UDP carries.
	Size int
	// Sent is false for one that came.
	Sent bool
}

// A Socket is one user's. Its methods may be called from any goroutine, but reading
// from one at a time.
type Socket struct {
	ip    netip.Addr
	local net.Addr // what it was opened at
	see   func(c Crossing)
	conn  atomic.Pointer[net.UDPConn]
	cut   atomic.Bool
	oob   [oobSize]byte // touched by who reads

	mu     sync.Mutex
	closed bool
}

// Open opens a socket at an address, on any port. see is called for each datagram,
// from the goroutines that read and write: before it leaves, and when it was read. It
// must be quick.
func Open(ip netip.Addr, see func(c Crossing)) (*Socket, error) {
	conn, err := listen(ip)
	if err != nil {
		return nil, err
	}
	s := &Socket{ip: ip, local: conn.LocalAddr(), see: see}
	s.conn.Store(conn)
	return s, nil
}

func listen(ip netip.Addr) (*net.UDPConn, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)))
	if err != nil {
		return nil, err
	}
	if err := stampAll(conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// IP returns the user's address.
func (s *Socket) IP() netip.Addr { return s.ip }

// Move has the socket go on at another port.
func (s *Socket) Move() error {
	conn, err := listen(s.ip)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.Join(net.ErrClosed, conn.Close())
	}
	return s.conn.Swap(conn).Close()
}

// Cut has nothing cross the socket from now on.
func (s *Socket) Cut() { s.cut.Store(true) }

// ReadFromAddrPort reads a datagram.
func (s *Socket) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		conn := s.conn.Load()
		n, oobn, _, from, err := conn.ReadMsgUDPAddrPort(b, s.oob[:])
		switch {
		case err != nil && s.conn.Load() != conn:
			continue // It has moved.
		case err != nil:
			return 0, netip.AddrPort{}, err
		case s.cut.Load():
			continue
		}
		s.see(Crossing{At: stampOf(s.oob[:oobn]), Size: n})
		return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), nil
	}
}

// WriteToAddrPort writes a datagram.
func (s *Socket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if s.cut.Load() {
		return len(b), nil
	}
	// Its answer may be there before this goroutine runs on: so it is seen first.
	s.see(Crossing{At: time.Now().UnixNano(), Size: len(b), Sent: true})
	conn := s.conn.Load()
	n, err := conn.WriteToUDPAddrPort(b, to)
	if err != nil {
		if s.conn.Load() != conn {
			return len(b), nil // It was moving. Networks lose datagrams.
		}
		return n, err
	}
	return n, nil
}

// ReadFrom is ReadFromAddrPort with another kind of address.
func (s *Socket) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := s.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteTo is WriteToAddrPort with another kind of address.
func (s *Socket) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, &net.OpError{Op: "write", Net: "udp", Addr: to, Err: net.UnknownNetworkError(to.Network())}
	}
	return s.WriteToAddrPort(b, udp.AddrPort())
}

// LocalAddr returns the address that the socket was opened at.
func (s *Socket) LocalAddr() net.Addr { return s.local }

// Close closes the socket. It may be called again.
func (s *Socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.conn.Load().Close()
}

// SetDeadline bounds reading and writing.
func (s *Socket) SetDeadline(t time.Time) error { return s.conn.Load().SetDeadline(t) }

// SetReadDeadline bounds reading.
func (s *Socket) SetReadDeadline(t time.Time) error { return s.conn.Load().SetReadDeadline(t) }

// SetWriteDeadline bounds writing.
func (s *Socket) SetWriteDeadline(t time.Time) error { return s.conn.Load().SetWriteDeadline(t) }

// SetReadBuffer asks the system for room for so many bytes that came.
func (s *Socket) SetReadBuffer(bytes int) error { return s.conn.Load().SetReadBuffer(bytes) }

// SetWriteBuffer asks the system for room for so many bytes to send.
func (s *Socket) SetWriteBuffer(bytes int) error { return s.conn.Load().SetWriteBuffer(bytes) }
