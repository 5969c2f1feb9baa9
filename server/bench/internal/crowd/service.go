package crowd

import (
	"context"
	"time"

	"undertone/server/bench/internal/socket"
	"undertone/transport/cell"
)

// A Service is what a crowd comes online at.
type Service interface {
	// Dial brings a user online, over a socket that is the line's from then on,
	// whatever Dial returns. who is the same for the same user. hear is called with
	// each message that comes, from one goroutine at a time, maybe before Dial
	// returns.
	Dial(ctx context.Context, who int, s *socket.Socket, hear func(h Heard)) (Line, error)
	// Leads reports whether its lines lead.
	Leads() bool
	// Sizes returns the length of a message up and down. A datagram that is longer
	// than that has one in it, or as many as fit.
	Sizes() (up, down int)
}

// A Heard is a message that came.
type Heard struct {
	// Slot is the one that it belongs to, and Of how many messages that has.
	Slot cell.Slot
	Of   int
	// Early is the server's feedback, seal.NoFeedback if there is none.
	Early int8
	// At is when it was read.
	At time.Time
}

// A Line is one user's. Make and Post are called from one goroutine at a time, and
// must not wait.
type Line interface {
	// Make makes the message of slot n ready to be sent.
	Make(n cell.Slot)
	// Post sends it.
	Post()
	// Done is closed when the line has ended.
	Done() <-chan struct{}
	// Close ends it, and returns when nothing of it is left.
	Close()
}
