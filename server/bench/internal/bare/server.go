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

// seedSize is the length of the seed, in bytes.
const seedSize = 32

// A Server is a running echo. It is a crowd's Service.
type Server struct {
	*child.Echo
	to netip.AddrPort
}

// Start runs the echo: program is a child that runs Serve. It gets messages of so
// many bytes, and answers each as what says, under keys of its own.
func Start(ctx context.Context, program child.Program, up int, what child.Listen) (*Server, error) {
	what.Seed = make([]byte, seedSize)
	_, _ = rand.Read(what.Seed) // Never fails: the program ends if the system has no randomness.
	echo, err := child.StartEcho(ctx, program, up, what)
	if err != nil {
		return nil, err
	}
	to, err := netip.ParseAddrPort(echo.Port())
	if err != nil {
		echo.Close()
		return nil, err
	}
	return &Server{echo, to}, nil
}

// Dial brings a user online: there is nothing to it.
func (s *Server) Dial(_ context.Context, who int, sock *socket.Socket, hear func(h crowd.Heard)) (crowd.Line, error) {
	what := s.What()
	upSize, downSize := s.Sizes()
	up, err := newSealer(what.Seed, uint32(who), upSize) //nolint:gosec // some thousands
	if err != nil {
		_ = sock.Close()
		return nil, err
	}
	down, err := newSealer(what.Seed, uint32(who), downSize) //nolint:gosec // some thousands
	if err != nil {
		_ = sock.Close()
		return nil, err
	}
	l := &line{socket: sock, to: s.to, seal: up, content: upSize, message: make([]byte, maxDatagram), done: make(chan struct{})}
	l.reading.Go(func() { l.read(down, what.Messages, hear) })
	return l, nil
}

// A line is one user's.
type line struct {
	socket  *socket.Socket
	to      netip.AddrPort
	seal    *sealer
	content int    // the length of what is sealed
	message []byte // the next to be sent
	size    int    // its length
	done    chan struct{}
	reading sync.WaitGroup
}

// read passes on what comes, so many messages for a slot, until the socket is closed.
func (l *line) read(s *sealer, messages int, hear func(h crowd.Heard)) {
	defer close(l.done)
	b := make([]byte, maxDatagram)
	for {
		n, _, err := l.socket.ReadFromAddrPort(b)
		if err != nil {
			return
		}
		at := time.Now()
		if slot, which, ok := s.open(b[:n]); ok && which > 0 {
			hear(crowd.Heard{Slot: cell.Slot(slot), Of: messages, Early: seal.NoFeedback, At: at})
		}
	}
}

// Make seals the message of slot n.
func (l *line) Make(n cell.Slot) { l.size = len(l.seal.seal(l.message, uint64(n), 0, l.content)) }

// Post sends it.
func (l *line) Post() {
	// What the network does not take is lost.
	_, _ = l.socket.WriteToAddrPort(l.message[:l.size], l.to)
}

// Done is closed when the line has ended.
func (l *line) Done() <-chan struct{} { return l.done }

// Close ends the line.
func (l *line) Close() {
	_ = l.socket.Close()
	l.reading.Wait()
}
