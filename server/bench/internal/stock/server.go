package stock

import (
	"context"
	"encoding/binary"
	"time"

	"undertone/server/bench/internal/child"
	"undertone/server/bench/internal/crowd"
	"undertone/server/bench/internal/socket"
	"undertone/transport/cell"
	"undertone/transport/rtc"
	"undertone/transport/seal"
)

const (
	// slotSize is the length of the number that a message begins with.
	slotSize = 8
	// startFor and endFor are how long the child may take to start and to end.
	startFor, endFor = 10 * time.Second, 10 * time.Second
)

// A Server is a running echo. It is a crowd's Service.
type Server struct {
	child *child.Child
	up    int
	what  child.Listen
}

// Start runs the echo: program is a child that runs Serve. It gets messages of so
// many bytes, and answers each as what says.
func Start(ctx context.Context, program child.Program, up int, what child.Listen) (*Server, error) {
	c, err := child.Start(program)
	if err != nil {
		return nil, err
	}
	s := &Server{child: c, up: up, what: what}
	ctx, cancel := context.WithTimeout(ctx, startFor)
	defer cancel()
	if _, err := s.ask(ctx, child.Question{Listen: &what}); err != nil {
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

// Dial brings a user online.
func (s *Server) Dial(ctx context.Context, _ int, sock *socket.Socket, hear func(h crowd.Heard)) (crowd.Line, error) {
	cfg := rtc.DialConfig{
		Conn: sock,
		Receive: func(b []byte, at time.Time) {
			if len(b) == s.what.Size {
				hear(crowd.Heard{Slot: cell.Slot(binary.BigEndian.Uint64(b)), Of: s.what.Messages, Early: seal.NoFeedback, At: at})
			}
		},
	}
	link, err := rtc.Dial(ctx, cfg, func(ctx context.Context, offer string) (string, error) {
		a, err := s.ask(ctx, child.Question{Offer: offer})
		return a.SDP, err
	})
	if err != nil {
		return nil, err
	}
	return &line{Link: link, message: make([]byte, s.up)}, nil
}

// A line is one user's.
type line struct {
	*rtc.Link
	message []byte // the next to be sent
}

// Make makes the message of slot n.
func (l *line) Make(n cell.Slot) { binary.BigEndian.PutUint64(l.message, uint64(n)) }

// Post sends it.
func (l *line) Post() { l.Send(l.message) }
