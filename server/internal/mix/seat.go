package mix

import (
	"slices"
	"time"

	"undertone/server/internal/mix/half"
	"undertone/server/internal/session"
	"undertone/transport/key"
)

// A Seat is a user's place in the set, for as long as his link lasts.
//
//	       Join            Leave, Join of the same user, Remove,
//	                       silence (session.Line.Gone), end of Run
//	(none) ----> online -----------------------------------------------> left
//
// A message or two may still be sent after a seat was left.
type Seat struct {
	engine *Engine
	line   *session.Line
	sender Sender
	done   chan struct{} // closed when it is left
	gone   bool          // touched by Run only: it is left, as the clock sees it
}

// Receive takes in what came over the link at the given time; see
// session.Line.Receive. It is for one goroutine at a time.
func (s *Seat) Receive(b []byte, at time.Time) { s.line.Receive(b, at) }

// Done is closed when the seat is left, by whomever.
func (s *Seat) Done() <-chan struct{} { return s.done }

// Leave leaves the seat, when the link has ended. It may be called again.
func (s *Seat) Leave() {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	s.engine.drop(s.line)
}

// HasRoom reports whether a user could join now: there is a free seat, or he has
// one. Who asks before he does what joining takes spares that when all are taken.
func (e *Engine) HasRoom(h key.Handle) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.table.Len() < e.Limit() || e.table.Find(h) != nil
}

// A change is a seat that is taken by a member, or left if there is none.
type change struct {
	seat   *Seat
	member half.Entrant
}

// change does what was written down since the last slot. It belongs to Run.
func (e *Engine) change() {
	if !e.mu.TryLock() {
		return // Somebody is writing. The next slot will do.
	}
	changes := e.changes
	e.changes = e.spare[:0]
	e.mu.Unlock()
	left := false
	for _, c := range changes {
		if i := c.seat.line.Seat(); c.member != nil {
			e.set.Join(i, c.member)
		} else {
			e.set.Leave(i)
			c.seat.gone, left = true, true
		}
	}
	if left {
		e.order = slices.DeleteFunc(e.order, func(s *Seat) bool { return s.gone })
	}
	for _, c := range changes {
		if c.member != nil && !c.seat.gone {
			e.enter(c.seat)
		}
	}
	clear(changes)
	e.spare = changes
	e.retime()
}

// enter puts a seat in its place in the order of sending.
func (e *Engine) enter(s *Seat) {
	i, _ := slices.BinarySearchFunc(e.order, s.line.Offset(), func(o *Seat, d time.Duration) int {
		return int(o.line.Offset() - d)
	})
	e.order = slices.Insert(e.order, i, s)
}

// retime chooses the timing of the next slot.
func (e *Engine) retime() {
	var last time.Duration
	if n := len(e.order); n > 0 {
		last = e.order[n-1].line.Offset()
	}
	e.now = timingFor(e.timings, e.now, len(e.order), last)
	e.meter.window.Store(int64(e.now.window))
}
