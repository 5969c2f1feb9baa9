// Package core is everything that a client says and hears, as a pure state
// machine: contacts, pairing, the call, and which of them gets the next cell. It
// knows no clock but the slot numbers, no network and no sound. The driver
// (package mixclient) calls it from one goroutine:
//
//	Up     once in every slot, ahead of the tick: what the cell of the slot says
//	Cover  once in every slot: a cell of cover, to be staged seconds ahead
//	Down   for every cell that comes in
//
// The design asks for one Slot(n, in, mic) (out, ear). It is three methods here
// because up and down meet the clock at different phases: a cell goes up at
// the tick, and its answer is heard when it comes, most of an interval earlier
// than the next tick.
//
// Every Up seals one body and one cell; every Down opens one cell, one letter
// and one stream, and takes one step of a handshake: real ones where there are
// any, dummies otherwise, so that a call costs what idling costs (invariant 3).
//
// Which cell goes up, by falling priority:
//
//  1. what the call says (mixclient/call)
//  2. a letter of a pairing (mixclient/pairing), unless a call is on
//  3. cover
package core

import (
	"crypto/rand"

	"undertone/mixclient/call"
	"undertone/mixclient/contact"
	"undertone/mixclient/pairing"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/wire"
)

// A Half is the client's half of a mode, on one link.
type Half interface {
	// Up seals a cell for slot n. It is total.
	Up(out *cell.Cell, n cell.Slot, kind cell.Kind, body *cell.Body)
	// Down opens a cell that came in about slot ref.
	Down(in *cell.Cell, ref cell.Slot, body *cell.Body) (cell.Slot, seal.Head, bool)
}

// Config is who the user is.
type Config struct {
	// Self is the user's identity, Name what he calls himself to contacts.
	Self *key.Identity
	Name string
	// Intro is the user's own introduction secret, which strangers who have his
	// contact link seal their first letters with.
	Intro key.Secret
	// Interval is the set's.
	Interval cell.Interval
	// TellBusy tells callers why, instead of letting them ring on.
	TellBusy bool
}

// A Core is the state of a client. It is for one goroutine at a time.
type Core struct {
	cfg      Config
	self     key.Handle
	perHour  cell.Slot
	contacts map[key.Handle]*contact.Contact
	call     *call.Machine
	pairs    pairs
	half     Half
	hour     uint64
	events   []Event

	dummy       interface{ Step() } // a *pairing.Dummy
	dummyLetter *seal.Letterbox
	dummyOut    *seal.StreamSealer
	dummyIn     *seal.StreamOpener

	// Space for the cell that is being made or read, so that a slot allocates
	// nothing.
	item   call.Item
	body   cell.Body
	plain  wire.Plain
	stream [cell.StreamSize]byte
}

// An EventKind says what an Event is about.
type EventKind uint8

// The events.
const (
	// Call: Event.Call has happened.
	Call EventKind = iota + 1
	// Paired: the contact can be called. Event.Contact is he; New if he
	// introduced himself.
	Paired
	// PairFailed: Event.Err says why. It is tried again, unless the identity
	// was wrong.
	PairFailed
)

// An Event is something that a person wants to know.
type Event struct {
	Kind    EventKind
	Call    call.Event
	Contact *contact.Contact
	New     bool
	Peer    key.Handle
	Err     error
}

// New returns the core of a user without contacts.
func New(cfg Config) (*Core, error) {
	dummy, err := pairing.NewDummy(cfg.Self)
	if err != nil {
		return nil, err
	}
	self := cfg.Self.Account().Handle()
	c := &Core{
		cfg:      cfg,
		self:     self,
		perHour:  cell.Slot(3600 * 1000 / cfg.Interval.Milliseconds()), //nolint:gosec // positive
		contacts: make(map[key.Handle]*contact.Contact),
		call:     call.New(self, cfg.Interval),
		dummy:    dummy,
	}
	c.pairs.init(self, cfg.Interval)
	c.call.TellBusy = cfg.TellBusy
	c.dummyLetter = seal.NewLetterbox(randomKey())
	c.dummyOut = seal.NewStreamSealer(randomKey())
	c.dummyIn = seal.NewStreamOpener(randomKey())
	return c, nil
}

func randomKey() *key.Secret {
	var k key.Secret
	_, _ = rand.Read(k.Bytes()) // Never fails: the program ends if the system has no randomness.
	return &k
}

// Add makes x a contact. An earlier contact of the same identity is replaced.
func (c *Core) Add(x *contact.Contact) { c.contacts[x.Handle()] = x }

// Remove forgets a contact, and hangs up if he is in the call.
func (c *Core) Remove(n cell.Slot, h key.Handle) {
	x := c.contacts[h]
	if x == nil {
		return
	}
	if c.call.Peer() == x {
		_ = c.call.Hangup(n) // No call is as good as one that has ended.
	}
	c.pairs.drop(h)
	delete(c.contacts, h)
}

// Contact returns the contact of a handle, nil if there is none.
func (c *Core) Contact(h key.Handle) *contact.Contact { return c.contacts[h] }

// Contacts calls f for every contact.
func (c *Core) Contacts(f func(*contact.Contact)) {
	for _, x := range c.contacts {
		f(x)
	}
}

// Machine returns the state of the call, for commands of the user.
func (c *Core) Machine() *call.Machine { return c.call }

// Events returns what happened since it was last called.
func (c *Core) Events() []Event {
	for _, e := range c.call.Events() {
		c.events = append(c.events, Event{Kind: Call, Call: e, Peer: e.Peer})
	}
	e := c.events
	c.events = nil
	return e
}

// Online gives the core a new link, from slot n on.
func (c *Core) Online(n cell.Slot, h Half) {
	c.half = h
	c.tick(n)
	c.call.Resume(n)
}

// Offline takes in that slot n passes without a line: what has lasted too long
// ends.
func (c *Core) Offline(n cell.Slot) { c.call.Expire(n) }

// Live reports whether the microphone is open: in a call, and only there.
func (c *Core) Live() bool { return c.call.State() == call.Talking }

// Cover seals a cell of cover for slot n.
func (c *Core) Cover(out *cell.Cell, n cell.Slot) {
	clear(c.body[:])
	c.half.Up(out, n, cell.Cover, &c.body)
}

// Up makes the cell of slot n. voice is what the encoder made for the slot; it
// is sealed in any case, and goes into the cell only in a call.
func (c *Core) Up(out *cell.Cell, n cell.Slot, voice *[cell.VoiceSize]byte) {
	c.tick(n)
	c.item = c.call.Next(n)
	c.stream[0] = c.item.Head
	copy(c.stream[cell.StreamHeadSize:], voice[:])
	if c.item.Kind == cell.Stream {
		c.call.SealStream(n, &c.stream, &c.body)
	} else {
		c.dummyOut.Seal(&c.body, n, &c.stream)
	}
	kind := c.item.Kind
	switch kind {
	case cell.Stream:
	case cell.Letter, cell.Ring:
		if c.item.To.Paired() {
			c.item.Letter.Put(&c.plain)
			c.item.To.Seal(&c.body, &c.plain)
			break
		}
		// Whoever was to get it has been forgotten since.
		clear(c.body[:])
		kind = cell.Cover
	case cell.Control:
		clear(c.body[:])
		c.body[0] = wire.ControlClear
	default:
		kind = c.pairingLetter(n)
	}
	c.half.Up(out, n, kind, &c.body)
}

// pairingLetter puts a letter of a pairing into the body, or nothing.
func (c *Core) pairingLetter(n cell.Slot) cell.Kind {
	clear(c.body[:])
	if c.call.State() != call.Idle && c.call.State() != call.Dialing {
		return cell.Cover
	}
	s, f, ok := c.pairs.next(n)
	if !ok {
		return cell.Cover
	}
	f.Put(&c.plain)
	s.Sealer().Seal(&c.body, s.peer, s.Class(), &c.plain)
	return cell.Letter
}

// tick keeps what changes with the hour, and starts the pairings that are due.
func (c *Core) tick(n cell.Slot) {
	if hour := uint64(n / c.perHour); hour > c.hour {
		c.hour = hour
		for _, x := range c.contacts {
			x.Advance(hour)
		}
	}
	c.pairs.expire(n)
	c.initiate(n)
}

// Heard is what came out of a cell.
type Heard struct {
	// Slot is the one that the cell was sent in.
	Slot cell.Slot
	// Feedback is the server's (seal.Head).
	Feedback int8
	// Voice reports whether the cell held voice of the call.
	Voice bool
}

// Down opens a cell that came in about slot ref; voice gets what it held, if it
// held any. It reports false for a cell that is not of the link.
func (c *Core) Down(in *cell.Cell, ref cell.Slot, voice *[cell.VoiceSize]byte) (Heard, bool) {
	n, head, ok := c.half.Down(in, ref, &c.body)
	if !ok {
		c.step(ref)
		return Heard{}, false
	}
	h := Heard{Slot: n, Feedback: head.Feedback}
	h.Voice = c.hearStream(n, head.Kind == cell.Stream)
	if h.Voice {
		copy(voice[:], c.stream[cell.StreamHeadSize:])
	}
	c.hearLetter(n, head.Kind == cell.Letter || head.Kind == cell.Ring)
	c.step(n)
	return h, true
}

func (c *Core) hearStream(n cell.Slot, real bool) bool {
	if !real {
		c.dummyIn.Open(&c.body, n, &c.stream)
		return false
	}
	return c.call.OpenStream(n, &c.body, &c.stream)
}

// step takes one step of a handshake.
func (c *Core) step(n cell.Slot) {
	switch s := c.pairs.due(); {
	case c.call.Due():
		c.call.Step(n)
	case s != nil:
		s.Step()
		c.settle(n, s)
	default:
		c.dummy.Step()
	}
}
