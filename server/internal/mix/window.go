package mix

import (
	"fmt"
	"time"

	"undertone/transport/cell"
)

// What a user costs, rounded up from measurements (the benchmarks of this
// package and of tmix; the transport as in section 5 of the design).
const (
	// lineCost is what the transport takes to move one cell in and one out.
	// The window spreads it, so that cells do not wait for each other.
	lineCost = 100 * time.Microsecond
	// passCost is what the pass takes for one user, in a large set.
	passCost = 3 * time.Microsecond
	// slack is what the pass may be late by, whatever its size.
	slack = time.Millisecond

	// minWindow is the window of the smallest sets.
	minWindow = 5 * time.Millisecond
)

// A timing is how a slot is laid out for sets of up to so many users:
//
//	T            T+W       T+W+P            T+2W+P
//	|-- cut-offs --|-- pass --|---- sends ----|
//
// A user's offset is the same in both ranges of length W. The next pass begins
// an interval after this one, so that W+P must not exceed the interval.
type timing struct {
	users  int
	window time.Duration // W: max(5 ms, users × lineCost), at most half an interval
	work   time.Duration // P: 1 ms + users × passCost
}

// timings returns all timings that an interval has room for, for sets that
// double in size. There are few, so that the timing, which everybody can see,
// changes only when the set doubles and not whenever somebody joins.
func timings(i cell.Interval) (all []timing) {
	for users := int(minWindow / lineCost); ; users *= 2 {
		t := timing{
			users:  users,
			window: min(time.Duration(users)*lineCost, i.Duration()/2),
			work:   slack + time.Duration(users)*passCost,
		}
		if t.window+t.work > i.Duration() {
			return all
		}
		all = append(all, t)
	}
}

// MaxSeats returns the size of the largest set that an interval has room for:
// 1,600 at 20 ms, 3,200 at 40 ms and 12,800 at 100 ms.
func MaxSeats(i cell.Interval) int {
	all := timings(i)
	return all[len(all)-1].users
}

// timingFor returns the timing for a number of users, of which one has the given
// offset and none a larger one. now is the timing so far: it is kept until the
// set is a quarter smaller than it must be for the next smaller one.
func timingFor(all []timing, now timing, users int, offset time.Duration) timing {
	for _, t := range all {
		fits := users <= t.users && offset < t.window
		if t.users < now.users {
			fits = fits && users <= t.users*3/4
		}
		if fits {
			return t
		}
	}
	return all[len(all)-1]
}

// Config says what an Engine runs.
type Config struct {
	// Interval is the length of a slot.
	Interval cell.Interval
	// Seats is how many users may be online at once.
	Seats int
	// Offset draws a random duration below its argument: a user's place in the
	// window. Nil draws it from crypto/rand.
	Offset func(below time.Duration) time.Duration
}

// populate fills in the defaults and checks the rest.
func (c *Config) populate() error {
	if len(timings(c.Interval)) == 0 {
		return fmt.Errorf("mix: no room in an interval of %v", c.Interval)
	}
	if most := MaxSeats(c.Interval); c.Seats < 1 || c.Seats > most {
		return fmt.Errorf("mix: %d seats are not between 1 and %d, which is what an interval of %v has room for", c.Seats, most, c.Interval)
	}
	if c.Offset == nil {
		c.Offset = randomOffset
	}
	return nil
}
