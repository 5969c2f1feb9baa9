// Package core is everything that a client says and hears, as a pure state
// machine: contacts, pairing, the call, and which of them gets the next cell. It
// knows no clock but the slot numbers, no network and no sound. The driver
// (package mixclient) calls it from one goroutine:
//
//	Up     once in every slot, ahead of the tick: what the slot says
//	Cover  once in every slot: a batch of cover, to be staged seconds ahead
//	Down   for every message that comes in
//
// How it is said, and what a message looks like, is the business of the mode's
// half (package half); the core does not know which mode it is.
//
// The design asks for one Slot(n, in, mic) (out, ear). It is three methods here
// because up and down meet the clock at different phases: a cell goes up at
// the tick, and its answer is heard when it comes, most of an interval earlier
// than the next tick.
//
// Every Up seals one body and one batch; for every cell that comes down one
// letter and one stream are opened, and in every slot one step of a handshake is
// taken, in one of ten a second one: real ones where there are any, dummies
// otherwise, so that a call costs what idling costs (invariant 3).
//
// Which cell goes up, by falling priority:
//
//  1. in one slot of ten, a letter of a pairing (mixclient/pairing)
//  2. what the call says (mixclient/call)
//  3. cover
//
// So a pairing takes as long in a call as without one, and whoever pairs with us sees
// no call by it. (But where there are fewer channels than members, whoever is in a call
// has one for his letters, and others have one part of the time.)
package core

import (
	"crypto/rand"

	"undertone/mixclient/call"
	"undertone/mixclient/contact"
	"undertone/mixclient/group"
	"undertone/mixclient/half"
	"undertone/mixclient/pairing"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/wire"
)

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
	// Groups says that the mode has calls of more than two.
	Groups bool
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
	call     *group.Call
	version  uint64 // of the call's keys, as the half knows them
	pairs    pairs
	half     half.Half
	rekey    bool // the half does not know all keys yet
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
	say    half.Say
	spare  cell.Body // of the dummy stream
	plain  wire.Plain
	stream [cell.StreamSize]byte
	heard  *Heard // what Down is filling
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
		call:     group.New(group.Config{Self: self, Interval: cfg.Interval, Groups: cfg.Groups}),
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
func (c *Core) Add(x *contact.Contact) {
	c.contacts[x.Handle()] = x
	c.rekey = true
}

// Remove forgets a contact, and hangs up if he is in the call.
func (c *Core) Remove(n cell.Slot, h key.Handle) {
	x := c.contacts[h]
	if x == nil {
		return
	}
	_ = c.call.Drop(n, x) // Whoever is in no call is not in this one either.
	c.pairs.drop(h)
	delete(c.contacts, h)
	c.rekey = true
}

// Contact returns the contact of a handle, nil if there is none.
func (c *Core) Contact(h key.Handle) *contact.Contact { return c.contacts[h] }

// Contacts calls f for every contact.
func (c *Core) Contacts(f func(*contact.Contact)) {
	for _, x := range c.contacts {
		f(x)
	}
}

// Call returns the user's one call, for his commands.
func (c *Core) Call() *group.Call { return c.call }

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
func (c *Core) Online(n cell.Slot, h half.Half) {
	if n+backSlots < c.slot {
		c.call.Rewind(n)
		c.pairs.rewind(n)
		c.slot = n
	}
	c.half, c.rekey = h, true
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
func (c *Core) Live() bool { return c.call.Live() }

// Half returns the mode's half of the present link, nil before the first.
func (c *Core) Half() half.Half { return c.half }

// Cover makes a batch of cover for slot n.
func (c *Core) Cover(out []byte, n cell.Slot) {
	c.say = half.Say{}
	c.half.Up(out, n, &c.say)
}

// Up makes the batch of slot n. voice is what the encoder made for the slot; it
// is sealed in any case, and goes into the batch only in a call.
func (c *Core) Up(out []byte, n cell.Slot, voice *[cell.VoiceSize]byte) {
	c.tick(n)
	c.say = half.Say{}
	c.stream[0] = wire.HeadVoice
	copy(c.stream[cell.StreamHeadSize:], voice[:])
	if c.pairingLetter(n) {
		c.call.Expire(n)
		c.dummyOut.Seal(&c.spare, n, &c.stream)
	} else {
		c.callItem(n)
	}
	c.half.Wants(c.wants())
	c.half.Up(out, n, &c.say)
}

// wants reports whether the user has something to say, now or in a moment. Whoever
// only hears a call ring has not. A pairing is not counted: its letters may be to
// somebody who is away for weeks, and whoever has our link could have us take a channel.
func (c *Core) wants() bool {
	switch c.call.State() {
	case call.Dialing, call.Answering, call.Talking, call.Leaving:
		return true
	case call.Idle, call.Ringing:
	}
	return false
}

// callItem says what the call says in slot n, or nothing.
func (c *Core) callItem(n cell.Slot) {
	c.item = c.call.Next(n)
	if c.item.Kind == cell.Stream {
		c.stream[0] = c.item.Head
		c.call.SealStream(n, &c.stream, &c.say.Body)
		c.say.Kind, c.say.Group = cell.Stream, c.item.Group
		if c.item.To != nil {
			c.say.To = c.item.To.Handle()
		}
		return
	}
	c.dummyOut.Seal(&c.spare, n, &c.stream)
	switch c.item.Kind {
	case cell.Letter, cell.Ring:
		if !c.item.To.Paired() {
			return // Whoever was to get it has been forgotten since.
		}
		c.item.Letter.Put(&c.plain)
		c.item.To.Seal(&c.say.Body, &c.plain)
		c.say.To = c.item.To.Handle()
	case cell.Control:
		c.say.Body[0] = wire.ControlClear
	case cell.Cover, cell.Stream:
	}
	c.say.Kind = c.item.Kind
}

// pairingLetter says a letter of a pairing, if one is due.
func (c *Core) pairingLetter(n cell.Slot) bool {
	if n%pairingEvery != c.phase {
		return false
	}
	s, f, ok := c.pairs.next()
	if !ok {
		return false
	}
	f.Put(&c.plain)
	s.Sealer().Seal(&c.say.Body, s.peer, s.Class(), &c.plain)
	c.say.Kind, c.say.To = cell.Letter, s.peer
	return true
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
		c.rekey = true
	}
	c.pairs.expire(n)
	c.initiate(n)
	if c.rekey || c.version != c.call.Version() {
		c.rekey, c.version = false, c.call.Version()
		c.tellKeys()
	}
}

// Heard is what came out of a message. It is filled by Down, which reuses it.
type Heard struct {
	half.Report
	// Voices are what the message held of the call: at most one of each speaker,
	// by the number that the call gives him.
	Voices []Voice
}

// A Voice is what one speaker said in a slot.
type Voice struct {
	Speaker int
	Frame   [cell.VoiceSize]byte
}

// Down reads a message that came in about slot ref into h. It reports false for
// one that is not of the link.
func (c *Core) Down(in []byte, ref cell.Slot, h *Heard) bool {
	h.Voices = h.Voices[:0]
	c.heard = h
	report, ok := c.half.Down(in, ref, ear{c})
	if !ok {
		return false
	}
	h.Report = report
	if h.Last {
		c.step(h.Slot)
	}
	return true
}

// ear is what the core shows of itself to the half.
type ear struct{ *Core }

// Hear takes in one cell. Each costs the same: a stream and a letter are opened.
func (e ear) Hear(f *half.Found) {
	e.hearStream(f)
	e.hearLetter(f.Slot, f.Body, f.Kind == cell.Letter || f.Kind == cell.Ring)
}

func (c *Core) hearStream(f *half.Found) {
	if f.Kind != cell.Stream {
		c.dummyIn.Open(f.Body, f.Slot, &c.stream)
		return
	}
	speaker, ok := c.call.OpenStream(f.Slot, f.From, f.Place, f.Body, &c.stream)
	if ok && len(c.heard.Voices) < half.MaxGroup {
		c.heard.Voices = append(c.heard.Voices, Voice{speaker, [cell.VoiceSize]byte(c.stream[cell.StreamHeadSize:])})
	}
}

// step takes a step of the handshake of a call, and in one slot of ten one of a
// pairing. That never waits for a call: whoever pairs with us again and again would see
// by how long we take that somebody calls.
func (c *Core) step(n cell.Slot) {
	if c.call.Due() {
		c.call.Step(n)
	} else {
		c.dummy.Step()
	}
	if n%pairingEvery != (c.phase+pairingEvery/2)%pairingEvery {
		return
	}
	if s := c.pairs.due(n); s != nil {
		c.pairs.prefer(s)
		s.Step()
		c.settle(n, s)
	} else {
		c.dummy.Step()
	}
}
