package call

import (
	"undertone/mixclient/contact"
	"undertone/transport/cell"
	"undertone/transport/wire"
)

// An Item is what the call has to say in a slot.
type Item struct {
	// Kind is Cover when there is nothing to say.
	Kind cell.Kind
	// Head is the head of a stream.
	Head byte
	// To is who gets the stream or the letter; a stream with Group set is for all
	// of the group instead.
	To    *contact.Contact
	Group bool
	// Letter is what a letter says.
	Letter wire.CallLetter
}

// Next returns what goes into the cell of slot n. It is called once in every
// slot, and keeps the times of the call.
func (m *Machine) Next(n cell.Slot) Item {
	m.Expire(n)
	switch m.state {
	case Dialing:
		return m.dialing(n)
	case Answering:
		return m.answering(n)
	case Talking:
		return m.talk(n)
	case Leaving:
		return m.leaving(n)
	case Idle, Ringing:
	}
	return m.telling(n)
}

// Expire ends what has lasted too long by slot n. Next does so by itself.
func (m *Machine) Expire(n cell.Slot) {
	switch m.state {
	case Dialing:
		if m.knocked == 0 && n > m.since+m.slots(pairSeconds) {
			m.end(n, NoAnswer, false)
		} else if m.knocked != 0 && n > m.knocked+m.slots(RingSeconds) {
			m.end(n, NoAnswer, true)
		}
	case Ringing:
		if n > m.knocked+m.slots(quietSeconds) || n > m.knock.slot+m.slots(RingSeconds+quietSeconds) {
			m.end(n, Missed, false)
		}
	case Answering:
		if n > m.since+m.slots(answerSeconds) {
			m.end(n, Lost, true)
		}
	case Talking:
		if n > m.heard+m.slots(lostSeconds) {
			m.end(n, Lost, true)
		}
	case Leaving:
		if n > m.since+m.slots(leaveSeconds) {
			m.enter(n, Idle)
		}
	case Idle:
	}
}

func (m *Machine) letter(k cell.Kind, l wire.CallLetter) Item {
	l.Call = m.knock.call
	return Item{Kind: k, To: m.peer, Letter: l}
}

// dialing knocks: a few times at once, so that a lost cell costs little, then
// in a slow carousel for whoever comes online while it rings.
func (m *Machine) dialing(n cell.Slot) Item {
	if m.fresh == nil || !m.peer.Paired() || n < m.nextAt {
		return Item{}
	}
	if m.knocked == 0 {
		m.knocked, m.knock.slot, m.knock.hour = n, n, m.peer.Hour()
	}
	m.sent++
	m.nextAt = n + 2
	if m.sent >= eagerKnocks {
		m.nextAt = n + m.slots(knockSeconds)
	}
	return m.letter(cell.Ring, wire.CallLetter{Type: wire.Knock, Key: m.knock.key, Slot: m.knock.slot, Hour: m.knock.hour, Several: m.knock.several})
}

// answering repeats the answer until the caller's voice comes. The other slots
// stay cover: voice would be lost until the caller has the answer.
func (m *Machine) answering(n cell.Slot) Item {
	if m.out == nil || n < m.nextAt {
		return Item{}
	}
	m.nextAt = n + answerEvery
	return m.letter(cell.Ring, wire.CallLetter{Type: wire.Answer, Key: m.answered})
}

// talk sends voice, but for a letter now and then that points the route again
// when the other side has not been heard (the server forgot it with a lost
// line), or that tells another caller.
func (m *Machine) talk(n cell.Slot) Item {
	if m.Letters {
		return m.telling(n)
	}
	if n > m.heard+m.slots(resumeSeconds) && n >= m.nextAt {
		m.nextAt = n + m.slots(resumeSeconds)
		if n < m.eager {
			m.nextAt = n + resumeEvery
		}
		return m.letter(cell.Ring, wire.CallLetter{Type: wire.Resume})
	}
	if it := m.telling(n); it.Kind != cell.Cover {
		return it
	}
	return Item{Kind: cell.Stream, Head: wire.HeadVoice, To: m.peer}
}

// Resume points the route again at once, after a new line.
func (m *Machine) Resume(n cell.Slot) {
	m.eager = n + m.slots(eagerSeconds)
	switch m.state {
	case Talking:
		m.heard, m.nextAt = min(m.heard, since(n, m.slots(resumeSeconds)+1)), n
	case Dialing, Answering:
		m.nextAt = n
	case Idle, Ringing, Leaving:
	}
}

// leaving tells the other side twofold, in the stream and by letter, since
// either way may be broken; then the server forgets the route.
func (m *Machine) leaving(n cell.Slot) Item {
	if m.Letters {
		return m.leavingByLetter(n)
	}
	m.sent++
	told := 0
	if m.notify {
		told = leavingSlots
	}
	switch {
	case m.sent <= told && (m.sent%2 == 1 && m.out != nil):
		return Item{Kind: cell.Stream, Head: wire.HeadHangup, To: m.peer}
	case m.sent <= told:
		return m.letter(cell.Letter, wire.CallLetter{Type: wire.Over})
	case m.sent <= told+clearingSlots:
		return Item{Kind: cell.Control}
	}
	m.enter(n, Idle)
	return m.telling(n)
}

// leavingByLetter is leaving while the voice goes elsewhere, where there are no
// routes.
func (m *Machine) leavingByLetter(n cell.Slot) Item {
	m.sent++
	if m.notify && m.sent <= leavingSlots/2 {
		return m.letter(cell.Letter, wire.CallLetter{Type: wire.Over})
	}
	m.enter(n, Idle)
	return m.telling(n)
}

// telling says why to callers whom we chose to tell, in one cell of ten at
// most.
func (m *Machine) telling(n cell.Slot) Item {
	if len(m.tell) == 0 || n < m.toldAt+tellEvery {
		return Item{}
	}
	t := m.tell[0]
	m.tell, m.toldAt = m.tell[1:], n
	return Item{Kind: cell.Letter, To: t.to, Letter: t.letter}
}
