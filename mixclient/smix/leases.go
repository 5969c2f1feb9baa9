package smix

import (
	"crypto/subtle"
	"encoding/binary"
	"slices"

	"undertone/mixclient/smix/lease"
	"undertone/transport/cell"
	"undertone/transport/seal"
	"undertone/transport/superpose"
	"undertone/transport/superpose/calendar"
)

// An own lease is one that a token of ours has won.
//
//	token placed --map has its name--> won --all batches made with it--> begun --> over
//	                                    |                                  |
//	                                    +-- not begun in 1.5 s             +-- lapse
//
// Once won, it does not depend on what the server tells, but for a lapse, which is
// an epoch for all. If it ended because the map says so, or because another cell
// came out of the channel, a server could tell one member so and look whether the
// channel falls silent: it would know whose it is.
type own struct {
	channel  int
	name     superpose.Name
	made     cell.Slot // the slot that the token was made for
	won      cell.Slot // the slot whose map had it first
	asked    cell.Slot // the slot that the token was sent in
	least    cell.Slot // it does not begin before
	from     cell.Slot // every batch from here to the end, or to the newest, is full
	end      cell.Slot
	verified bool // our cell came back once
}

// fills reports whether the batch of slot n, which is being made, gets a cell for
// the lease, and lets the lease grow downwards by one slot (see Up).
func (l *own) fills(n cell.Slot) bool {
	if !l.may(n) {
		return false
	}
	l.from = min(l.from, n)
	return true
}

// may reports what fills will.
func (l *own) may(n cell.Slot) bool {
	return l.end != 0 && n < l.end && n >= l.least && n+1 >= l.from
}

// A pending token is one whose answer is not known.
type pending struct {
	token   superpose.Token
	name    superpose.Name
	made    cell.Slot                           // for which slot
	counter uint32                              // of the epoch; 0: there is no token here
	places  [superpose.OpeningSlots][copies]int // by slot of the opening; elsewhere the first of the first
	slot    cell.Slot                           // where it was put
}

// copies is in how many places a token is put in each slot of an opening: it wins
// if one of them is nobody else's. With 7 others and 3 copies that fails in one slot
// of 300, and the next has other places.
const copies = 3

// A channel is what is known of a channel.
type channel struct {
	name superpose.Name
	end  cell.Slot // of the lease, 0 if it is not known
	at   cell.Slot // of the map that this is from
}

// Bounds.
const (
	maxOwn     = 4
	maxPending = 8
)

// leases are the channels, ours and others'.
type leases struct {
	mine     [maxOwn]own // end 0: free
	pending  [maxPending]pending
	channels []channel
	garbage  []*seal.Veil
	zeros    [cell.Size - seal.VeilTagSize]byte
	ticked   cell.Slot
	safe     bool      // the epoch of that slot is
	lapsed   cell.Slot // what maps say of slots before does not hold any more
	view     []lease.Lease
	ends     []cell.Slot
	calendar calendar.Calendar
	lost     cell.Slot // the newest slot of which nothing is known
}

func (x *leases) init(i cell.Interval, channels int) {
	x.calendar = calendar.New(i, channels)
	x.channels = make([]channel, channels)
	for range channels {
		x.garbage = append(x.garbage, seal.NewGarbageVeil())
	}
	x.view, x.ends = make([]lease.Lease, 0, maxOwn), make([]cell.Slot, 0, channels)
}

// lapse ends all leases before slot n.
func (x *leases) lapse(n cell.Slot) {
	x.lapsed = n
	for i := range x.mine {
		if l := &x.mine[i]; l.end > n {
			l.end = n
			l.from = min(l.from, n)
		}
	}
}

// begun reports whether something can be said in slot n.
func (x *leases) begun(n cell.Slot) bool {
	for i := range x.mine {
		if l := &x.mine[i]; l.end > n && n >= l.from {
			return true
		}
	}
	return false
}

// voice returns the lease that speaks in slot n: the newest that may.
func (x *leases) voice(n cell.Slot) (l *own) {
	for i := range x.mine {
		o := &x.mine[i]
		if o.may(n) && (l == nil || o.won > l.won || o.won == l.won && o.channel < l.channel) {
			l = o
		}
	}
	return l
}

func (x *leases) occupied() (n int) {
	for i := range x.channels {
		if x.channels[i].name != (superpose.Name{}) {
			n++
		}
	}
	return n
}

// reserve asks the policy, once for each slot, and makes the tokens. Slots that
// were left out, because everything stood still, are made up for without.
func (h *Half) reserve(e *epoch, n cell.Slot) {
	x := &h.leases
	if n <= x.ticked || n > h.high+h.times.near || h.leave != 0 {
		return
	}
	if x.ticked+h.times.near < n || h.epochs.at(x.ticked+1) == nil {
		x.ticked = n - 1
	}
	if safe := h.safe(e); x.safe != safe {
		x.safe, x.ticked = safe, n-1
		h.policy = lease.New(h.cfg.Interval, h.random)
	}
	for x.ticked < n {
		x.ticked++
		tokens := h.policy.Slot(h.look(e, x.ticked), h.wants && x.safe, x.view)
		for range min(tokens, maxPending) {
			if x.ticked == n {
				h.token(e, n)
			}
		}
	}
}

// look returns what is known when slot n is made, and puts the leases of ours into
// view.
func (h *Half) look(e *epoch, n cell.Slot) lease.View {
	x := &h.leases
	v := lease.View{
		Slot: n, Known: h.high, Lost: min(x.lost, h.high), Channels: h.cfg.Channels, Members: len(e.Members), Opening: e.Opening(n),
	}
	x.view, x.ends = x.view[:0], x.ends[:0]
	for i := range x.mine {
		if l := &x.mine[i]; l.end > n {
			x.view = append(x.view, lease.Lease{Begin: l.asked, End: l.end})
		}
	}
	for i := range x.channels {
		end := x.channels[i].end
		if x.channels[i].name == (superpose.Name{}) || h.high < x.lapsed {
			end = 0
		}
		x.ends = append(x.ends, end)
	}
	v.Ends = x.ends
	return v
}

// token makes a token for slot n, in random places.
func (h *Half) token(e *epoch, n cell.Slot) {
	var nonce [4]byte
	binary.BigEndian.PutUint32(nonce[:], h.random.Uint32())
	p := h.leases.spare()
	if p == nil {
		return
	}
	t := e.TokenSlot(n)
	*p = pending{token: superpose.NewToken(&e.name, t, nonce), made: t, slot: n, counter: e.Counter}
	p.name = p.token.Name(&e.name, t)
	places := h.messages * superpose.Reservations
	if e.Opening(n) {
		places = h.messages * superpose.OpenReservations
	}
	for i := range p.places {
		for j := range p.places[i] {
			p.places[i][j] = h.random.IntN(places)
		}
	}
}

// spare returns a free place for a token, nil if there is none.
func (x *leases) spare() *pending {
	for i := range x.pending {
		if x.pending[i].counter == 0 {
			return &x.pending[i]
		}
	}
	return nil
}

// place puts the tokens of slot n into its share. Those of an opening are put into
// every slot of it, from the one on in which they were made.
func (h *Half) place(first []byte, e *epoch, n cell.Slot) {
	open := e.Opening(n)
	for i := range h.leases.pending {
		p := &h.leases.pending[i]
		switch {
		case p.counter != e.Counter:
		case open && p.made == e.Start && n >= p.slot:
			places := &p.places[n-e.Start]
			for i, at := range places {
				if !slices.Contains(places[:i], at) { // The same place twice would cancel.
					h.put(first, at/superpose.OpenReservations, 0, at%superpose.OpenReservations, &p.token)
				}
			}
		case !open && p.slot == n:
			at := p.places[0][0]
			h.put(first, at/superpose.Reservations, superpose.Cells*cell.Size, at%superpose.Reservations, &p.token)
		}
	}
}

// put adds a token at place i of the reservations of message k, which begin at
// offset base of its body.
func (h *Half) put(first []byte, k, base, i int, t *superpose.Token) {
	body := superpose.Body(first[k*superpose.Size : (k+1)*superpose.Size])
	dst := body[base+i*superpose.TokenSize:][:superpose.TokenSize]
	subtle.XORBytes(dst, dst, t[:])
}

// readMap takes in who holds the channels of message k of slot n.
func (h *Half) readMap(n cell.Slot, k int, head *superpose.Head, e *epoch, in []byte) {
	x := &h.leases
	if n < x.lapsed && e.Start < x.lapsed {
		return // It lapses, or has lapsed.
	}
	names := superpose.Map(in)
	if head.Flags&superpose.Complete == 0 {
		x.lost = max(x.lost, n)
	}
	for i := range superpose.Cells {
		c := k*superpose.Cells + i
		if c >= len(x.channels) || n < x.channels[c].at {
			return
		}
		ch := &x.channels[c]
		if name := superpose.Name(names[i*superpose.NameSize:]); ch.name != name {
			ch.name, ch.end = name, x.calendar.End(c, e.TokenSlot(n))
		}
		ch.at = n
		h.won(n, c, ch.name, e)
	}
}

// won takes in that a name holds channel c in slot n: it may be ours.
func (h *Half) won(n cell.Slot, c int, name superpose.Name, e *epoch) {
	x := &h.leases
	if name == (superpose.Name{}) {
		return
	}
	for i := range x.pending {
		if p := &x.pending[i]; p.counter == e.Counter && p.name == name && n >= p.made {
			h.take(n, c, p, e)
			*p = pending{}
		}
	}
}

// take begins to hold channel c, unless it is held already: two cells of ours in
// one channel would cancel each other, and show whose it is.
func (h *Half) take(n cell.Slot, c int, p *pending, e *epoch) {
	for i := range h.leases.mine {
		if l := &h.leases.mine[i]; l.end != 0 && l.channel == c {
			return
		}
	}
	for i := range h.leases.mine {
		l := &h.leases.mine[i]
		if l.end != 0 {
			continue
		}
		end := h.leases.calendar.End(c, p.made)
		h.leases.channels[c].end = end
		end = h.bound(e, end)
		*l = own{channel: c, name: p.name, made: p.made, won: n, asked: p.slot, end: end, from: min(h.horizon+1, end)}
		l.least = max(h.said+1, n+1)
		if e.Lapse {
			l.least = max(l.least, e.Start+superpose.OpeningSlots)
		}
		h.spoil(l.least)
		return
	}
}

// giveUp drops a lease, and takes it out of the batches that have it.
func (h *Half) giveUp(l *own) {
	if l.end > h.said+1 {
		h.spoil(h.said + 1)
	}
	*l = own{}
}

// expire drops what is over: tokens without an answer, and leases that were not
// begun in time. What was sent tells the time, not what came: the server chooses
// the slots of that.
func (h *Half) expire() {
	for i := range h.leases.pending {
		if p := &h.leases.pending[i]; p.counter != 0 && h.said > p.slot+h.times.token {
			*p = pending{}
		}
	}
	for i := range h.leases.mine {
		l := &h.leases.mine[i]
		if l.end == 0 {
			continue
		}
		late := h.said > l.asked+h.times.begin && l.from > h.said+1
		if h.said >= l.end || late {
			h.giveUp(l)
		}
	}
}

// check compares what came out of a channel that we hold with what we put in.
func (h *Half) check(n cell.Slot, k int, body []byte) {
	for i := range h.leases.mine {
		l := &h.leases.mine[i]
		if l.channel/superpose.Cells != k || l.end <= n || n < l.from || n < l.least {
			continue
		}
		got := superpose.Channel(body, l.channel%superpose.Cells)
		switch {
		case h.ours(n, l, got):
			l.verified = true
		case !l.verified && zero(got):
			// The batch that was to be the first came too late.
		default:
			h.judge.disturbed(h, n)
		}
	}
}

// ours reports whether a cell of slot n is one that we made for the lease.
func (h *Half) ours(n cell.Slot, l *own, got []byte) bool {
	c := &h.cells[l.channel]
	h.leases.garbage[l.channel].Cloak(c[:], n, h.leases.zeros[:])
	if [cell.Size]byte(got) == *c {
		return true
	}
	m := &h.made[n&cell.Slot(len(h.made)-1)]
	return m.slot == n && m.channel == l.channel && [cell.Size]byte(got) == m.said
}

func zero(b []byte) bool {
	var any uint64
	for ; len(b) >= 8; b = b[8:] {
		any |= binary.LittleEndian.Uint64(b)
	}
	return any == 0
}
