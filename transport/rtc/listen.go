package rtc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// ListenConfig says where a server is.
type ListenConfig struct {
	// Conn is the server's one socket for all users; the listener closes it.
	// If it is nil, the listener opens one at Address.
	Conn net.PacketConn

	// Address is host:port to listen on, used when Conn is nil. An empty host
	// is every address of the machine, IPv4 and IPv6. On Linux each client is then
	// answered from the address that it writes to.
	Address string

	// Public lists the addresses at which clients reach the socket, if those
	// are not the machine's own (a router or cloud that maps one to one).
	Public []netip.Addr

	// StreamPort is the port over TCP at which clients reach whoever calls Adopt,
	// at the same addresses; 0 stands for none.
	StreamPort uint16

	// MaxPending is how many links may be there that are not open yet, or have
	// ended without it and are not gone; zero means 1,024. Each takes about as
	// much memory as one that is open.
	MaxPending int
}

// defaultPending is what a MaxPending of zero stands for.
const defaultPending = 1024

// Handlers is what one user's link needs from the server.
type Handlers struct {
	// Receive is called with each message, one at a time, and when it arrived.
	// b is valid only during the call.
	Receive func(b []byte, at time.Time)

	// Depth is how many messages may wait to be sent, Window how many bytes may be
	// on the way, and Rate how many datagrams a second are taken; see DialConfig.
	Depth, Window, Rate int

	// Reached is the address at which the user's signalling reached this
	// machine, if known. It is offered when the configuration names none.
	Reached netip.Addr
}

// A Listener is the server's side of all links. Its methods may be called from
// any goroutine.
type Listener struct {
	port       *port
	public     []netip.Addr
	streamPort uint16
	most       int // links that are not open

	mu       sync.Mutex
	links    map[*Link]struct{}
	pending  int // links that are not open, and those about to be made
	unopened uint64
	closed   bool
	// What links lost that are no more.
	overwritten, late uint64
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
	conn, origins := answerFromWhereAsked(conn)
	p, err := newPort(conn, socketBuffer)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("rtc: %w", err)
	}
	p.origins = origins
	s := &Listener{port: p, public: cfg.Public, streamPort: cfg.StreamPort, most: cfg.MaxPending, links: make(map[*Link]struct{})}
	if s.most == 0 {
		s.most = defaultPending
	}
	return s, nil
}

// Addr returns the address of the socket.
func (s *Listener) Addr() netip.AddrPort { return s.port.local }

// Done is closed when the port can be read no more and nobody has called Close; Err
// tells why. Whoever owns the listener should begin anew then.
func (s *Listener) Done() <-chan struct{} { return s.port.sock.failed }

// Err returns nil until Done is closed, and then an ErrPort.
func (s *Listener) Err() error {
	select {
	case <-s.Done():
		return fmt.Errorf("%w: %w", ErrPort, s.port.sock.failure)
	default:
		return nil
	}
}

// Accept answers a client's offer. The link it returns opens when the client
// has got the answer, or ends with ErrTimeout. It fails with ErrBusy if too many
// are opening, and with ErrPort if none can any more. The context is for making the
// answer only.
func (s *Listener) Accept(ctx context.Context, offer string, h Handlers) (string, *Link, error) {
	offer, active, err := readOffer(offer)
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrOffer, err)
	}
	addrs, err := s.candidates(h.Reached)
	if err != nil {
		return "", nil, err
	}
	l, err := s.newLink(h)
	if err != nil {
		return "", nil, err
	}
	var tcp []netip.AddrPort
	if active {
		tcp = s.passive(addrs)
	}
	answer, err := l.answer(ctx, offer, addrs, tcp)
	if err != nil {
		l.Close()
		return "", nil, err
	}
	return answer, l, nil
}

// passive returns where clients connect over TCP.
func (s *Listener) passive(addrs []netip.AddrPort) (all []netip.AddrPort) {
	if s.streamPort == 0 {
		return nil
	}
	for _, a := range addrs {
		all = append(all, netip.AddrPortFrom(a.Addr(), s.streamPort))
	}
	return all
}

// Adopt takes over a connection over TCP that begins with a frame. It may be
// anybody's: if it does not turn out to belong to a link it is closed, at the latest
// after some seconds. If it does, settled is called, once; nil stands for nobody.
func (s *Listener) Adopt(conn net.Conn, settled func()) {
	streams := s.port.sock.streams
	streams.add(conn, streams.draw(), settled)
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

// newLink makes a link that the listener owns, if there is room for one more.
func (s *Listener) newLink(h Handlers) (*Link, error) {
	if err := s.reserve(); err != nil {
		return nil, err
	}
	lane := s.port.newLane(h.Rate)
	connection, err := newConnection(lane, true, h.Window)
	if err != nil {
		s.settle()
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		s.pending--
		connection.close()
		return nil, ErrClosed
	}
	var l *Link
	open := false // Touched by the link's own goroutine only.
	l = newLink(connection, lane, h.Depth, h.Receive, events{
		opened: func() {
			open = true
			s.settle()
		},
		ended: func() {
			if !open {
				s.settle()
			}
			s.forget(l)
		},
	})
	s.links[l] = struct{}{}
	return l, nil
}

// reserve takes a place among the links that are not open.
func (s *Listener) reserve() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Err(); err != nil {
		return err
	}
	switch {
	case s.closed:
		return ErrClosed
	case s.pending >= s.most:
		return ErrBusy
	}
	s.pending++
	return nil
}

// settle gives the place back.
func (s *Listener) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending--
}

// forget takes a link that has ended off the list, and keeps what it counted.
func (s *Listener) forget(l *Link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.links, l)
	s.overwritten += l.mail.lost.Load()
	s.late += l.late.Load()
	if errors.Is(l.Err(), ErrTimeout) {
		s.unopened++
	}
}

// answer describes the server's side, reachable at addresses of UDP and of TCP.
func (l *Link) answer(ctx context.Context, offer string, udp, tcp []netip.AddrPort) (string, error) {
	remote, err := readDescription(offer)
	if err == nil && remote.setup != setupEither && remote.setup != setupActive {
		err = fmt.Errorf("setup is %q, and the server is passive", remote.setup)
	}
	if err == nil {
		remote.candidates = nil // It waits to be found.
		err = l.connection.meet(remote)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrOffer, err)
	}
	if err := l.await(ctx, l.connection.gathered); err != nil {
		return "", err
	}
	l.begin(remote)
	// pion's agent hears before it runs, and a good check in between ends the program.
	// Nobody can make one who has not got the answer.
	if err := l.await(ctx, l.connection.runs); err != nil {
		return "", err
	}
	text, err := l.connection.describe(setupPassive, remote.mid)
	if err != nil {
		return "", err
	}
	return withCandidates(text, udp, tcp...)
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
