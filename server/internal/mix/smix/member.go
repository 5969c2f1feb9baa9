package smix

import (
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/superpose"
	"undertone/transport/trickle"
)

// times are the tuning constants, in slots.
type times struct {
	vanish   cell.Slot // missing for so many slots means gone
	lead     cell.Slot // an epoch is announced at least so long ahead
	most     cell.Slot // and at most
	quiet    cell.Slot // a first epoch waits until nobody joined for so long
	settle   cell.Slot // but not longer than that
	batch    cell.Slot // who is ready waits so long for others who are not
	patience cell.Slot // whoever takes longer to agree on keys is not waited for
	stuck    cell.Slot // who acks nothing for so long is left out
	late     cell.Slot // and who is so far behind with it
	begin    cell.Slot // a lease that was not begun for so long ends
	idle     cell.Slot // and one that has become empty
	retry    cell.Slot // who fell out twice comes back after that, then twice that, …
	anew     cell.Slot // a crowd of newcomers has a set assemble anew not more often
	forgive  cell.Slot // who fell out so long ago begins anew
}

func newTimes(i cell.Interval) times {
	at := func(ms int) cell.Slot { return superpose.Slots(i, ms) }
	return times{
		vanish: max(2, at(80)), lead: max(2, at(120)), most: at(600),
		quiet: at(1500), settle: at(8000), batch: at(1500), stuck: at(5000), late: at(10_000), patience: at(30_000),
		begin: at(2000), idle: at(1000), retry: at(1000), anew: at(60_000), forgive: at(600_000),
	}
}

// A stage is how far a pair of members has come, as the newcomer's books have it.
type stage byte

const (
	unknown   stage = iota // the newcomer was not told of the elder
	asked                  // he was
	forwarded              // his cipher text is on its way to the elder
)

// A link is what there is between a newcomer and an elder.
type link struct {
	stage stage
	mark  uint64 // the elder has the cipher text when he acked so much
}

// A member is somebody who is online.
type member struct {
	handle key.Handle
	seat   int
	number superpose.Number
	order  uint64 // who was introduced first has the smaller one
	keys   *superpose.Record
	elder  []byte // the item that introduces him to who comes later
	links  []link // with elders, by seat

	up   trickle.Receiver
	down trickle.Sender
	pace pace

	joined   cell.Slot // when he was introduced
	inside   bool      // he is in the newest epoch
	answered cell.Slot // when he last acked something, or had nothing to ack
	present  int       // slots in a row in which something came from him
	missed   cell.Slot // slots in a row without a share of the epoch
	debt     int       // grows with each such slot, and shrinks with each other
	seen     lag
	leaving  bool
	dead     bool // what he sent is no stream, or he lets his own grow
	fallen   bool // he was struck since he came, or was inside
	record
}

// backlog is how many grains may wait for a member.
const backlog = 1 << 16

func newMember(x *entrant, seat int, number superpose.Number, seats int) *member {
	return &member{
		handle: x.handle, seat: seat, number: number, keys: x.keys,
		elder: superpose.FrameItem(superpose.Elder, number, x.full),
		links: make([]link, seats),
	}
}

// queue appends to what the member is told.
func (m *member) queue(item []byte) {
	if m.down.End()-m.down.Acked() > backlog {
		m.dead = true
	}
	if !m.dead {
		m.down.Queue(item)
	}
}

// debtOf is what a missing share adds to a member's debt, and most what he may
// have: who lets one slot in nine be void, however spread, has to go.
const (
	debtOf = 8
	most   = 12 * debtOf
)

// miss takes in that a member's share is missing, and met that it is there.
func (m *member) miss() {
	m.missed++
	m.debt += debtOf
}

func (m *member) met() {
	m.missed = 0
	m.debt = max(m.debt-1, 0)
}

// excuse takes in a slot that a member may not have known better in. It is a debt
// all the same: he would otherwise be excused for ever where epochs change often.
func (m *member) excuse() { m.debt++ }

// A lag is how many slots lie between what a member has heard and what he says:
// the least of the last slots, since uploads made in advance have heard little.
type lag struct {
	now, last cell.Slot
	count     int
}

// lagWindow is over how many uploads the least is taken.
const lagWindow = 32

func (l *lag) note(d cell.Slot) {
	if l.count%lagWindow == 0 {
		l.last, l.now = l.now, d
	}
	l.now = min(l.now, d)
	l.count++
}

// least returns the lag, or what is given if it is not known.
func (l *lag) least(unknown cell.Slot) cell.Slot {
	switch {
	case l.count == 0:
		return unknown
	case l.count <= lagWindow:
		return l.now
	}
	return min(l.now, l.last)
}
