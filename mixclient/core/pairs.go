package core

import (
	"bytes"
	"slices"

	"undertone/mixclient/pairing"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/wire"
)

// Times of pairings, in seconds of the set's clock.
const (
	// unansweredSeconds is how long the lower address of two who both began a
	// pairing waits for a reply before it replies to the other's.
	unansweredSeconds = 60
	// staleSeconds without a letter end a pairing that the other side began.
	staleSeconds = 60
	// retrySeconds after a failure a pairing is tried again.
	retrySeconds = 60
)

// maxResponding bounds the pairings that others may begin at the same time.
const maxResponding = 8

// MaxContacts is how many contacts there may be before nobody can introduce
// himself any more.
const MaxContacts = 900

// A session is a pairing with its times.
type session struct {
	*pairing.Session
	peer     key.Handle
	began    cell.Slot
	heard    cell.Slot
	answered bool // initiator: there was a reply
	settled  bool
}

// pairs are the pairings that are under way, at most one in each role with each
// user.
type pairs struct {
	self     key.Handle
	second   cell.Slot
	sessions []*session // in the order in which they are served
	turn     int
	failed   map[key.Handle]failure
	tried    map[key.Handle]bool // whom we began to pair with in this hour
	checkAt  cell.Slot
}

// A failure is when a pairing may be tried again.
type failure struct {
	until   cell.Slot
	forever bool
}

func (p *pairs) init(self key.Handle, i cell.Interval) {
	p.self = self
	p.second = cell.Slot(1000 / i.Milliseconds()) //nolint:gosec // positive
	p.failed = make(map[key.Handle]failure)
	p.tried = make(map[key.Handle]bool)
}

func (p *pairs) find(h key.Handle, initiator bool) int {
	return slices.IndexFunc(p.sessions, func(s *session) bool { return s.peer == h && s.Initiator() == initiator })
}

// with returns the pairing with h in which we have the given role.
func (p *pairs) with(h key.Handle, initiator bool) *session {
	if i := p.find(h, initiator); i >= 0 {
		return p.sessions[i]
	}
	return nil
}

// has reports whether a pairing with h is under way, or must wait.
func (p *pairs) has(h key.Handle, n cell.Slot) bool {
	f, failed := p.failed[h]
	return p.find(h, true) >= 0 || p.find(h, false) >= 0 || (failed && (f.forever || n < f.until))
}

// triedThisHour reports whether we have begun a pairing with h in this hour.
func (p *pairs) triedThisHour(h key.Handle) bool { return p.tried[h] }

// newHour drops the pairings that nobody has answered: what they say is of an hour
// that has passed. They begin anew.
func (p *pairs) newHour() {
	clear(p.tried)
	p.sessions = slices.DeleteFunc(p.sessions, func(s *session) bool { return s.Initiator() && !s.answered })
}

// rewind takes in that the clock went back to slot n.
func (p *pairs) rewind(n cell.Slot) {
	p.checkAt = 0
	clear(p.failed)
	for _, s := range p.sessions {
		s.began, s.heard = min(s.began, n), min(s.heard, n)
	}
}

// ready reports whether it is time to look for pairings to begin: once a second.
func (p *pairs) ready(n cell.Slot) bool {
	if n < p.checkAt {
		return false
	}
	p.checkAt = n + p.second
	return true
}

// admits reports whether there is room for a pairing that h began.
func (p *pairs) admits(h key.Handle) bool {
	responding := 0
	for _, s := range p.sessions {
		if !s.Initiator() && s.peer != h {
			responding++
		}
	}
	return responding < maxResponding
}

// mayReply reports whether we reply to a pairing that the other side began. If we
// began one too, the lower address stays the initiator, unless it has got no reply
// for long: its link may be out of date.
func (p *pairs) mayReply(n cell.Slot, s *session) bool {
	mine := p.with(s.peer, true)
	if s.Initiator() || mine == nil || mine.settled || bytes.Compare(p.self[:], s.peer[:]) > 0 {
		return true
	}
	return !mine.answered && n > mine.began+unansweredSeconds*p.second
}

// begin adds a pairing of ours.
func (p *pairs) begin(n cell.Slot, s *session) {
	p.tried[s.peer] = true
	p.put(n, s)
}

// put adds s, in the place of an earlier pairing with the same user in the same
// role.
func (p *pairs) put(n cell.Slot, s *session) {
	i := p.find(s.peer, s.Initiator())
	switch {
	case i >= 0 && p.sessions[i] == s:
		s.answered = true
		return
	case i >= 0:
		p.sessions[i] = s
	default:
		p.sessions = append(p.sessions, s)
	}
	s.began, s.heard = n, n
}

// drop forgets all pairings with h.
func (p *pairs) drop(h key.Handle) {
	delete(p.failed, h)
	p.sessions = slices.DeleteFunc(p.sessions, func(s *session) bool { return s.peer == h })
}

// restart forgets the pairings with h that we began, and how they went.
func (p *pairs) restart(h key.Handle) {
	delete(p.failed, h)
	delete(p.tried, h)
	p.sessions = slices.DeleteFunc(p.sessions, func(s *session) bool { return s.peer == h && s.Initiator() })
}

// prefer drops a pairing of ours with whom we reply to in s.
func (p *pairs) prefer(s *session) {
	if !s.Initiator() {
		p.sessions = slices.DeleteFunc(p.sessions, func(o *session) bool { return o.peer == s.peer && o.Initiator() })
	}
}

// won drops what the two have begun besides s, which is done.
func (p *pairs) won(s *session) {
	p.sessions = slices.DeleteFunc(p.sessions, func(o *session) bool { return o.peer == s.peer && o != s })
}

// fail drops s, which has failed. It reports whether that is news: a pairing that
// the other side begins again and again is not.
func (p *pairs) fail(n cell.Slot, s *session, forever bool) bool {
	last, known := p.failed[s.peer]
	p.sessions = slices.DeleteFunc(p.sessions, func(o *session) bool { return o == s })
	p.failed[s.peer] = failure{until: n + retrySeconds*p.second, forever: forever && s.Initiator()}
	if len(p.failed) > maxFailed {
		clear(p.failed)
	}
	return !known || n >= last.until
}

// maxFailed bounds the memory of failures, which strangers with our link can
// cause.
const maxFailed = 1000

// expire drops the pairings that have ended. A responder stays for a while, to
// say its last message again.
func (p *pairs) expire(n cell.Slot) {
	kept := p.sessions[:0]
	for _, s := range p.sessions {
		ended := s.Done() && s.Initiator()
		stale := !s.Initiator() && n > s.heard+staleSeconds*p.second
		ended = ended || s.Err() != nil
		if !ended && !stale {
			kept = append(kept, s)
		}
	}
	clear(p.sessions[len(kept):])
	p.sessions = kept
}

// due returns a pairing that has arithmetic to do, nil if there is none.
func (p *pairs) due(n cell.Slot) *session {
	for _, s := range p.sessions {
		if s.Due() && p.mayReply(n, s) {
			return s
		}
	}
	return nil
}

// next returns the letter to send, of the pairings in turn.
func (p *pairs) next() (*session, wire.Fragment, bool) {
	for range p.sessions {
		p.turn = (p.turn + 1) % len(p.sessions)
		s := p.sessions[p.turn]
		if f, ok := s.Next(); ok {
			return s, f, true
		}
	}
	return nil, wire.Fragment{}, false
}
