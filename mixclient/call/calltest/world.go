package calltest

import (
	"bytes"
	"errors"

	"undertone/mixclient/call"
	"undertone/mixclient/contact"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/wire"
)

// A situation is what two ways to it have in common.
type situation struct {
	states  [people]call.State
	done    [people]bool // he rings or is rung by a call that somebody is done with
	settled bool
}

const (
	interval = cell.Interval40
	second   = 25 // slots
	delay    = 3  // slots that a cell takes
)

// A person has a machine, and knows the others.
type person struct {
	machine *call.Machine
	handle  key.Handle
	knows   map[key.Handle]*contact.Contact
	past    map[wire.CallID]bool // calls that he is done with
	now     wire.CallID          // the one that he is in
}

// A parcel is a cell on its way.
type parcel struct {
	from, to *person
	at       cell.Slot
	item     call.Item
	body     cell.Body
}

// A world is three people and what is on its way between them.
type world struct {
	of     *Map
	slot   cell.Slot
	people [people]*person
	way    []parcel
}

func newWorld(m *Map) *world {
	w := &world{of: m, slot: 1000 * second}
	prints := [people]key.Fingerprint{{1}, {2}, {3}}
	if below := bytes.Compare(handleOf(prints[Ann]), handleOf(prints[Bob])) < 0; below != m.lower {
		prints[Ann], prints[Bob] = prints[Bob], prints[Ann]
	}
	for i, f := range prints {
		p := &person{
			machine: call.New(f.Handle(), interval), handle: f.Handle(),
			knows: map[key.Handle]*contact.Contact{}, past: map[wire.CallID]bool{},
		}
		p.machine.TellBusy = m.tells
		w.people[i] = p
		for k, o := range w.people[:i] {
			var pair key.Secret
			copy(pair.Bytes(), []byte{byte(i), byte(k)})
			p.meet(o, prints[k], &pair)
			o.meet(p, f, &pair)
		}
	}
	return w
}

func (p *person) meet(o *person, f key.Fingerprint, pair *key.Secret) {
	c := contact.New(p.handle, "", f)
	c.Pair(pair, 7, true)
	p.knows[o.handle] = c
}

// walk goes a path and returns where it leads, or false if somebody's machine does not
// allow it.
func (m *Map) walk(path []Move) (situation, bool) {
	w := newWorld(m)
	for _, move := range path {
		if w.do(move) != nil {
			return situation{}, false
		}
	}
	at := situation{settled: path[len(path)-1].What <= WaitsLong}
	for i, p := range w.people {
		if at.states[i] = p.machine.State(); at.states[i] != call.Dialing && at.states[i] != call.Ringing {
			continue
		}
		for _, o := range w.people {
			at.done[i] = at.done[i] || o.past[p.machine.ID()]
		}
	}
	return at, true
}

func handleOf(f key.Fingerprint) []byte {
	h := f.Handle()
	return h[:]
}

// errNoMove is returned for what a person would not do.
var errNoMove = errors.New("nobody does that")

func (w *world) do(m Move) error {
	switch who := w.people[m.Who]; m.What {
	case Waits:
		w.wait(While)
	case WaitsLong:
		w.wait(LongWhile)
	case Calls:
		callee := w.people[Bob]
		if m.Who == Bob {
			callee = w.people[Ann]
		}
		if m.Who == Carol && callee.machine.State() == call.Idle {
			return errNoMove // That were another call of two.
		}
		if err := who.machine.Dial(w.slot, who.knows[callee.handle], false); err != nil {
			return err
		}
	case Answers:
		if err := who.machine.Accept(w.slot); err != nil {
			return err
		}
	case Declines:
		if err := who.machine.Reject(w.slot); err != nil {
			return err
		}
	case HangsUp:
		if who.machine.State() == call.Ringing {
			return errNoMove // It is to decline.
		}
		if err := who.machine.Hangup(w.slot); err != nil {
			return err
		}
	default:
		return errNoMove
	}
	w.look()
	return nil
}

func (w *world) wait(seconds int) {
	for range seconds * second {
		w.step()
	}
}

// step lets one slot pass.
func (w *world) step() {
	w.slot++
	for _, p := range w.people {
		if p.machine.Due() {
			p.machine.Step(w.slot)
		}
		w.say(p)
	}
	way := w.way
	w.way = nil
	for i := range way {
		if way[i].at > w.slot {
			w.way = append(w.way, way[i])
		} else {
			w.deliver(&way[i])
		}
	}
	w.look()
}

// say puts what a person has to say in this slot on its way.
func (w *world) say(p *person) {
	it := p.machine.Next(w.slot)
	if it.To == nil {
		return
	}
	for _, to := range w.people {
		if to.handle != it.To.Handle() {
			continue
		}
		c := parcel{from: p, to: to, at: w.slot + delay, item: it}
		c.seal(w.slot)
		w.way = append(w.way, c)
	}
}

// seal closes the voice of a cell.
func (c *parcel) seal(n cell.Slot) {
	if c.item.Kind == cell.Stream {
		plain := [cell.StreamSize]byte{c.item.Head}
		c.from.machine.SealStream(n, &plain, &c.body)
	}
}

func (w *world) deliver(c *parcel) {
	if c.item.Kind == cell.Stream {
		var plain [cell.StreamSize]byte
		c.to.machine.OpenStream(w.slot, &c.body, &plain) // What is of no call is nothing.
		return
	}
	c.to.machine.Letter(w.slot, c.to.knows[c.from.handle], c.item.Letter)
}

// look notes where everybody is.
func (w *world) look() {
	for _, p := range w.people {
		state := p.machine.State()
		w.of.States[state] = true
		// Whoever leaves a call, or takes another, is done with it.
		if id := p.machine.ID(); state == call.Idle || state == call.Leaving || id != p.now {
			p.past[p.now] = true
			p.now = id
		}
		for _, e := range p.machine.Events() {
			if e.Kind == call.Ended {
				w.of.Outcomes[e.Outcome] = true
			}
		}
	}
}
