package lease

import (
	"undertone/transport/cell"
	"undertone/transport/superpose/calendar"
)

// Specification of the public process. All members have to use the same.
const (
	// attempts is how many try to take one channel more, in the mean, in each
	// frame that has room, without any new call.
	attempts = 0.3
	// visits is the part of them that comes from members without a channel.
	visits = 0.05
	// linger is how often it takes a round of all channels longer.
	linger = 0.01
	// patience is how many frames may pass until a visit is over.
	patience = 8
	// arrival is for how many frames one who came into the epoch tries for a channel.
	arrival = 5
	// comeback is how likely it is that who does not need his channel reserves it
	// again in the opening after a lapse, and fillers how many others try in it.
	comeback = 0.67
	fillers  = 1.0
)

// gives is how likely it is, but for a factor, that the one who gives way does so
// so many frames after somebody joined. The sooner, the sooner there is room for
// a call; but were it always the first frame, then a call that finds few who can
// give way would be seen to wait.
var gives = [...]float64{1: 0.6, 2: 0.25, 3: 0.1, 4: 0.035, 5: 0.01, 6: 0.004, 7: 0.001}

// times are the places in a frame where tokens may stand, in slots.
type times struct {
	frame            cell.Slot
	early, lastEarly cell.Slot // renewals
	late, lastLate   cell.Slot // one channel more, after the renewal is known
}

// timesOf returns the times of an interval. A result takes about 160 ms and one
// slot, and it has to be known of the early ones when the late ones are placed,
// and of the late ones in the next frame.
func timesOf(i cell.Interval) times {
	t := times{frame: calendar.FrameSlots(i)}
	switch i {
	case cell.Interval20:
		t.early, t.lastEarly, t.late, t.lastLate = 0, 2, 10, 12
	case cell.Interval100:
		t.early, t.lastEarly, t.late, t.lastLate = 0, 0, 3, 3
	default:
		t.early, t.lastEarly, t.late, t.lastLate = 0, 1, 5, 6
	}
	return t
}

// Public is what everybody keeps in mind of the channels.
//
// There is room if fewer than C-1 leases will last longer than a frame, else it
// is full. Room is taken by somebody who needs a channel or imitates it; then
// somebody who does not need his gives way, and there is room again:
//
//	         somebody joins
//	room ───────────────────────▶ full
//	  ▲                            │
//	  └── a lease ends that ◀──────┘
//	      nobody renews
type public struct {
	frame  cell.Slot // the frame that the rest is about
	began  bool      // the start of the frame was looked at
	ended  bool      // and its late part
	full   bool
	joined cell.Slot // the frame in which it became full
	hole   cell.Slot // how many frames the next one who joins will have
}

// watch takes in the view of a slot.
func (p *public) watch(v *View, c calendar.Calendar, t *times) {
	f := c.Frame(v.Slot)
	if f != p.frame {
		p.frame, p.began, p.ended = f, false, false
	}
	if start := c.Start(f); !p.began && v.Slot >= start+t.early {
		p.began = true
		full := c.Longer(start-1, v.Ends) >= v.Channels-1
		if full && !p.full {
			p.joined = f - 1
		}
		p.full = full
	}
	if !p.ended && t.known(v, c) && c.Longer(v.Slot, v.Ends) < v.Channels-1 {
		p.ended, p.full, p.hole = true, false, 0
		for ch, e := range v.Ends {
			if e <= v.Slot {
				p.hole = max(p.hole, c.Frame(c.End(ch, v.Slot)-1)-f)
			}
		}
	}
}

// known tells whether it is known what became of the lease that ends with the
// frame of the view.
func (t *times) known(v *View, c calendar.Calendar) bool {
	start := c.Start(c.Frame(v.Slot))
	return v.Known >= start+t.lastEarly && (v.Lost == 0 || v.Lost < start)
}

// weight is the entry of gives.
func weight(j int) float64 {
	if j < 1 || j >= len(gives) {
		return 0
	}
	return gives[j]
}

// visiting is visits, if a visit is over soon enough to be worth while.
func visiting(hole int) float64 { return soon(visits, hole) }

// lingering is linger, likewise.
func lingering(seats int) float64 { return soon(linger, seats+1) }

func soon(x float64, frames int) float64 {
	if frames > patience {
		return 0
	}
	return x
}

// part is the probability that of those with a channel who try in a frame with
// room, it is the one whose present lease ends in j frames, given that the new one
// will end in hole.
func part(j, hole, seats int) float64 {
	last := seats // The seats end with the next frames, that of the hole aside.
	if hole >= 1 && hole <= seats {
		last++
	}
	sum := 0.0
	for i := 1; i <= last; i++ {
		if i != hole {
			sum += weight(i)
		}
	}
	if j == hole || j > last || sum == 0 {
		return 0
	}
	return weight(j) / sum
}

// giving is the probability that the one who gives way after somebody joined does
// so j frames later, in the process without calls.
func giving(j, hole, seats int) float64 {
	once := func(j int) float64 {
		if j == hole {
			return visiting(hole)
		}
		return (1 - visiting(hole)) * part(j, hole, seats)
	}
	l := lingering(seats)
	return (1-l)*once(j) + l*once(j-seats-1)
}

// hazard is the probability that somebody gives way j frames later, if nobody has
// done so before.
func hazard(j, hole, seats int) float64 {
	rest := 0.0
	for i := j; i <= 2*seats+3; i++ {
		rest += giving(i, hole, seats)
	}
	if rest < 0.0001 {
		return 1
	}
	return giving(j, hole, seats) / rest
}
