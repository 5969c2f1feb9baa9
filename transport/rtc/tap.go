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
	return &tap{PacketConn: conn, fast: fastConn(conn), see: see}
}

type tap struct {
	net.PacketConn
	fast addrPortConn
	see  func(at time.Time, sent bool, size int)
}

func (t *tap) ReadFrom(b []byte) (int, net.Addr, error) {
	n, addr, err := t.PacketConn.ReadFrom(b)
	if err == nil {
		t.see(time.Now(), false, n)
	}
	return n, addr, err
}

func (t *tap) WriteTo(b []byte, addr net.Addr) (int, error) {
	n, err := t.PacketConn.WriteTo(b, addr)
	if err == nil {
		t.see(time.Now(), true, n)
	}
	return n, err
}

func (t *tap) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, addr, err := t.fast.ReadFromAddrPort(b)
	if err == nil {
		t.see(time.Now(), false, n)
	}
	return n, addr, err
}

func (t *tap) WriteToAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	n, err := t.fast.WriteToAddrPort(b, addr)
	if err == nil {
		t.see(time.Now(), true, n)
	}
	return n, err
}

// SetReadBuffer passes on to the socket below, if that has a buffer.
func (t *tap) SetReadBuffer(bytes int) error { return setReadBuffer(t.PacketConn, bytes) }

// SetWriteBuffer passes on to the socket below, if that has a buffer.
func (t *tap) SetWriteBuffer(bytes int) error { return setWriteBuffer(t.PacketConn, bytes) }
