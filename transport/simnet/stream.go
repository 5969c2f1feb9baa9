package simnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// backlog is how many connections may wait to be accepted.
const backlog = 128

var errRefused = errors.New("simnet: connection refused")

// listener is the accepting end of signalling.
type listener struct {
	host   *Host
	local  netip.AddrPort
	queue  chan net.Conn
	closed chan struct{}
}

// ListenStream returns a listener for connections at a port of the host; 0
// chooses one.
func (h *Host) ListenStream(port uint16) (net.Listener, error) {
	if port == 0 {
		port = h.freePort()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listeners[port] != nil {
		return nil, fmt.Errorf("simnet: port %d is in use", port)
	}
	l := &listener{h, netip.AddrPortFrom(h.addr, port), make(chan net.Conn, backlog), make(chan struct{})}
	h.listeners[port] = l
	return l, nil
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.local) }

func (l *listener) Close() error {
	l.host.mu.Lock()
	defer l.host.mu.Unlock()
	if l.host.listeners[l.local.Port()] != l {
		return net.ErrClosed
	}
	delete(l.host.listeners, l.local.Port())
	close(l.closed)
	return nil
}

// DialContext connects a user to the server, in one round trip. Every name in
// address stands for the server: the simulated world has no other.
func (h *Host) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	server := h.star.server
	if h == server {
		return nil, fmt.Errorf("simnet: the server dials nobody")
	}
	to, err := server.resolve(address)
	if err != nil {
		return nil, err
	}
	select {
	case <-time.After(h.up.delay() + h.down.delay()):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	server.mu.Lock()
	l := server.listeners[to.Port()]
	server.mu.Unlock()
	if l == nil {
		return nil, errRefused
	}
	from := netip.AddrPortFrom(h.addr, h.freePort())
	near, far := newStreams(h, from, to)
	select {
	case l.queue <- far:
		return near, nil
	default:
		return nil, errRefused
	}
}

func (h *Host) resolve(address string) (netip.AddrPort, error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("simnet: %w", err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("simnet: port: %w", err)
	}
	if ip, err := netip.ParseAddr(name); err == nil && ip != h.addr {
		return netip.AddrPort{}, errRefused
	}
	return netip.AddrPortFrom(h.addr, uint16(n)), nil
}
