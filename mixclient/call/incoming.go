package call

import (
	"bytes"

	"undertone/mixclient/contact"
	"undertone/transport/cell"
	"undertone/transport/wire"
)

// Of reports whether a letter, other than a knock, is from the other side of the
// call and of this call.
func (m *Machine) Of(from *contact.Contact, l wire.CallLetter) bool {
	return m.peer == from && l.Call == m.knock.call
}

// Letter takes in a letter about a call, from a contact who is not blocked.
func (m *Machine) Letter(n cell.Slot, from *contact.Contact, l wire.CallLetter) {
	if l.Type == wire.Knock {
		m.knockedBy(n, from, l)
		return
	}
	if !m.Of(from, l) {
		return
	}
	switch l.Type {
	case wire.Answer:
		if m.state == Dialing && m.due == nothing && m.knocked != 0 {
			m.answered, m.due = l.Key, agree
		}
	case wire.Over:
		m.over(n)
	case wire.Tell:
		if m.state == Dialing {
			m.end(n, map[wire.Reason]Outcome{wire.Busy: ToldBusy, wire.Declined: ToldDeclined}[l.Reason], false)
		}
	case wire.Resume:
		// The other side's line was lost and is back; its route is set. It says so
		// in a call only: so it has our answer.
		if m.state == Answering {
			m.enter(n, Talking)
		}
	case wire.Knock, wire.FragmentLetter, wire.Welcome, wire.Member:
	}
}

// over: the other side is done with the call.
func (m *Machine) over(n cell.Slot) {
	switch m.state {
	case Ringing:
		m.end(n, Missed, false)
	case Answering, Talking:
		m.end(n, PeerHungUp, false)
	case Idle, Dialing, Leaving:
	}
}

func (m *Machine) knockedBy(n cell.Slot, from *contact.Contact, l wire.CallLetter) {
	// Whose call we did not take, and who still rings, is answered once we ring him.
	if ringing := m.state == Dialing && m.peer == from; m.isPast(l.Call) && !ringing || !m.isFresh(n, l.Slot) {
		return
	}
	switch {
	case m.peer == from && m.knock.call == l.Call:
		// Again the knock of the call that rings, or that we answer or are in.
		m.knocked = n
	case m.state == Idle:
		m.ring(n, from, l)
		m.event(Event{Kind: Rings, Peer: from.Handle(), Several: l.Several, Slot: n})
	case m.state == Leaving:
		// He will knock again in a moment, when the last call is left.
	case m.peer == from && m.state == Dialing:
		m.bothRing(n, from, l)
	case m.peer == from:
		// He has begun anew, so his end of this call is gone. His next knock
		// rings.
		m.end(n, Lost, false)
	default:
		m.ringsInVain(n, from, l)
	}
}

// bothRing is for two who ring each other. One stays the caller; the other one
// answers, since he wants to talk.
func (m *Machine) bothRing(n cell.Slot, from *contact.Contact, l wire.CallLetter) {
	if !m.yields(from, l) {
		return
	}
	m.remember(m.knock.call)
	m.ring(n, from, l)
	m.accept(n)
}

// yields reports who answers if two ring each other: who calls one from whoever
// calls several, else the higher address from the lower. Both come to the same
// result.
func (m *Machine) yields(from *contact.Contact, l wire.CallLetter) bool {
	if l.Several != m.knock.several {
		return l.Several
	}
	self, other := m.self, from.Handle()
	return bytes.Compare(self[:], other[:]) > 0
}

// Yields reports whether a knock of the contact whom the machine is ringing would
// make it answer him instead.
func (m *Machine) Yields(n cell.Slot, from *contact.Contact, l wire.CallLetter) bool {
	return m.state == Dialing && m.peer == from && m.knock.call != l.Call &&
		m.isFresh(n, l.Slot) && m.yields(from, l)
}

// InVain takes in a knock of somebody who rings while another call is on.
func (m *Machine) InVain(n cell.Slot, from *contact.Contact, l wire.CallLetter) {
	if !m.isPast(l.Call) && m.isFresh(n, l.Slot) {
		m.ringsInVain(n, from, l)
	}
}

// ringsInVain reports him once in the time of a ring, however many calls he makes
// of it.
func (m *Machine) ringsInVain(n cell.Slot, from *contact.Contact, l wire.CallLetter) {
	m.remember(l.Call)
	if last, ok := m.missed[from.Handle()]; ok && since(n, last) < m.slots(RingSeconds) {
		return
	}
	m.missed[from.Handle()] = n
	m.tellWhy(from, l.Call, wire.Busy)
	m.event(Event{Kind: Ended, Peer: from.Handle(), Slot: n, Began: n, Outcome: Missed})
}

func (m *Machine) ring(n cell.Slot, from *contact.Contact, l wire.CallLetter) {
	m.peer, m.outgoing, m.began = from, false, n
	m.knock = knock{call: l.Call, key: l.Key, slot: l.Slot, hour: l.Hour, several: l.Several}
	m.knocked = n
	m.enter(n, Ringing)
}

// isFresh reports whether a knock of a call dialed at slot is one of now.
func (m *Machine) isFresh(n, slot cell.Slot) bool {
	return slot <= n+m.slots(1) && n <= slot+m.slots(RingSeconds+quietSeconds)
}
