package core

import (
	"bytes"

	"undertone/mixclient/pairing"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/wire"
)

// Times of pairings, in seconds of the set's clock.
const (
	// eagerSeconds is how long letters of an unanswered pairing are sent without
	// a pause; afterwards they go for restSeconds in every two restSeconds, since
	// the other side may be away for days.
	eagerSeconds = 20
	restSeconds  = 10
	// staleSeconds without a letter end a pairing that the other side began.
	staleSeconds = 60
	// retrySeconds after a failure a pairing is tried again.
	retrySeconds = 60
)

// maxResponding bounds the pairings that others may begin at the same time.
const maxResponding = 8

// A session is a pairing with its times.
type session struct {
	*pairing.Session
	peer    key.Handle
	began   cell.Slot
	heard   cell.Slot
	settled bool
}

// pairs are the pairings that are under way, at most one with each user.
type pairs struct {
	self     key.Handle
	second   cell.Slot
	sessions []*session // in the order in which they are served
	turn     int
	failed   map[key.Handle]failure
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
}

func (p *pairs) find(h key.Handle) int {
	for i, s := range p.sessions {
		if s.peer == h {
			return i
		}
	}
	return -1
}

// with returns the pairing with h in which we have the given role.
func (p *pairs) with(h key.Handle, initiator bool) *session {
	if i := p.find(h); i >= 0 && p.sessions[i].Initiator() == initiator {
		return p.sessions[i]
	}
	return nil
}

// has reports whether a pairing with h is under way or must wait.
func (p *pairs) has(h key.Handle, n cell.Slot) bool {
	f, failed := p.failed[h]
	return p.find(h) >= 0 || (failed && (f.forever || n < f.until))
}

// ready reports whether it is time to look for pairings to begin: once a second.
func (p *pairs) ready(n cell.Slot) bool {
	if n < p.checkAt {
		return false
	}
	p.checkAt = n + p.second
	return true
}

// yield reports whether a pairing that h began may go on. If we began one too,
// the lower address stays the initiator, unless he has got no reply for long.
func (p *pairs) yield(n cell.Slot, h key.Handle) bool {
	if mine := p.with(h, true); mine != nil && !mine.settled {
		return bytes.Compare(p.self[:], h[:]) > 0 || n > mine.began+eagerSeconds*p.second
	}
	responding := 0
	for _, s := range p.sessions {
		if !s.Initiator() && s.peer != h {
			responding++
		}
	}
	return responding < maxResponding
}

// put adds s, in the place of an earlier pairing with the same user.
func (p *pairs) put(n cell.Slot, s *session) {
	i := p.find(s.peer)
	if i >= 0 && p.sessions[i] == s {
		return
	}
	s.began, s.heard = n, n
	if i >= 0 {
		p.sessions[i] = s
		return
	}
	p.sessions = append(p.sessions, s)
}

func (p *pairs) drop(h key.Handle) {
	delete(p.failed, h)
	if i := p.find(h); i >= 0 {
		p.sessions = append(p.sessions[:i], p.sessions[i+1:]...)
	}
}

func (p *pairs) fail(n cell.Slot, h key.Handle, forever bool) {
	p.drop(h)
	p.failed[h] = failure{until: n + retrySeconds*p.second, forever: forever}
}

// expire drops the pairings that have ended. A responder stays for a while, to
// say its last message again.
func (p *pairs) expire(n cell.Slot) {
	kept := p.sessions[:0]
	for _, s := range p.sessions {
		ended := s.Done() && s.Initiator()
		stale := !s.Initiator() && n > s.heard+staleSeconds*p.second
		if !ended && !stale {
			kept = append(kept, s)
		}
	}
	clear(p.sessions[len(kept):])
	p.sessions = kept
}

// due returns a pairing that has arithmetic to do, nil if there is none.
func (p *pairs) due() *session {
	for _, s := range p.sessions {
		if s.Due() {
			return s
		}
	}
	return nil
}

// next returns the letter to send in slot n, of the pairings in turn.
func (p *pairs) next(n cell.Slot) (*session, wire.Fragment, bool) {
	for range p.sessions {
		p.turn = (p.turn + 1) % len(p.sessions)
		s := p.sessions[p.turn]
		if p.resting(n, s) {
			continue
		}
		if f, ok := s.Next(); ok {
			return s, f, true
		}
	}
	return nil, wire.Fragment{}, false
}

func (p *pairs) resting(n cell.Slot, s *session) bool {
	quiet := n - s.heard
	return quiet > eagerSeconds*p.second && quiet/(restSeconds*p.second)%2 == 0
}
