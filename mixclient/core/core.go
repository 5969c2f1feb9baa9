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
	phase    cell.Slot // of the slots that pairings have
	contacts map[key.Handle]*contact.Contact
	call     *call.Machine
	pairs    pairs
	half     Half
	hour     uint64
	slot     cell.Slot // the newest slot made or read
	events   []Event

	dummy       interface{ Step() } // a *pairing.Dummy
	dummyLetter *seal.Letterbox
	dummyOut    *seal.StreamSealer
	dummyIn     *seal.StreamOpener

	// Space for the cell that is being made or read, so that a slot allocates
	// nothing.
	item   call.Item
	body   cell.Body
	spare  cell.Body // of the dummy stream
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
		phase:    cell.Slot(self[0]) % pairingEvery,
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

// Online gives the core a new link, from slot n on. If that is before slots that
// have passed, the call ends: its voice would use slots twice.
func (c *Core) Online(n cell.Slot, h Half) {
	if n+backSlots < c.slot {
		c.call.Rewind(n)
		c.pairs.rewind(n)
		c.slot = n
	}
	c.half = h
	c.tick(n)
	c.call.Resume(n)
}

// backSlots is how far back a new link may begin: the first slot is known to the
// second only.
const backSlots = 100

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
	c.stream[0] = wire.HeadVoice
	copy(c.stream[cell.StreamHeadSize:], voice[:])
	kind := c.pairingLetter(n)
	if kind == cell.Cover {
		kind = c.callItem(n)
	} else {
		c.call.Expire(n)
		c.dummyOut.Seal(&c.spare, n, &c.stream)
	}
	c.half.Up(out, n, kind, &c.body)
}

// callItem puts what the call says in slot n into the body, or nothing.
func (c *Core) callItem(n cell.Slot) cell.Kind {
	c.item = c.call.Next(n)
	if c.item.Kind == cell.Stream {
		c.stream[0] = c.item.Head
		c.call.SealStream(n, &c.stream, &c.body)
		return cell.Stream
	}
	c.dummyOut.Seal(&c.spare, n, &c.stream)
	clear(c.body[:])
	switch c.item.Kind {
	case cell.Letter, cell.Ring:
		if !c.item.To.Paired() {
			return cell.Cover // Whoever was to get it has been forgotten since.
		}
		c.item.Letter.Put(&c.plain)
		c.item.To.Seal(&c.body, &c.plain)
	case cell.Control:
		c.body[0] = wire.ControlClear
	case cell.Cover, cell.Stream:
	}
	return c.item.Kind
}

// pairingLetter puts a letter of a pairing into the body, if one is due.
func (c *Core) pairingLetter(n cell.Slot) cell.Kind {
	if n%pairingEvery != c.phase {
		return cell.Cover
	}
	s, f, ok := c.pairs.next()
	if !ok {
		return cell.Cover
	}
	f.Put(&c.plain)
	s.Sealer().Seal(&c.body, s.peer, s.Class(), &c.plain)
	return cell.Letter
}

// pairingEvery is the share of pairings: one slot in ten.
const pairingEvery = 10

// tick keeps what changes with the hour, and starts the pairings that are due.
func (c *Core) tick(n cell.Slot) {
	c.slot = max(c.slot, n)
	if hour := uint64(n / c.perHour); hour > c.hour {
		c.hour = hour
		for _, x := range c.contacts {
			x.Advance(hour)
		}
		c.pairs.newHour()
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
	switch s := c.pairs.due(n); {
	case c.call.Due():
		c.call.Step(n)
	case s != nil:
		c.pairs.prefer(s)
		s.Step()
		c.settle(n, s)
	default:
		c.dummy.Step()
	}
}
