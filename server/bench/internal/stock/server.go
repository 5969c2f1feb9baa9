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

// slotSize is the length of the number that a message begins with.
const slotSize = 8

// A Server is a running echo. It is a crowd's Service.
type Server struct{ *child.Echo }

// Start runs the echo: program is a child that runs Serve. It gets messages of so
// many bytes, and answers each as what says.
func Start(ctx context.Context, program child.Program, up int, what child.Listen) (*Server, error) {
	echo, err := child.StartEcho(ctx, program, up, what)
	if err != nil {
		return nil, err
	}
	return &Server{echo}, nil
}

// Dial brings a user online.
func (s *Server) Dial(ctx context.Context, _ int, sock *socket.Socket, hear func(h crowd.Heard)) (crowd.Line, error) {
	what := s.What()
	up, down := s.Sizes()
	cfg := rtc.DialConfig{
		Conn: sock,
		Rate: rtc.Rate(cell.Interval20.Duration(), what.Messages, 1), // Enough for longer ones, too.
		Receive: func(b []byte, at time.Time) {
			if len(b) == down {
				hear(crowd.Heard{Slot: cell.Slot(binary.BigEndian.Uint64(b)), Of: what.Messages, Early: seal.NoFeedback, At: at})
			}
		},
	}
	link, err := rtc.Dial(ctx, cfg, func(ctx context.Context, offer string) (string, error) {
		a, err := s.Ask(ctx, child.Question{Offer: offer})
		return a.SDP, err
	})
	if err != nil {
		return nil, err
	}
	return &line{Link: link, message: make([]byte, up)}, nil
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
