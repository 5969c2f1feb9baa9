// Package call is the state of a user's one call: ringing, answering, talking,
// hanging up, all in letters and in the heads of streams (the paper's protocol 2
// with the signalling that it leaves open). It is pure; time is the slot number.
// mixclient/group is the only caller: it has a Machine for each user whom it is
// in a call with.
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
	states // how many there are
)

// States are all of them.
func States() []State { return all[State](Idle, states) }

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
	pairSeconds = 180
	// knockSeconds is the period of the carousel of knocks: long, because a
	// knock takes the place of voice if the callee is in another call.
	knockSeconds = 2
	// quietSeconds without a knock mean that the caller has gone.
	quietSeconds = 7
	// answerSeconds is how long an answer waits for the caller's voice.
	answerSeconds = 10
	// resumeSeconds without voice make a side point its route again, and so many later
	// again; but for eagerSeconds after a new line, whose first cells come too late to
	// count, it does so every few slots.
	resumeSeconds = 1
	eagerSeconds  = 5
	// lostSeconds without voice end a call: a reconnect takes a few.
	lostSeconds = 20
	// leaveSeconds end a call that has no line to say so on.
	leaveSeconds = 5
)

// Carousels, in slots.
const (
	eagerKnocks   = 3 // knocks at the start, two slots apart
	answerEvery   = 3
	resumeEvery   = 3 // on a new line
	leavingSlots  = 6 // alternating hang-up and over
	clearingSlots = 2
	tellEvery     = 10
)

// A knock is a call that rings here.
type knock struct {
	call    wire.CallID
	key     [32]byte
	slot    cell.Slot
	hour    uint64
	several bool
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
	self  key.Handle
	slots func(seconds cell.Slot) cell.Slot
	// TellBusy makes the callee send the reason when he is busy or declines.
	TellBusy bool
	// Letters leaves the voice to whoever has the machine: it says nothing but
	// letters.
	Letters bool

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
	eager    cell.Slot // until then the line is a new one
	notify   bool      // Leaving: the other side has to be told

	out     *seal.StreamSealer
	in      *seal.StreamOpener
	welcome key.Secret // of what the caller lets the callee into

	*memory
}

// A memory is what a user's machines have in common.
type memory struct {
	past   [32]wire.CallID // calls that are over: their knocks ring no more
	pasts  int
	missed map[key.Handle]cell.Slot // when somebody who rang in vain was last reported
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
		self:   self,
		slots:  func(s cell.Slot) cell.Slot { return s * perSecond },
		memory: &memory{missed: make(map[key.Handle]cell.Slot)},
	}
}

// Another returns a machine for one more call of the same user at the same time.
// What the two have in common they say once: events, and who rang in vain.
func (m *Machine) Another() *Machine {
	return &Machine{self: m.self, slots: m.slots, TellBusy: m.TellBusy, memory: m.memory}
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

// Report adds an event to those that Events returns.
func (m *Machine) Report(e Event) { m.event(e) }

// ID returns the name of the call on the wire.
func (m *Machine) ID() wire.CallID { return m.knock.call }

// Heard reports whether voice of the other side has come since a slot.
func (m *Machine) Heard(since cell.Slot) bool { return m.heard >= since }

// Outgoing reports whether this side called.
func (m *Machine) Outgoing() bool { return m.outgoing }

// Welcome returns the key of what the caller lets the callee into, nil while
// there is none.
func (m *Machine) Welcome() *key.Secret {
	if m.out == nil {
		return nil
	}
	return &m.welcome
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
		m.welcome.Wipe()
	case Dialing, Ringing, Answering:
	}
}

// since returns how many slots have passed, none if the clock went back.
func since(n, then cell.Slot) cell.Slot { return n - min(n, then) }

// end leaves the call, whatever its state.
func (m *Machine) end(n cell.Slot, o Outcome, notify bool) {
	e := Event{Kind: Ended, Peer: m.peer.Handle(), Outgoing: m.outgoing, Slot: n, Began: m.began, Outcome: o}
	if m.state == Talking {
		e.Talked = since(n, m.talking)
	}
	e.Began = n - since(n, m.began)
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

// Dial rings a contact, or, with several set, one of several who are called
// together. If he is not paired yet, it waits for that first.
func (m *Machine) Dial(n cell.Slot, peer *contact.Contact, several bool) error {
	if m.state != Idle {
		return ErrBusy
	}
	m.dial(n, peer)
	m.knock.several = several
	return nil
}

func (m *Machine) dial(n cell.Slot, peer *contact.Contact) {
	m.peer, m.outgoing, m.began = peer, true, n
	m.knock, m.knocked = knock{}, 0
	_, _ = rand.Read(m.knock.call[:]) // Never fails: the program ends if the system has no randomness.
	m.due = freshKey
	m.enter(n, Dialing)
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

// Rewind takes in that the clock went back to slot n. Voice of the call would use
// slots twice, so the call ends, and nothing waits for times that are far ahead.
func (m *Machine) Rewind(n cell.Slot) {
	m.Abandon(n)
	m.since, m.nextAt, m.toldAt, m.eager = min(m.since, n), n, 0, 0
	clear(m.missed)
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

// OpenStream opens voice that came in near slot n. It reports false if it is
// not of this call.
func (m *Machine) OpenStream(n cell.Slot, body *cell.Body, plain *[cell.StreamSize]byte) bool {
	if m.in == nil {
		return false
	}
	if _, ok := m.in.Open(body, n, plain); !ok {
		return false
	}
	m.peer.Confirm()
	return m.Hear(n, plain[0])
}

// Hear takes in the head of a stream of the other side, which came in near slot
// n, whatever key it was sealed with. It reports whether there is voice to be
// heard.
func (m *Machine) Hear(n cell.Slot, head byte) bool {
	m.heard = n
	if m.state == Answering {
		m.enter(n, Talking)
	}
	if head == wire.HeadHangup {
		m.over(n)
		return false
	}
	return m.state == Talking
}

// SealStream closes plain for slot n. It is total.
func (m *Machine) SealStream(n cell.Slot, plain *[cell.StreamSize]byte, body *cell.Body) {
	m.out.Seal(body, n, plain)
}
