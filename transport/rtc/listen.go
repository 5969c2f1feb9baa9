package rtc

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
)

// ListenConfig says where a server is.
type ListenConfig struct {
	// Conn is the server's one socket for all users; the listener closes it.
	// If it is nil, the listener opens one at Address.
	Conn net.PacketConn

	// Address is host:port to listen on, used when Conn is nil. An empty host
	// is every address of the machine, IPv4 and IPv6.
	Address string

	// Public lists the addresses at which clients reach the socket, if those
	// are not the machine's own (a router or cloud that maps one to one).
	Public []netip.Addr
}

// Handlers is what one user's link needs from the server.
type Handlers struct {
	// Receive is called with each message, one at a time, and when it arrived.
	// b is valid only during the call.
	Receive func(b []byte, at time.Time)

	// Depth is how many messages may wait to be sent, Window how many bytes may be
	// on the way; see DialConfig.
	Depth, Window int

	// Reached is the address at which the user's signalling reached this
	// machine, if known. It is offered when the configuration names none.
	Reached netip.Addr
}

// A Listener is the server's side of all links. Its methods may be called from
// any goroutine.
type Listener struct {
	port   *port
	public []netip.Addr

	mu     sync.Mutex
	links  map[*Link]struct{}
	closed bool
}

// NewListener starts to listen. Links come into being by Accept.
func NewListener(cfg ListenConfig) (*Listener, error) {
	conn := cfg.Conn
	if conn == nil {
		var err error
		if conn, err = net.ListenPacket("udp", cfg.Address); err != nil {
			return nil, fmt.Errorf("rtc: %w", err)
		}
	}
	p, err := newPort(conn, socketBuffer)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("rtc: %w", err)
	}
	return &Listener{port: p, public: cfg.Public, links: make(map[*Link]struct{})}, nil
}

// Addr returns the address of the socket.
func (s *Listener) Addr() netip.AddrPort { return s.port.local }

// Accept answers a client's offer. The link it returns opens when the client
// has got the answer, or ends with ErrTimeout. The context is for making the
// answer only.
func (s *Listener) Accept(ctx context.Context, offer string, h Handlers) (string, *Link, error) {
	offer, err := cleanOffer(offer)
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrOffer, err)
	}
	addrs, err := s.candidates(h.Reached)
	if err != nil {
		return "", nil, err
	}
	pc, err := newPeer(s.port, true, h.Window)
	if err != nil {
		return "", nil, err
	}
	l, err := s.adopt(pc, h)
	if err != nil {
		return "", nil, err
	}
	answer, err := l.answer(ctx, offer, addrs)
	if err != nil {
		l.Close()
		return "", nil, err
	}
	return answer, l, nil
}

// Close ends every link and returns when nothing is left of them.
func (s *Listener) Close() error {
	s.mu.Lock()
	s.closed = true
	links := make([]*Link, 0, len(s.links))
	for l := range s.links {
		links = append(links, l)
	}
	s.mu.Unlock()

	var wait sync.WaitGroup
	for _, l := range links {
		wait.Go(l.Close)
	}
	wait.Wait()
	return s.port.Close()
}

// adopt makes a link that the listener owns.
func (s *Listener) adopt(pc *webrtc.PeerConnection, h Handlers) (*Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = pc.Close()
		return nil, ErrClosed
	}
	var l *Link
	l = newLink(pc, h.Depth, h.Receive, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.links, l)
	})
	s.links[l] = struct{}{}
	return l, nil
}

// answer describes the server's side, reachable at addrs.
func (l *Link) answer(ctx context.Context, offer string, addrs []netip.AddrPort) (string, error) {
	var once sync.Mutex
	l.pc.OnDataChannel(func(dc *webrtc.DataChannel) {
		if !once.TryLock() || !ours(dc) {
			l.end(ErrProtocol)
			return
		}
		dc.OnOpen(func() { l.attach(dc, true) })
	})
	remote := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}
	if err := l.pc.SetRemoteDescription(remote); err != nil {
		return "", fmt.Errorf("%w: %w", ErrOffer, err)
	}
	answer, err := l.pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrOffer, err)
	}
	text, err := l.describe(ctx, answer)
	if err != nil {
		return "", err
	}
	return withCandidates(text, addrs)
}

// ours tells whether the client opened the channel that Dial opens. Another
// kind would change what our own messages cost on the wire.
func ours(dc *webrtc.DataChannel) bool {
	ms := dc.MaxPacketLifeTime()
	return dc.Label() == label && !dc.Ordered() && ms != nil && *ms == lifetime
}

// candidates returns where clients reach the socket.
func (s *Listener) candidates(reached netip.Addr) ([]netip.AddrPort, error) {
	ips := s.public
	if len(ips) == 0 {
		var err error
		if ips, err = s.own(reached.Unmap()); err != nil {
			return nil, err
		}
	}
	addrs := make([]netip.AddrPort, 0, len(ips))
	for _, ip := range ips {
		addrs = append(addrs, netip.AddrPortFrom(ip.Unmap(), s.port.local.Port()))
	}
	return addrs, nil
}

// own returns the addresses of the machine that the socket listens on.
func (s *Listener) own(reached netip.Addr) ([]netip.Addr, error) {
	local := s.port.local.Addr()
	if !local.IsUnspecified() {
		return []netip.Addr{local}, nil
	}
	if reached.IsValid() && !reached.IsUnspecified() && (reached.Is4() || local.Is6()) {
		return []netip.Addr{reached.WithZone("")}, nil
	}
	prefixes, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("rtc: cannot list the machine's addresses: %w", err)
	}
	var ips []netip.Addr
	for _, prefix := range prefixes {
		p, err := netip.ParsePrefix(prefix.String())
		if err != nil {
			continue
		}
		ip := p.Addr().Unmap()
		if !ip.IsLinkLocalUnicast() && (ip.Is4() || local.Is6()) {
			ips = append(ips, ip)
		}
	}
	return ips, nil
}
