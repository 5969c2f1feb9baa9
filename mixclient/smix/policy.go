package smix

import (
	mathrand "math/rand/v2"

	"undertone/transport/cell"
	"undertone/transport/superpose"
)

// A view is what everybody knows when the batch of a slot is made.
type view struct {
	// Slot is the slot that the batch is for. Known is the newest slot whose
	// outcome is in the rest. Lost is the newest slot up to Known of which nothing
	// is known.
	Slot, Known, Lost cell.Slot
	Channels, Members int
	// Opening tells that the whole share of the slot is for reservations.
	Opening bool
	// Ends are the ends of the leases of all channels, 0 for a free one.
	Ends []cell.Slot
}

// A held lease is a channel that was reserved in the slot Begin, until End.
type held struct{ Begin, End cell.Slot }

// A policy decides when to reserve: a channel at a time, anew some time before the
// end of the last.
type policy struct {
	ahead, wait cell.Slot
	placed      cell.Slot
	opened      cell.Slot
	had         bool
	random      *mathrand.Rand
}

func newPolicy(i cell.Interval, r *mathrand.Rand) *policy {
	return &policy{ahead: superpose.Slots(i, 1000), wait: superpose.Slots(i, 400), random: r}
}

// Slot returns how many tokens to place in a slot: none or one.
func (p *policy) Slot(v view, wants bool, mine []held) int {
	last, had := cell.Slot(0), p.had
	for _, l := range mine {
		last = max(last, l.End)
	}
	p.had = last > v.Slot
	free := 0
	for _, e := range v.Ends {
		if e <= v.Slot {
			free++
		}
	}
	switch {
	case v.Opening && (had || wants) && !p.had && p.opened+8 < v.Slot:
		p.opened = v.Slot
	case v.Opening || p.placed != 0 && v.Slot < p.placed+p.wait:
		return 0
	case wants && last <= v.Slot+p.ahead && free > 0:
	case last == 0 && free > 3 && p.random.IntN(4*v.Members+1) == 0:
	default:
		return 0
	}
	p.placed = v.Slot
	return 1
}
