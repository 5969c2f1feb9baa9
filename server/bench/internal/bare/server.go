package bare

import (
	"context"
	"crypto/rand"
	"net/netip"
	"sync"
	"time"

	"undertone/server/bench/internal/child"
	"undertone/server/bench/internal/crowd"
	"undertone/server/bench/internal/socket"
	"undertone/transport/cell"
	"undertone/transport/seal"
)

const (
	// seedSize is the length of the seed, in bytes.
	seedSize = 32
	// startFor and endFor are how long the child may take to start and to end.
	startFor, endFor = 10 * time.Second, 10 * time.Second
)

// A Server is a running echo. It is a crowd's Service.
type Server struct {
	child *child.Child
	up    int
	what  child.Listen
	to    netip.AddrPort
}

// Start runs the echo: program is a child that runs Serve. It gets messages of so
// many bytes, and answers each as what says, under keys of its own.
func Start(ctx context.Context, program child.Program, up int, what child.Listen) (*Server, error) {
	c, err := child.Start(program)
	if err != nil {
		return nil, err
	}
	what.Seed = make([]byte, seedSize)
	_, _ = rand.Read(what.Seed) // Never fails: the program ends if the system has no randomness.
	s := &Server{child: c, up: up, what: what}
	ctx, cancel := context.WithTimeout(ctx, startFor)
	defer cancel()
	a, err := s.ask(ctx, child.Question{Listen: &what})
	if err == nil {
		s.to, err = netip.ParseAddrPort(a.Address)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) ask(ctx context.Context, q child.Question) (a child.Answer, err error) {
	if err = s.child.Ask(ctx, q, &a); err == nil {
		err = a.Err()
	}
	return a, err
}

// Leads reports that its lines lead.
func (s *Server) Leads() bool { return true }

// Sizes returns the lengths of messages.
func (s *Server) Sizes() (up, down int) { return s.up, s.what.Size }

// Usage returns what the child has cost so far.
func (s *Server) Usage() (child.Usage, error) { return s.child.Usage() }

// Goroutines returns how many goroutines the child has.
func (s *Server) Goroutines(ctx context.Context) (int, error) {
	a, err := s.ask(ctx, child.Question{Goroutines: true})
	return a.Goroutines, err
}

// Close ends the child.
func (s *Server) Close() { s.child.End(endFor) }

// Dial brings a user online: there is nothing to it.
func (s *Server) Dial(_ context.Context, who int, sock *socket.Socket, hear func(h crowd.Heard)) (crowd.Line, error) {
	up, err := newSealer(s.what.Seed, uint32(who), s.up) //nolint:gosec // some thousands
	if err != nil {
		_ = sock.Close()
		return nil, err
	}
	down, err := newSealer(s.what.Seed, uint32(who), s.what.Size) //nolint:gosec // some thousands
	if err != nil {
		_ = sock.Close()
		return nil, err
	}
	l := &line{server: s, socket: sock, seal: up, message: make([]byte, maxDatagram), done: make(chan struct{})}
	l.reading.Go(func() { l.read(down, hear) })
	return l, nil
}

// A line is one user's.
type line struct {
	server  *Server
	socket  *socket.Socket
	seal    *sealer
	message []byte // the next to be sent
	size    int    // its length
	done    chan struct{}
	reading sync.WaitGroup
}

// read passes on what comes, until the socket is closed.
func (l *line) read(s *sealer, hear func(h crowd.Heard)) {
	defer close(l.done)
	b := make([]byte, maxDatagram)
	for {
		n, _, err := l.socket.ReadFromAddrPort(b)
		if err != nil {
			return
		}
		at := time.Now()
		if slot, which, ok := s.open(b[:n]); ok && which > 0 {
			hear(crowd.Heard{Slot: cell.Slot(slot), Of: l.server.what.Messages, Early: seal.NoFeedback, At: at})
		}
	}
}

// Make seals the message of slot n.
func (l *line) Make(n cell.Slot) { l.size = len(l.seal.seal(l.message, uint64(n), 0, l.server.up)) }

// Post sends it.
func (l *line) Post() {
	// What the network does not take is lost.
	_, _ = l.socket.WriteToAddrPort(l.message[:l.size], l.server.to)
}

// Done is closed when the line has ended.
func (l *line) Done() <-chan struct{} { return l.done }

// Close ends the line.
func (l *line) Close() {
	_ = l.socket.Close()
	l.reading.Wait()
}
