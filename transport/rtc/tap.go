package rtc

import (
	"net"
	"net/netip"
	"time"
)

// Tap returns a socket that works as conn does and tells see of every datagram
// that really crosses it: when, in which direction and how many bytes of UDP
// payload. It is what somebody who records the wire learns, and nothing else.
// see is called from the goroutines that read and write, several at once; it
// must be quick and must not use the socket.
func Tap(conn net.PacketConn, see func(at time.Time, sent bool, size int)) net.PacketConn {
	return Watch(conn, func(c Crossing) { see(c.At, c.Sent, len(c.Data)) })
}

// Watch is a Tap that sees the datagrams themselves, for whoever follows one of
// them from socket to socket.
func Watch(conn net.PacketConn, see func(c Crossing)) net.PacketConn {
	return &tap{PacketConn: conn, fast: fastConn(conn), see: see}
}

// A Crossing is a datagram that crossed a socket.
type Crossing struct {
	// At is when it was handed to the system to be sent, or had come.
	At time.Time
	// Sent is false for one that came.
	Sent bool
	// Peer is where it went or came from.
	Peer netip.AddrPort
	// Data must not be kept or changed.
	Data []byte
}

type tap struct {
	net.PacketConn
	fast addrPortConn
	see  func(c Crossing)
}

func (t *tap) ReadFrom(b []byte) (int, net.Addr, error) {
	n, addr, err := t.PacketConn.ReadFrom(b)
	if err == nil {
		t.see(Crossing{At: time.Now(), Peer: peer(addr), Data: b[:n]})
	}
	return n, addr, err
}

func (t *tap) WriteTo(b []byte, addr net.Addr) (int, error) {
	at := time.Now()
	n, err := t.PacketConn.WriteTo(b, addr)
	if err == nil {
		t.see(Crossing{At: at, Sent: true, Peer: peer(addr), Data: b[:n]})
	}
	return n, err
}

func (t *tap) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, addr, err := t.fast.ReadFromAddrPort(b)
	if err == nil {
		t.see(Crossing{At: time.Now(), Peer: addr, Data: b[:n]})
	}
	return n, addr, err
}

func (t *tap) WriteToAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	at := time.Now()
	n, err := t.fast.WriteToAddrPort(b, addr)
	if err == nil {
		t.see(Crossing{At: at, Sent: true, Peer: addr, Data: b[:n]})
	}
	return n, err
}

// peer returns an address as netip has it.
func peer(addr net.Addr) netip.AddrPort {
	if udp, ok := addr.(*net.UDPAddr); ok {
		return udp.AddrPort()
	}
	return netip.AddrPort{}
}

// SetReadBuffer passes on to the socket below, if that has a buffer.
func (t *tap) SetReadBuffer(bytes int) error { return setReadBuffer(t.PacketConn, bytes) }

// SetWriteBuffer passes on to the socket below, if that has a buffer.
func (t *tap) SetWriteBuffer(bytes int) error { return setWriteBuffer(t.PacketConn, bytes) }
