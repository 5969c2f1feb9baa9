package simnet

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/logging"
	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/vnet"
)

// network holds all addresses: the server is 10.0.0.1, users are 10.1.x.y.
const network = "10.0.0.0/8"

// firstPort is the first port that a host gives to a socket. Ports are given in
// order, since a random one would make two runs differ.
const firstPort = 40000

// creation guards vnet's constructors, which share a counter without a lock.
var creation sync.Mutex

// Config describes a star.
type Config struct {
	// Seed decides which packets are lost and how much each is delayed.
	Seed uint64
}

// A Star is a network with a server in the middle.
type Star struct {
	seed   uint64
	router *vnet.Router
	seen   observer
	server *Host

	mu    sync.Mutex
	users map[netip.Addr]*Host
}

// New returns a star with a server and no users. It panics if pion's virtual
// network refuses, which is a mistake in this package.
func New(cfg Config) *Star {
	creation.Lock()
	defer creation.Unlock()
	router, err := vnet.NewRouter(&vnet.RouterConfig{
		Name: "star",
		CIDR: network,
		LoggerFactory: &logging.DefaultLoggerFactory{
			Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled,
		},
	})
	if err != nil {
		panic(err)
	}
	s := &Star{seed: cfg.Seed, router: router, users: make(map[netip.Addr]*Host)}
	s.server = s.newHost(netip.AddrFrom4([4]byte{10, 0, 0, 1}))
	if err := router.Start(); err != nil {
		panic(err)
	}
	return s
}

// Server returns the host in the middle.
func (s *Star) Server() *Host { return s.server }

// User adds a user with a path to the server and one back.
func (s *Star) User(up, down Path) *Host {
	creation.Lock()
	defer creation.Unlock()
	s.mu.Lock()
	n := len(s.users)
	s.mu.Unlock()
	h := s.newHost(netip.AddrFrom4([4]byte{10, 1, byte(n / 250), byte(n%250 + 1)}))
	h.up = newPath(s.seed, uint64(2*n), up)
	h.down = newPath(s.seed, uint64(2*n+1), down)
	s.mu.Lock()
	s.users[h.addr] = h
	s.mu.Unlock()
	return h
}

// Packets returns what the observer saw, in order of time.
func (s *Star) Packets() []Packet { return s.seen.since(time.Time{}) }

// Since returns what the observer saw from then on, in order of time.
func (s *Star) Since(from time.Time) []Packet { return s.seen.since(from) }

// Close stops the network: whatever is on its way is lost.
func (s *Star) Close() {
	_ = s.router.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.users {
		h.up.stop()
		h.down.stop()
	}
}

// between returns the path from one host to another, nil if there is none: users
// do not reach each other.
func (s *Star) between(from *Host, to netip.Addr) *path {
	if from != s.server {
		if to == s.server.addr {
			return from.up
		}
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if user := s.users[to]; user != nil {
		return user.down
	}
	return nil
}

// A Host is the server or a user.
type Host struct {
	star     *Star
	addr     netip.Addr
	net      *vnet.Net
	up, down *path // users only

	mu        sync.Mutex
	nextPort  uint16
	listeners map[uint16]*listener
}

func (s *Star) newHost(addr netip.Addr) *Host {
	n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{addr.String()}})
	if err != nil {
		panic(err)
	}
	if err := s.router.AddNet(n); err != nil {
		panic(err)
	}
	return &Host{star: s, addr: addr, net: n, nextPort: firstPort, listeners: make(map[uint16]*listener)}
}

// Addr returns the address of the host.
func (h *Host) Addr() netip.Addr { return h.addr }

// SetPaths changes a user's paths for what is sent from now on. A loss of 1
// cuts the line.
func (h *Host) SetPaths(up, down Path) {
	h.up.set(up)
	h.down.set(down)
}

// ListenUDP returns a socket for datagrams at a port of the host; 0 chooses one.
func (h *Host) ListenUDP(port uint16) (net.PacketConn, error) {
	if port == 0 {
		port = h.freePort()
	}
	inner, err := h.net.ListenUDP("udp4", &net.UDPAddr{IP: h.addr.AsSlice(), Port: int(port)})
	if err != nil {
		return nil, fmt.Errorf("simnet: %w", err)
	}
	return &packetConn{UDPConn: inner, host: h, local: netip.AddrPortFrom(h.addr, port)}, nil
}

func (h *Host) freePort() uint16 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.nextPort++
	return h.nextPort - 1
}

// packetConn is a socket of the virtual network behind a path.
type packetConn struct {
	transport.UDPConn
	host  *Host
	local netip.AddrPort

	mu     sync.Mutex
	closed bool
}

var errAddress = errors.New("simnet: not a UDP address")

func (c *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, errAddress
	}
	if c.isClosed() {
		return 0, net.ErrClosed
	}
	p := c.host.star.between(c.host, udp.AddrPort().Addr().Unmap())
	if p == nil {
		return len(b), nil // nobody is there: as in a real network, no error
	}
	packet := Packet{At: time.Now(), From: c.local, To: udp.AddrPort(), Size: len(b)}
	data := append([]byte(nil), b...)
	packet.Lost = !p.send(packet.At, len(b), func() { _, _ = c.UDPConn.WriteTo(data, udp) })
	c.host.star.seen.see(packet)
	return len(b), nil
}

func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, addr, err := c.UDPConn.ReadFrom(b)
	if err != nil && c.isClosed() {
		err = net.ErrClosed
	}
	return n, addr, err
}

func (c *packetConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	return c.UDPConn.Close()
}

func (c *packetConn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}
