package lease

import (
	"math/rand/v2"

	"undertone/transport/cell"
	"undertone/transport/superpose/calendar"
)

// A View is what everybody knows when the batch of a slot is made.
type View struct {
	// Slot is the slot that the batch is for. Known is the newest slot whose
	// outcome is in the rest of the view. Lost is the newest slot up to Known of
	// which nothing is known, because it was not complete or did not come.
	Slot, Known, Lost cell.Slot
	// Channels is how many there are, and Members how many are in the epoch.
	Channels, Members int
	// Opening tells that the whole share of the slot is for reservations.
	Opening bool
	// Ends are the ends of the leases of all channels, 0 for a free one. It is
	// only read during the call.
	Ends []cell.Slot
}

// A Lease is a channel that was reserved in the slot Begin, until the slot End,
// which is not in it any more.
type Lease struct{ Begin, End cell.Slot }

// A Policy is when one member reserves. It is for one goroutine at a time, and
// allocates nothing.
type Policy struct {
	interval cell.Interval
	times    times
	rand     *rand.Rand
	last     cell.Slot // the slot of the last call; 0: none
	cal      calendar.Calendar

	public public
	plan   plan
	asked  asked
	joined joined

	seats  int       // channels that he will have after the frame
	until  cell.Slot // the last end of his leases
	came   cell.Slot // when he came into the epoch
	fresh  bool      // he has had no channel since
	urgent bool      // a channel was lost against his will
	opened int       // slots of the opening until now
}

// A plan is when a member does something in a frame, if he does.
type plan struct {
	frame       cell.Slot
	early, late cell.Slot
	renewed     bool // the renewal was decided
	yielded     bool // and was that there is none
	tried       bool // whether to take a channel more was decided
}

// A reason is what a token was placed for.
type reason uint8

const (
	renewal reason = iota // a lease ends with the frame
	need                  // he has something to say, or replaces what he lost
	visit                 // he has no channel, and imitates a need
	move                  // he has a channel, and imitates a need
)

// An asked is the token of which the result is not known yet.
type asked struct {
	slot cell.Slot // 0: there is none
	why  reason
}

// A joined is the last time that the member took one channel more.
type joined struct {
	frame  cell.Slot
	why    reason
	linger bool // he does not give way in the first round
}

// New returns the policy of a member, in a set with the given interval. The
// randomness has to be such that nobody can guess it: rand.New(rand.NewChaCha8(seed))
// with a secret seed.
func New(i cell.Interval, r *rand.Rand) *Policy {
	return &Policy{interval: i, times: timesOf(i), rand: r}
}

// Slot returns how many tokens the member places in the slot: none or one.
// Wants tells that he has, or will have, something to say: from when he dials or
// is rung until the call is over. Mine are his leases that have not ended, as of
// View.Known. It is called once for every slot that he is in the epoch, in order;
// slots left out mean that he was not.
func (p *Policy) Slot(v View, wants bool, mine []Lease) int {
	if p.last == 0 || v.Slot != p.last+1 {
		*p = Policy{interval: p.interval, times: p.times, rand: p.rand, came: v.Slot, fresh: true}
	}
	p.last, p.cal = v.Slot, calendar.New(p.interval, v.Channels)
	if f := p.cal.Frame(v.Slot); f != p.plan.frame {
		p.plan = p.newPlan(f)
	}
	p.public.watch(&v, p.cal, &p.times)
	p.settle(&v, mine)
	if v.Opening {
		p.opened++
		if p.opened == 1 {
			p.asked = asked{} // It lapsed with all leases.
		}
	} else {
		p.opened = 0
		p.keep(&v, mine)
	}
	if p.asked.slot != 0 {
		return 0
	}
	why, tokens := p.decide(&v, wants, mine)
	if tokens > 0 {
		p.asked = asked{slot: v.Slot, why: why}
	}
	return tokens
}

// decide tells how many tokens to place, and what for.
func (p *Policy) decide(v *View, wants bool, mine []Lease) (reason, int) {
	place := v.Slot - p.cal.Start(p.plan.frame)
	switch {
	case v.Opening:
		return p.open(v, wants)
	case p.urgent && p.replaces(v, wants, mine):
		return renewal, 1
	case v.Slot >= p.plan.early && place < p.times.late && !p.plan.renewed:
		p.plan.renewed = true
		return renewal, p.renews(v, wants, mine)
	case p.plan.tried || v.Slot < p.plan.late || place > p.times.lastLate:
	case p.times.known(v, p.cal) || wants && p.seats == 0 && place == p.times.lastLate:
		p.plan.tried = true
		return p.joins(v, wants, mine)
	}
	return 0, 0
}

// newPlan draws the times of a frame.
func (p *Policy) newPlan(f cell.Slot) plan {
	t, start := &p.times, p.cal.Start(f)
	return plan{frame: f, early: start + p.between(t.early, t.lastEarly), late: start + p.between(t.late, t.lastLate)}
}

func (p *Policy) between(a, b cell.Slot) cell.Slot {
	return a + cell.Slot(p.rand.Uint64N(uint64(b-a+1)))
}

// chance is 1 with the probability x, else 0.
func (p *Policy) chance(x float64) int { return count(p.rand.Float64() < x) }
