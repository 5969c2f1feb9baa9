// Package call is the state of a user's one call: ringing, answering, talking,
// hanging up, all in letters and in the heads of streams (the paper's protocol 2
// with the signalling that it leaves open). It is pure; time is the slot number.
// mixclient/core is the only caller.
//
//	        Dial                    answer
//	Idle ─────────▶ Dialing ─────────────────────────────▶ Talking
//	 ▲ │ knock                  Accept           stream      ▲ │
//	 │ └──────────▶ Ringing ─────────▶ Answering ────────────┘ │
//	 │                 │                   │                   │
//	 │      Reject, over, no more knocks   │  Hangup, hang-up, │
//	 │                 │                   │  over, 15 s of    │
//	 │                 ▼                   ▼  nothing          ▼
//	 └──────────── Leaving ◀───────────────┴───────────────────┘
//
// A caller sees only an answer, or no answer within the fixed ring time: a
// callee who is busy, declines, has blocked the caller or is away sends nothing,
// unless he chose to tell. Every knock names the slot in which the call was
// dialed, so that a replayed one is stale, and a fresh X25519 key; so does the
// answer. What happens on a lost cell is the same as without: knocks and answers
// are repeated in a fixed carousel until the next step is seen.
package call

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"errors"

	"undertone/mixclient/contact"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/wire"
)

// State is where the call stands.
type State uint8

// The states.
const (
	Idle State = iota
	Dialing
	Ringing
	Answering
	Talking
	Leaving
)

// String names the state, for tests and displays.
func (s State) String() string {
	return [...]string{"idle", "dialing", "ringing", "answering", "talking", "leaving"}[s]
}

// ErrBusy is returned for a command that the state does not allow.
var ErrBusy = errors.New("there is another call; hang up first")

// ErrNoCall is returned for a command that needs a call which is not there.
var ErrNoCall = errors.New("there is no call")

// Times of the protocol, in seconds of the set's clock. They are the same for
// every call, whatever happens in it.
const (
	// RingSeconds is how long a call rings before it counts as not answered.
	RingSeconds = 30
	// pairSeconds is how long a call waits for the pairing of its contact.
	pairSeconds = 60
	// knockSeconds is the period of the carousel of knocks: long, because a
	// knock takes the place of voice if the callee is in another call.
	knockSeconds = 2
	// quietSeconds without a knock mean that the caller has gone.
	quietSeconds = 7
	// answerSeconds is how long an answer waits for the caller's voice.
	answerSeconds = 10
	// resumeSeconds without voice make a side point its route again.
	resumeSeconds = 1
	// lostSeconds without voice end a call: a reconnect takes a few.
	lostSeconds = 20
)

// Carousels, in slots.
const (
	eagerKnocks   = 3 // knocks at the start, two slots apart
	answerEvery   = 3
	leavingSlots  = 6 // alternating hang-up and over
	clearingSlots = 2
	tellEvery     = 10
)

// A knock is a call that rings here.
type knock struct {
	call wire.CallID
	key  [32]byte
	slot cell.Slot
}

// due is the arithmetic that waits for Step.
type due uint8

const (
	nothing   due = iota
	freshKey      // Dialing: make the key of the knock
	answerKey     // Answering: make the key of the answer, and agree
	agree         // Dialing: agree with the key of the answer
)

// A Machine is the state of a user's one call. It is for one goroutine at a
// time.
type Machine struct {
	self    key.Handle
	slots   func(seconds cell.Slot) cell.Slot
	perHour cell.Slot
	// TellBusy makes the callee send the reason when he is busy or declines.
	TellBusy bool

	state    State
	since    cell.Slot // when the state was entered
	began    cell.Slot // when the call was dialed, or began to ring
	peer     *contact.Contact
	outgoing bool
	knock    knock // outgoing: ours; incoming: theirs
	due      due
	fresh    *ecdh.PrivateKey
	answered [32]byte  // Dialing: the key of the answer; Answering: ours
	knocked  cell.Slot // outgoing: when the first knock went; incoming: when the last came
	sent     int       // letters of the carousel sent
	nextAt   cell.Slot // when the next letter of the carousel goes
	heard    cell.Slot // when the last voice came
	talking  cell.Slot // when both could hear each other
	notify   bool      // Leaving: the other side has to be told

	out *seal.StreamSealer
	in  *seal.StreamOpener

	past   [32]wire.CallID // calls that are over: their knocks ring no more
	pasts  int
	tell   []told
	toldAt cell.Slot
	events []Event
}

// A told is a reason to be told to a caller.
type told struct {
	to     *contact.Contact
	letter wire.CallLetter
}

// New returns the machine of the user self, in a set with the given interval.
func New(self key.Handle, i cell.Interval) *Machine {
	perSecond := cell.Slot(1000 / i.Milliseconds()) //nolint:gosec // positive
	return &Machine{
		self:    self,
		slots:   func(s cell.Slot) cell.Slot { return s * perSecond },
		perHour: 3600 * perSecond,
	}
}

// State returns where the call stands.
func (m *Machine) State() State { return m.state }

// Peer returns the other side, nil when idle.
func (m *Machine) Peer() *contact.Contact { return m.peer }

// Events returns what happened since it was last called.
func (m *Machine) Events() []Event {
	e := m.events
	m.events = nil
	return e
}

func (m *Machine) event(e Event) { m.events = append(m.events, e) }

// enter is the one place where the state changes.
func (m *Machine) enter(n cell.Slot, s State) {
	m.state, m.since, m.sent, m.nextAt = s, n, 0, n
	switch s {
	case Talking:
		m.talking, m.heard = n, n
		m.event(Event{Kind: Connected, Peer: m.peer.Handle(), Outgoing: m.outgoing, Slot: n})
	case Leaving:
		m.fresh, m.due = nil, nothing
	case Idle:
		m.peer, m.in, m.out, m.fresh, m.due = nil, nil, nil, nil, nothing
	case Dialing, Ringing, Answering:
	}
}

// end leaves the call, whatever its state.
func (m *Machine) end(n cell.Slot, o Outcome, notify bool) {
	e := Event{Kind: Ended, Peer: m.peer.Handle(), Outgoing: m.outgoing, Slot: n, Began: m.began, Outcome: o}
	if m.state == Talking {
		e.Talked = n - m.talking
	}
	m.remember(m.knock.call)
	m.event(e)
	m.notify = notify && m.peer.Paired() // A letter needs a key.
	m.enter(n, Leaving)
}

func (m *Machine) remember(id wire.CallID) {
	m.past[m.pasts%len(m.past)] = id
	m.pasts++
}

func (m *Machine) isPast(id wire.CallID) bool {
	for _, p := range m.past {
		if p == id {
			return true
		}
	}
	return false
}

// Dial rings a contact. If he is not paired yet, it waits for that first.
func (m *Machine) Dial(n cell.Slot, peer *contact.Contact) error {
	if m.state != Idle {
		return ErrBusy
	}
	m.peer, m.outgoing, m.began = peer, true, n
	m.knock, m.knocked = knock{}, 0
	_, _ = rand.Read(m.knock.call[:]) // Never fails: the program ends if the system has no randomness.
	m.due = freshKey
	m.enter(n, Dialing)
	return nil
}

// Accept answers the call that rings.
func (m *Machine) Accept(n cell.Slot) error {
	if m.state != Ringing {
		return ErrNoCall
	}
	m.accept(n)
	return nil
}

func (m *Machine) accept(n cell.Slot) {
	m.event(Event{Kind: Accepted, Peer: m.peer.Handle(), Slot: n})
	m.due = answerKey
	m.enter(n, Answering)
}

// Reject declines the call that rings. The caller learns nothing, unless this
// side tells.
func (m *Machine) Reject(n cell.Slot) error {
	if m.state != Ringing {
		return ErrNoCall
	}
	m.tellWhy(m.peer, m.knock.call, wire.Declined)
	m.end(n, Rejected, false)
	return nil
}

// Hangup ends the call in any state, or gives up ringing, or declines.
func (m *Machine) Hangup(n cell.Slot) error {
	switch m.state {
	case Idle, Leaving:
		return ErrNoCall
	case Ringing:
		return m.Reject(n)
	case Dialing, Answering, Talking:
		m.end(n, HungUp, true)
	}
	return nil
}

// Abandon ends the call without a word: its keys cannot be used any more.
func (m *Machine) Abandon(n cell.Slot) {
	if m.state != Idle && m.state != Leaving {
		m.end(n, Lost, false)
	}
}

func (m *Machine) tellWhy(to *contact.Contact, id wire.CallID, r wire.Reason) {
	if m.TellBusy && len(m.tell) < 8 {
		m.tell = append(m.tell, told{to, wire.CallLetter{Type: wire.Tell, Call: id, Reason: r}})
	}
}

// Letter takes in a letter about a call, from a contact who is not blocked.
func (m *Machine) Letter(n cell.Slot, from *contact.Contact, l wire.CallLetter) {
	if l.Type == wire.Knock {
		m.knockedBy(n, from, l)
		return
	}
	if m.peer != from || l.Call != m.knock.call {
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
		// The other side's line was lost and is back; its route is set.
	case wire.Knock, wire.FragmentLetter:
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
	if m.isPast(l.Call) || !m.isFresh(n, l.Slot) {
		return
	}
	switch {
	case m.state == Ringing && m.peer == from && m.knock.call == l.Call:
		m.knocked = n
	case m.state == Idle:
		m.ring(n, from, l)
		m.event(Event{Kind: Rings, Peer: from.Handle(), Slot: n})
	case m.state == Dialing && m.peer == from && m.knocked != 0:
		// Both ring each other. The lower address stays the caller; the other
		// one answers, since he wants to talk.
		if self, other := m.self, from.Handle(); bytes.Compare(self[:], other[:]) > 0 {
			m.remember(m.knock.call)
			m.ring(n, from, l)
			m.accept(n)
		}
	case m.peer == from && m.knock.call == l.Call:
		// A repeated knock of the call that we answer or are in.
	default:
		m.remember(l.Call)
		m.tellWhy(from, l.Call, wire.Busy)
		m.event(Event{Kind: Ended, Peer: from.Handle(), Slot: n, Began: n, Outcome: Missed})
	}
}

func (m *Machine) ring(n cell.Slot, from *contact.Contact, l wire.CallLetter) {
	m.peer, m.outgoing, m.began = from, false, n
	m.knock = knock{call: l.Call, key: l.Key, slot: l.Slot}
	m.knocked = n
	m.enter(n, Ringing)
}

// isFresh reports whether a knock of a call dialed at slot is one of now.
func (m *Machine) isFresh(n, slot cell.Slot) bool {
	return slot <= n+m.slots(1) && n <= slot+m.slots(RingSeconds+quietSeconds)
}

// OpenStream opens voice that came in near slot n. It reports false if it is
// not of this call.
func (m *Machine) OpenStream(n cell.Slot, body *cell.Body, plain *[cell.StreamSize]byte) bool {
	if m.in == nil {
		return false
	}
	if _, ok := m.in.Open(body, n, plain); !ok {
		return false
	}
	m.heard = n
	if m.state == Answering {
		m.enter(n, Talking)
	}
	if plain[0] == wire.HeadHangup {
		m.over(n)
		return false
	}
	return m.state == Talking
}

// SealStream closes plain for slot n. It is total.
func (m *Machine) SealStream(n cell.Slot, plain *[cell.StreamSize]byte, body *cell.Body) {
	m.out.Seal(body, n, plain)
}
