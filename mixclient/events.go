package mixclient

import (
	"context"
	"sync"
	"time"

	"undertone/mixclient/call"
	"undertone/mixclient/core"
	"undertone/mixclient/half"
	"undertone/transport/key"
	"undertone/transport/pacer"
)

// An EventKind says what an Event is about.
type EventKind uint8

// The events.
const (
	// Online: the first cell of a line has come.
	Online EventKind = iota + 1
	// Offline: a line was lost, or could not be had; Err says why. The next
	// attempt follows by itself.
	Offline
	// FromCore: something has happened in a call or a pairing; see Core.
	FromCore
	// VoiceHeard: the first voice of a call was played.
	VoiceHeard
	// Alarmed: the server or another member does what none should; Alarm says what.
	Alarmed
)

// An Event is something that a person wants to know.
type Event struct {
	Kind  EventKind
	At    time.Time
	Err   error
	Core  core.Event
	Alarm half.Alarm
	// OverTCP says, of Online, that the line goes over TCP.
	OverTCP bool
}

// A queue holds events until somebody takes them. It does not bound their
// number: there are a few for each call, and none may be lost.
type queue struct {
	mu     sync.Mutex
	events []Event
	some   chan struct{} // 1 deep: there are events, or no more will come
	closed bool
}

func newQueue() *queue { return &queue{some: make(chan struct{}, 1)} }

func (q *queue) put(e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events = append(q.events, e)
	q.signal()
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.some <- struct{}{}:
	default:
	}
}

func (q *queue) take() (e Event, ok, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 {
		return Event{}, false, q.closed
	}
	e = q.events[0]
	q.events = q.events[1:]
	if len(q.events) > 0 || q.closed {
		q.signal()
	}
	return e, true, false
}

// Next returns the next event. It fails with ErrStopped when Run has returned
// and all events were taken, and with the error of ctx when that ends first.
func (e *Engine) Next(ctx context.Context) (Event, error) {
	for {
		ev, ok, closed := e.queue.take()
		switch {
		case ok:
			return ev, nil
		case closed:
			e.queue.signal() // For whoever else asks.
			return Event{}, ErrStopped
		}
		select {
		case <-e.queue.some:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

// A State is how things stand.
type State struct {
	// Online reports whether cells come and go, OverTCP whether they do so over
	// TCP, since no UDP comes through: voice may break off then.
	Online  bool
	OverTCP bool
	// Call is the state of the call, Peer the other side's handle.
	Call call.State
	Peer key.Handle
	// Set is what is known of the set.
	Set half.Status
	// Early is by how many milliseconds uploads come before the cut-off, as the
	// server says; seal.NoFeedback if it does not.
	Early int8
	// Wait is how long the ear waits for a cell after it is expected.
	Wait time.Duration
	// Counts are of all lines since the engine was made.
	Counts Counts
	// Played counts what was heard in calls.
	Played Played
}

// Played counts the slots of calls since the engine was made, from the first
// voice of each on.
type Played struct {
	// Heard had voice in time; Concealed had none.
	Heard, Concealed uint64
}

// Counts are facts that an eavesdropper has as well.
type Counts struct {
	// Pacer counts the cells that were sent.
	Pacer pacer.Stats
	// Received counts the cells that came, Lost those that did not.
	Received, Lost uint64
}

// shared is what other goroutines may read.
type shared struct {
	mu    sync.Mutex
	state State
	past  Counts // of lines that have ended
}

func (s *shared) store(e *Engine) {
	m := e.core.Call()
	now := State{
		Online: e.line != nil && e.line.on,
		Call:   m.State(),
		Wait:   e.jitter.Allowance(),
		Played: e.played,
	}
	now.OverTCP = now.Online && e.line.tcp
	if p := m.Peer(); p != nil {
		now.Peer = p.Handle()
	}
	if h := e.core.Half(); h != nil && now.Online {
		now.Set = h.Status()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now.Counts = s.past
	if e.line != nil {
		now.Early = e.line.early
		now.Counts.add(e.line)
	}
	s.state = now
}

// ended adds a line to the past.
func (s *shared) ended(l *line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.past.add(l)
}

func (c *Counts) add(l *line) {
	p := l.pacer.Stats()
	c.Pacer.Sent += p.Sent
	c.Pacer.Skipped += p.Skipped
	c.Pacer.Bare += p.Bare
	c.Pacer.StagedLate += p.StagedLate
	c.Pacer.MaxLateness = max(c.Pacer.MaxLateness, p.MaxLateness)
	if c.Pacer.Sent > 0 {
		c.Pacer.MeanLateness += time.Duration(float64(p.Sent) / float64(c.Pacer.Sent) * float64(p.MeanLateness-c.Pacer.MeanLateness))
	}
	c.Received += l.cells
	if l.cells > 0 {
		c.Lost += uint64(l.high-l.first) + 1 - l.cells
	}
}

// State returns how things stand.
func (e *Engine) State() State {
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	return e.shared.state
}
