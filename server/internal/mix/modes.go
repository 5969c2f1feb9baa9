package mix

import (
	"fmt"
	"math"
	"time"

	"undertone/server/internal/mix/bmix"
	"undertone/server/internal/mix/half"
	"undertone/server/internal/mix/tmix"
	"undertone/transport/cell"
)

// Config says what an Engine runs.
type Config struct {
	// Mode is the set's.
	Mode cell.Mode
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
	all := timings(c.Interval, loadOf(c.Mode))
	if len(all) == 0 {
		return fmt.Errorf("mix: no room in an interval of %v", c.Interval)
	}
	if most := all[len(all)-1].users; c.Seats < 1 || c.Seats > most {
		return fmt.Errorf("mix: %d seats are not between 1 and %d, which is what an interval of %v has room for in mode %s", c.Seats, most, c.Interval, c.Mode)
	}
	if c.Offset == nil {
		c.Offset = randomOffset
	}
	return nil
}

// half returns the mode's half.
func (c *Config) half() (half.Half, error) {
	switch c.Mode {
	case cell.TMIX:
		return tmix.New(c.Seats), nil
	case cell.BMIX:
		return bmix.New(c.Seats), nil
	default:
		return nil, fmt.Errorf("mix: there is no mode %s", c.Mode)
	}
}

// A load is what a mode asks of a slot.
type load struct {
	// parts is in how many parts a slot is sent, both ways.
	parts int
	// up is how many messages a user sends in a part, and down how many he gets.
	up   int
	down func(users int) int
	// pass is what the pass takes for one user, in a large set, rounded up from
	// the benchmarks of the mode's half.
	pass time.Duration
	// most is how many users the mode is made for.
	most int
}

// mostBroadcast bounds the sets of a bMIX: everybody gets a message for every
// eight of them in every slot, and a link holds 40 that wait to go out.
const mostBroadcast = 40 * bmix.Cells

// loadOf returns the load of a mode.
func loadOf(m cell.Mode) load {
	if m == cell.BMIX {
		return load{
			parts: 1,
			up:    1,
			down:  bmix.Messages,
			pass:  time.Microsecond,
			most:  mostBroadcast,
		}
	}
	return load{
		parts: 1,
		up:    1,
		down:  func(int) int { return 1 },
		pass:  3 * time.Microsecond,
		most:  math.MaxInt,
	}
}

// MaxSeats returns the size of the largest set that an interval has room for. In
// tMIX that is 1,600 at 20 ms, 3,200 at 40 ms and 12,800 at 100 ms, in bMIX 320.
func MaxSeats(m cell.Mode, i cell.Interval) int {
	all := timings(i, loadOf(m))
	return all[len(all)-1].users
}

// Cost returns about how much of one processor's time a set takes that many
// users of whom are online: 1 is all of it.
func Cost(m cell.Mode, i cell.Interval, users int) float64 {
	l := loadOf(m)
	return float64(l.cost(users)+time.Duration(users)*l.pass) / float64(i.Duration())
}
