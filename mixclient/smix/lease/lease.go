// Package lease decides when a member of an sMIX reserves a channel. It is pure
// and sees only what everybody sees, the member's own leases, and whether the
// member has something to say. mixclient/smix is the only caller.
//
// There are fewer channels than members, so who needs one must get one, and
// nobody must see that somebody did. Members without a call therefore hold
// leases as well, and renew them as a call does; they give way when it is full.
package lease

import (
	"math/rand/v2"

	"undertone/transport/cell"
)

// A View is what everybody knows when the batch of a slot is made.
type View struct {
	// Slot is the slot that the batch is for.
	Slot cell.Slot
	// Channels is how many there are, and Occupied how many of them could not be
	// had by a token in the newest slot heard of: leased, or not seen empty yet.
	Channels, Occupied int
	// Members is how many there are in the epoch.
	Members int
	// Opening tells that the whole share of the slot is for reservations.
	Opening bool
	// Ends are the ends of all leases that run, in any order, as far as they are
	// known. It is only read during the call.
	Ends []cell.Slot
}

// A Lease is a channel for some slots: from Begin on, and silent from End on.
type Lease struct{ Begin, End cell.Slot }

// A Policy is when one member reserves. It is for one goroutine at a time, and
// allocates nothing.
type Policy struct {
	second  cell.Slot // slots in a second
	answer  cell.Slot // slots until the result of a token is known
	rand    *rand.Rand
	placed  cell.Slot // when the last token was placed; 0: never
	renewed cell.Slot // the end for which ahead was drawn
	ahead   cell.Slot // how long before that end the renewal is tried first
	held    bool      // a lease was held in the last slot
}

// New returns the policy of a member. The source of randomness has to be one
// that nobody can guess: rand.New(rand.NewChaCha8(seed)) with a secret seed.
func New(i cell.Interval, r *rand.Rand) *Policy {
	ms := i.Milliseconds()
	return &Policy{second: cell.Slot(1000 / ms), answer: cell.Slot(160/ms + 1), rand: r}
}

// Slot returns how many tokens the member places in the slot: none or one.
// Wants tells that the member has, or will have, something to say: from when he
// dials or is rung until the call is over. Mine are his leases that have not
// ended. It is called once for every slot, in order.
func (p *Policy) Slot(v View, wants bool, mine []Lease) int {
	var end cell.Slot
	for _, l := range mine {
		end = max(end, l.End)
	}
	held := p.held
	p.held = end > v.Slot
	if v.Opening && !p.held && (held || wants) && !p.waits(v) {
		return p.place(v)
	}
	if p.waits(v) || v.Occupied >= v.Channels {
		return 0
	}
	if !p.held {
		return p.fill(v, wants)
	}
	if end != p.renewed {
		p.renewed, p.ahead = end, p.second*6/10+cell.Slot(p.rand.Uint64N(uint64(p.second*8/10)))
	}
	if v.Slot+p.ahead >= end {
		return p.place(v)
	}
	return 0
}

// waits tells whether the result of the last token is still open.
func (p *Policy) waits(v View) bool {
	return p.placed != 0 && v.Slot < p.placed+p.answer && v.Slot >= p.placed
}

func (p *Policy) place(v View) int {
	p.placed = v.Slot
	return 1
}

// fill takes a channel for a member that holds none.
func (p *Policy) fill(v View, wants bool) int {
	switch {
	case wants:
		return p.place(v)
	case v.Members <= v.Channels-2:
	case v.Occupied >= v.Channels-2:
		return 0
	}
	if p.rand.Uint64N(uint64(max(v.Members, 1))*4) != 0 {
		return 0
	}
	return p.place(v)
}
