// Package mix is the server's slot clock and barrier. An Engine takes what came
// for a slot from everybody's line, has the mode's pure half mix it (package
// half), and sends everybody his messages, at times that depend on nothing but
// the clock and who is online. node owns one Engine and joins links to it.
//
// Slot n starts at T, by the server's clock, which is the only one:
//
//	T              T+W        T+W+P                T+2W+P
//	|-- cut-offs ----|-- pass --|------- sends -------|
//	      ^ user i: T+o                ^ user i: T+W+P+o
//
// A user's offset o is drawn when he comes online and is fixed until he leaves.
// W is 50 µs for each message up or down, at least 5 ms (2.5 ms in slots of 20 ms)
// and at most half an interval, and P is 1 ms and some µs for each user; both move
// in steps when the set doubles (window.go). Where a slot goes down in parts, part p
// leaves p/parts of an interval after the first.
//
// # A slot always ends
//
// The pass sees what others sent, and may be wrong. Whatever it does, everybody
// gets his messages at his time: if it fails, what may have led to it is dropped
// (in tMIX all routes and mail), and the slot is finished with cover, and if that
// fails, with random bytes. What was missed because the process was stopped is
// skipped, slot by slot or user by user: nothing goes out later than half of the
// way to the next part or slot, so nobody gets two in a burst.
//
// # Who waits for whom
//
// The clock's goroutine waits for nobody. Messages come in through the lines'
// berths and go out through Send of the link, both without a lock that strangers
// hold. Joins and leaves are written down under a lock that the clock only
// tries; if it is taken they are seen a slot later.
package mix

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"undertone/server/internal/mix/half"
	"undertone/server/internal/session"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/pacer/alarm"
)

// Errors of Join, besides session.ErrFull.
var (
	// ErrStopped is returned when the Engine has ended.
	ErrStopped = errors.New("the server is going down: try again later")
	// ErrRecord is returned for a member whom the mode cannot take.
	ErrRecord = errors.New("the user's software does not fit this server: update it")
)

// A Sender takes the messages for one user. Send must copy them, must not wait,
// and must be harmless after the link has ended.
type Sender interface{ Send(b []byte) }

// An Engine runs a set. Its methods may be called from any goroutine.
type Engine struct {
	// Set at creation, read only.
	cfg     Config
	clock   session.Clock
	timings []timing
	lines   session.Config

	// Shared.
	meter meter
	count session.Counters
	limit atomic.Int64 // of users, at most as many as seats

	// Guarded by mu, which the clock only tries.
	mu      sync.Mutex
	table   *session.Table
	seats   map[*session.Line]*Seat
	changes []change
	spare   []change // what changes becomes when the clock has taken it
	stopped bool

	// Touched by Run only.
	set     half.Half // but for Admit
	in      []half.In
	down    half.Shape            // of the last slot
	broken  bool                  // nothing of the last slot can be had from the half
	message [cell.MaxMessage]byte // scratch of Out
	order   []*Seat               // those online, by offset
	now     timing
}

// New returns an Engine. The time of the machine is read now, and not again.
func New(cfg Config) (*Engine, error) {
	if err := cfg.populate(); err != nil {
		return nil, err
	}
	set, err := cfg.half()
	if err != nil {
		return nil, err
	}
	return newEngine(cfg, loadOf(cfg.Mode, cfg.Channels), set), nil
}

// newEngine returns an Engine that runs a half, at what that costs.
func newEngine(cfg Config, l load, set half.Half) *Engine {
	e := &Engine{
		cfg:     cfg,
		clock:   session.NewClock(cfg.Interval, time.Now()),
		timings: timings(cfg.Interval, l),
		table:   session.NewTable(cfg.Seats),
		seats:   make(map[*session.Line]*Seat),
		set:     set,
		in:      make([]half.In, cfg.Seats),
		down:    set.Down(),
	}
	e.lines = session.Config{Clock: e.clock, Shape: set.Shape(), Count: &e.count}
	size := e.lines.Shape.Bytes()
	batches := make([]byte, cfg.Seats*size)
	for i := range e.in {
		e.in[i].Batch = batches[i*size : (i+1)*size : (i+1)*size]
	}
	e.now = e.timings[0]
	e.meter.start = time.Now()
	e.limit.Store(int64(cfg.Seats))
	return e
}

// randomOffset draws from crypto/rand.
func randomOffset(below time.Duration) time.Duration {
	var b [8]byte
	_, _ = rand.Read(b[:]) // Never fails: the program ends if the system has no randomness.
	return time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(max(below, 1)))
}

// Run owns the clock until ctx ends. It must be called once. When it returns all
// seats are left.
func (e *Engine) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer e.shut()
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wg.Go(func() { e.sweep(ctx) })
	a := alarm.New(ctx, 0)
	defer a.Close()
	n := e.clock.At(time.Now()) + 1
	for {
		e.change()
		if !a.Wait(e.passAt(n)) {
			return
		}
		if late := time.Since(e.passAt(n)); late > e.tolerance() {
			// The process was stopped.
			missed := cell.Slot(late / e.clock.Interval())
			e.meter.skipped.Add(uint64(missed) + 1)
			n += missed + 1
			continue
		}
		e.meter.passAt(time.Since(e.passAt(n)))
		e.pass(n)
		if !e.send(a, n) {
			return
		}
		n++
	}
}

// passAt returns when the pass of slot n begins.
func (e *Engine) passAt(n cell.Slot) time.Time { return e.clock.Start(n).Add(e.now.window) }

// apart is how far the parts of a slot are from each other.
func (e *Engine) apart() time.Duration { return e.clock.Interval() / time.Duration(e.down.Parts) }

// tolerance is how late anything may be done: later is never.
func (e *Engine) tolerance() time.Duration { return e.apart() / 2 }

// pass mixes slot n. It is total.
func (e *Engine) pass(n cell.Slot) {
	for _, s := range e.order {
		i := s.line.Seat()
		e.in[i].Present = s.line.Take(n, e.in[i].Batch)
		e.in[i].Early = s.line.Early()
		if !e.in[i].Present {
			e.meter.missing.Add(1)
		}
	}
	e.broken = !e.guard(func() {
		e.set.Slot(n, e.in)
		e.down = e.set.Down()
		e.meter.refused.Store(e.set.Refused())
	}) && !e.guard(func() {
		e.set.Recover(n, e.in)
		e.down = e.set.Down()
	})
}

// guard runs f and reports whether it came to its end.
func (e *Engine) guard(f func()) (ok bool) {
	defer func() {
		if !ok {
			_ = recover() // What it says may be about a call: it is counted and not kept.
			e.meter.faults.Add(1)
		}
	}()
	f()
	return true
}

// send sends everybody what he gets for slot n, each part at his time for it. It
// returns false when the alarm's context has ended.
func (e *Engine) send(a *alarm.Alarm, n cell.Slot) bool {
	begin := e.passAt(n).Add(e.now.work)
	for p := range e.down.Parts {
		for _, s := range e.order {
			at := begin.Add(s.line.Offset() + time.Duration(p)*e.apart())
			if !a.Wait(at) {
				return false
			}
			e.sendTo(s, p, at)
		}
	}
	return true
}

// sendTo hands over the messages of a part, each unless it is too late for it:
// the process may be stopped in the middle of them. A fault in the link of one
// user is none of the others' business.
func (e *Engine) sendTo(s *Seat, part int, at time.Time) {
	defer func() {
		if recover() != nil {
			e.meter.faults.Add(1)
		}
	}()
	for k := range e.down.Messages {
		late := time.Since(at)
		if late > e.tolerance() {
			e.meter.unsent.Add(uint64(e.down.Messages - k)) //nolint:gosec // a small number
			return
		}
		e.meter.sentAt(late)
		s.sender.Send(e.take(s.line.Seat(), part, k))
	}
}

// take gets a message from the half, or makes one of random bytes. It is total.
func (e *Engine) take(seat, part, k int) (b []byte) {
	defer func() {
		if len(b) == e.down.Size {
			return
		}
		if !e.broken {
			_ = recover()
			e.meter.faults.Add(1)
		}
		b = e.message[:e.down.Size]
		_, _ = rand.Read(b)
	}()
	if e.broken {
		return nil
	}
	return e.set.Out(seat, part, k, e.message[:])
}

// sweep has those leave who have been silent for too long.
func (e *Engine) sweep(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			e.mu.Lock()
			for _, l := range e.table.Gone(time.Now()) {
				e.drop(l)
			}
			e.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

// Most returns what comes from a user and what goes out to him in a slot when all
// seats are taken.
func (e *Engine) Most() (up, down half.Shape) {
	return Shapes(e.cfg.Mode, e.cfg.Channels, e.cfg.Seats)
}

// Limit returns how many users may be online at once.
func (e *Engine) Limit() int { return int(e.limit.Load()) }

// SetLimit lets only so many users online from now on. Who is online stays, and can
// come back as long as his seat is there. It reports whether there are as many seats,
// and if not, changes nothing: they are made when the Engine is.
func (e *Engine) SetLimit(users int) bool {
	if users > e.cfg.Seats {
		return false
	}
	e.limit.Store(int64(users))
	return true
}

// Join brings a user online, and replaces the seat that he may have. From the
// next slot on, s gets what the mode sends in every slot, until the seat is left.
// It fails for a member whose record is not what the mode asks for, and if there
// is no seat.
func (e *Engine) Join(m half.Member, s Sender) (*Seat, error) {
	entrant, err := e.set.Admit(m)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return nil, ErrStopped
	}
	old := e.table.Find(m.Handle)
	if old == nil && e.table.Len() >= e.Limit() {
		return nil, session.ErrFull
	}
	below := timingFor(e.timings, timing{}, e.table.Len()+1, 0).window
	line := session.New(m.Handle, &e.lines, e.cfg.Offset(below), time.Now())
	if old != nil {
		e.drop(old)
	}
	if _, err := e.table.Add(line); err != nil {
		return nil, err
	}
	seat := &Seat{engine: e, line: line, sender: s, done: make(chan struct{})}
	e.seats[line] = seat
	e.changes = append(e.changes, change{seat, entrant})
	e.meter.online.Add(1)
	return seat, nil
}

// Remove has a user leave, who was disabled. It reports whether he was online.
func (e *Engine) Remove(h key.Handle) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.table.Find(h)
	if l == nil {
		return false
	}
	e.drop(l)
	return true
}

// drop takes a line off the table, ends its seat, and has the clock see it. mu
// is held.
func (e *Engine) drop(l *session.Line) {
	if !e.table.Remove(l) {
		return
	}
	s := e.seats[l]
	delete(e.seats, l)
	close(s.done)
	e.changes = append(e.changes, change{seat: s})
	e.meter.online.Add(-1)
}

// shut ends all seats, and the Engine.
func (e *Engine) shut() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = true
	for l := range e.seats {
		e.drop(l)
	}
}
