package smix

import (
	"bytes"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/superpose"
)

// An epoch is one that the half has taken in.
type epoch struct {
	superpose.Epoch
	name seal.Epoch
	pads *seal.Pads // nil if the user is outside
	// users are the members but for the user himself, as they were when the epoch
	// was taken in: it has their pads, whoever has gone since.
	users map[key.Handle]struct{}
	known int // how many of them the user knows
}

// epochs are the last few, oldest first. Counters and starts rise.
//
//	             Entry                      news or list
//	outside ----------------> inside ----------------------> inside the next, from its start
//	   ^                         |
//	   +-- news without us ------+
type epochs struct {
	list  [kept]epoch
	draft superpose.Epoch // for what comes in
}

// kept is how many epochs are remembered: the one that is, and those announced.
const kept = 4

// newest returns the epoch that was taken in last; its counter is zero if there
// was none.
func (x *epochs) newest() *epoch { return &x.list[kept-1] }

// of returns the epoch that slot n is in, nil if it is not known.
func (x *epochs) of(n cell.Slot) *epoch {
	for i := kept - 1; i >= 0; i-- {
		if e := &x.list[i]; e.Counter != 0 && e.Start <= n {
			return e
		}
	}
	return nil
}

// at returns the epoch that slot n is in if the user is in it too, nil otherwise.
func (x *epochs) at(n cell.Slot) *epoch {
	if e := x.of(n); e != nil && e.pads != nil {
		return e
	}
	return nil
}

// hear takes in news, or a list, of an epoch.
func (h *Half) hear(n cell.Slot, head *superpose.Head, in []byte) {
	if head.Flags&superpose.Listed != 0 {
		h.follow(superpose.Body(in))
	}
	if head.Flags&superpose.Told == 0 {
		return
	}
	news, ok := superpose.ParseNews(superpose.DownChunk(in))
	base := h.epochs.newest()
	if !ok || news.Counter <= base.Counter || base.pads == nil {
		return
	}
	d := &h.epochs.draft
	if news.Apply(d, base.Members, n) {
		h.accept(d, news.Check)
	}
}

// follow takes in an epoch that was told as a list.
func (h *Half) follow(list []byte) {
	d := &h.epochs.draft
	if check, ok := d.ParseList(list); ok {
		h.accept(d, check)
	}
}

// accept makes d the newest epoch, if its counter and start rise, it is of about
// now, and all members are known by the connections that its name has.
func (h *Half) accept(d *superpose.Epoch, check [8]byte) {
	last := h.epochs.newest()
	far := 4 * h.times.second
	if d.Counter <= last.Counter || d.Start <= last.Start || d.Start > h.high+far || d.Start+far < h.high || h.high == 0 {
		return
	}
	if !d.Has(h.roster.me) {
		h.outside(d)
		return
	}
	name, ok := d.Name(h.cfg.Channels, h.connOf)
	if !ok || !bytes.Equal(name[:len(check)], check[:]) {
		return
	}
	pads, users := seal.NewPads(h.messages), make(map[key.Handle]struct{})
	for _, n := range d.Members {
		if p := h.roster.peers[n]; p != nil {
			pads.Add(&p.pair, name)
			if p.handle != h.self {
				users[p.handle] = struct{}{}
			}
		}
	}
	if pads.Len() == 0 {
		return // A share without pads would be the cell itself.
	}
	e := h.push(d)
	e.name, e.pads, e.users = name, pads, users
	h.judgeKnown(e)
	h.separate()
	h.enter(e)
}

// outside takes in an epoch without the user.
func (h *Half) outside(d *superpose.Epoch) {
	if last := h.epochs.newest(); last.pads == nil {
		return // He is outside already.
	}
	h.enter(h.push(d))
}

// push adds an epoch, and drops the oldest.
func (h *Half) push(d *superpose.Epoch) *epoch {
	x := &h.epochs
	members := append(x.list[0].Members[:0], d.Members...) //nolint:gocritic // the memory of the oldest is for the newest
	copy(x.list[:], x.list[1:])
	e := x.newest()
	*e = epoch{Epoch: *d}
	e.Members = members
	return e
}

// enter has batches made for the epoch. Pads are cheapest in rising order, so
// those that are needed at once are made here.
func (h *Half) enter(e *epoch) {
	if e.Lapse || e.pads == nil {
		h.leases.lapse(e.Start)
	}
	if e.pads != nil {
		top := min(h.horizon, h.said+cell.Slot(len(h.made)))
		for n := max(e.Start, h.said+1); n <= top; n++ {
			h.pads(e, n)
		}
	}
	h.spoil(e.Start)
}

// pads returns what was made for slot n, with the pads of its epoch.
func (h *Half) pads(e *epoch, n cell.Slot) *made {
	m := h.of(n)
	if m.counter != e.Counter {
		clear(m.pads)
		e.pads.XOR(m.pads, n)
		m.counter = e.Counter
	}
	return m
}

// of returns what was made for slot n.
func (h *Half) of(n cell.Slot) *made {
	m := &h.made[n&cell.Slot(len(h.made)-1)]
	if m.slot != n {
		m.slot, m.counter, m.channel = n, 0, -1
	}
	return m
}
