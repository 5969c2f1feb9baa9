package sound

import "time"

// lookTime is the time between two looks at how often a device ran dry.
const lookTime = time.Second

// dryMost is how often a device may run dry within a few looks. One stumble of the
// machine is no reason to make everybody wait longer for the rest of a call.
const dryMost = 3

// A dryness finds out whether a device runs dry all the time:
//
//	 0, 1 or 2 times, now and then
//	 ┌───┐
//	 │   ▼
//	[fine] ── dryMost times, of which a look ago count half,
//	 ▲   │    two looks ago a quarter, …
//	 └───┘    ▶ look says so, and counts anew
type dryness struct {
	last  uint64
	score uint64
}

// look is told how often it ran dry since the memory was made. It is asked in every
// lookTime, whatever is open.
func (d *dryness) look(late uint64) bool {
	d.score = d.score/2 + min(late-d.last, dryMost)
	d.last = late
	if d.score < dryMost {
		return false
	}
	d.score = 0
	return true
}
