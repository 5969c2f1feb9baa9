package lease

import (
	"slices"

	"undertone/transport/cell"
)

// settle takes in the result of the last token, and what became of the leases.
func (p *Policy) settle(v *View, mine []Lease) {
	until := cell.Slot(0)
	for _, l := range mine {
		until = max(until, l.End)
	}
	if until < p.until && p.until > v.Slot && !v.Opening {
		p.urgent = true // It ended before its time: replaced at once, call or not.
	}
	p.until = until
	if p.asked.slot != 0 && v.Known >= p.asked.slot {
		p.result(v, mine)
	}
}

func (p *Policy) result(v *View, mine []Lease) {
	a := p.asked
	p.asked = asked{}
	for _, l := range mine {
		if l.Begin != a.slot {
			continue
		}
		p.fresh, p.urgent = false, false
		if a.why != renewal {
			p.joined = joined{p.cal.Frame(a.slot), a.why, p.chance(lingering(v.Channels-2)) == 1}
		}
		return
	}
	p.urgent = p.urgent || a.why == renewal
}

// keep keeps how many channels the member will have after the frame, for when
// all leases lapse.
func (p *Policy) keep(v *View, mine []Lease) {
	n, ending := p.lasting(v, mine)
	p.seats = n
	for _, l := range mine {
		if l.End > p.cal.Over(v.Slot) && l.Begin >= p.cal.Start(p.plan.frame) {
			return // The renewal is one of them.
		}
	}
	if ending && !p.plan.yielded {
		p.seats++
	}
}

// room returns how many channels more can be had in the frame, besides the one
// for a renewal of which it is not known whether there is one.
func (p *Policy) room(v *View) int {
	n := v.Channels - 1 - p.cal.Longer(v.Slot, v.Ends)
	if !p.times.known(v, p.cal) && slices.Contains(v.Ends, p.cal.Over(v.Slot)) {
		n--
	}
	return n
}

// lasting returns how many leases last longer than the frame, and whether one
// does not.
func (p *Policy) lasting(v *View, mine []Lease) (n int, ending bool) {
	over := p.cal.Over(v.Slot)
	for _, l := range mine {
		if l.End > over {
			n++
		} else {
			ending = true
		}
	}
	return n, ending
}

// everybody tells that there are channels for all members, so that all always
// have one.
func everybody(v *View) bool { return v.Members <= v.Channels-1 }

// renews decides in the early part of a frame whether a lease that ends with it
// is to be followed by another.
func (p *Policy) renews(v *View, wants bool, mine []Lease) int {
	others, ending := p.lasting(v, mine)
	if !ending {
		return 0
	}
	if everybody(v) {
		return count(others == 0)
	}
	p.plan.yielded = p.public.full && (others > 0 || !wants) && p.yields(v, wants)
	return count(!p.plan.yielded)
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// yields decides whether the member gives way when it is full, with a channel
// that he does not need. What all do together is the same with calls and without
// (giving): without, all seats have the hazard; in calls, those who imitated a
// need give way themselves.
func (p *Policy) yields(v *View, wants bool) bool {
	f, seats := p.plan.frame, v.Channels-2
	j, hole := int(f-p.public.joined), int(p.public.hole)
	h := hazard(j, hole, seats)
	if p.joined.frame != p.public.joined {
		return p.chance(h) == 1
	}
	switch {
	case p.joined.why == visit && j == hole:
		return !p.joined.linger
	case p.joined.why == move && wants && j == hole:
		return false
	case p.joined.why == move && wants:
		return !p.joined.linger || j > seats+1
	case p.joined.why == move && j == hole:
		x := visiting(hole)
		return p.chance((h-x*(1-lingering(seats)))/(1-x)) == 1
	}
	return p.chance(h) == 1
}

// joins decides in the late part of a frame whether to take one channel more.
func (p *Policy) joins(v *View, wants bool, mine []Lease) (reason, int) {
	room := p.room(v)
	idle := float64(max(v.Members-v.Channels+1+room, 1))
	switch {
	case room <= 0:
		return 0, 0
	case p.seats == 0 && (wants || everybody(v)):
		return need, 1
	case everybody(v):
		return 0, 0
	case p.seats == 0 && p.fresh && v.Slot < p.came+arrival*p.times.frame:
		return visit, 1
	case p.seats == 0 && room > 1:
		return visit, p.chance(float64(room-1) / idle)
	case p.seats == 0:
		return visit, p.chance(attempts * visiting(int(p.public.hole)) / idle)
	case room == 1:
		return move, p.moves(v, mine)
	}
	return 0, 0
}

// moves decides whether one who has a channel imitates a need: for each of his
// channels, so that all together do so alike whoever has how many.
func (p *Policy) moves(v *View, mine []Lease) int {
	n, hole := 0, int(p.public.hole)
	for _, l := range mine {
		if l.End > p.cal.Over(v.Slot) {
			j := p.cal.Frame(l.End-1) - p.plan.frame
			n += p.chance(attempts * (1 - visiting(hole)) * part(int(j), hole, v.Channels-2))
		}
	}
	return min(n, 2)
}

// replaces decides whether a channel that was lost is replaced now.
func (p *Policy) replaces(v *View, wants bool, mine []Lease) bool {
	others, ending := p.lasting(v, mine)
	room := p.room(v)
	if ending { // Then it is his own renewal that others leave room for.
		room = v.Channels - 1 - p.cal.Longer(v.Slot, v.Ends)
	}
	p.urgent = others == 0 && (room > 0 || wants)
	return p.urgent && room > 0
}

// open decides in the opening after all leases have lapsed. Who had a channel
// comes back at once, though some of those who do not need theirs stay away, so
// that the number of who come back does not tell whether one is missing.
func (p *Policy) open(v *View, wants bool) (reason, int) {
	idle := float64(max(v.Members-v.Channels+2, 1))
	switch {
	case p.opened == 1 && (wants || everybody(v)):
		return renewal, 1
	case p.opened == 1 && p.seats > 0:
		return renewal, p.chance(comeback)
	case p.opened == 2 || p.opened == 3:
		return visit, count(p.seats == 0) * p.chance(fillers/2/idle)
	}
	return 0, 0
}
