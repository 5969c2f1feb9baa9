package mix

import (
	"fmt"
	"math"
	"time"

	"undertone/server/internal/mix/bmix"
	"undertone/server/internal/mix/half"
	"undertone/server/internal/mix/smix"
	"undertone/server/internal/mix/tmix"
	"undertone/transport/cell"
	"undertone/transport/superpose"
	"undertone/transport/uri"
	"undertone/transport/wire"
)

// Config says what an Engine runs.
type Config struct {
	// Mode is the set's.
	Mode cell.Mode
	// Channels is how many channels an sMIX shares, and Pin the hash of the
	// server's root key, which its members sign their keys for. Other modes do
	// not look at either.
	Channels int
	Pin      uri.Pin
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
	all := timings(c.Interval, loadOf(c.Mode, c.Channels))
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
	case cell.SMIX:
		return smix.New(smix.Config{Interval: c.Interval, Channels: c.Channels, Seats: c.Seats, Pin: c.Pin})
	default:
		return nil, fmt.Errorf("mix: there is no mode %s", c.Mode)
	}
}

// A load is what a mode asks of a slot.
type load struct {
	// up is what a user sends, and down what he gets when so many are online.
	// Both have as many parts.
	up   half.Shape
	down func(users int) half.Shape
	// pass is what the pass takes for one user, in a large set, rounded up from
	// the benchmarks of the mode's half.
	pass time.Duration
	// most is how many users the mode is made for.
	most int
}

const (
	// mostShared bounds the sets of an sMIX: a list of all has to fit into a
	// message.
	mostShared = smix.MaxSeats
)

// loadOf returns the load of a mode. channels is how many an sMIX shares.
func loadOf(m cell.Mode, channels int) load {
	one := half.Shape{Parts: 1, Messages: 1, Size: cell.Size}
	switch m {
	case cell.BMIX:
		return load{up: one, down: bmix.DownFor, pass: time.Microsecond, most: wire.MaxChannels}
	case cell.SMIX:
		s := half.Shape{Parts: 2, Messages: superpose.Messages(max(channels, 1)), Size: superpose.Size}
		return load{
			up:   s,
			down: func(int) half.Shape { return s },
			pass: 3*time.Microsecond + time.Duration(s.Messages)*2*time.Microsecond,
			most: mostShared,
		}
	case cell.TMIX:
	}
	return load{up: one, down: func(int) half.Shape { return one }, pass: 3 * time.Microsecond, most: math.MaxInt}
}

// messages is how many messages a user sends and gets in a slot, together.
func (l *load) messages(users int) int {
	down := l.down(users)
	return l.up.Parts*l.up.Messages + down.Parts*down.Messages
}

// MaxSeats returns the size of the largest set that an interval has room for. In
// tMIX that is 1,600 at 20 ms, 3,200 at 40 ms and 12,800 at 100 ms, in bMIX 320,
// and in sMIX about 500, or fewer with many channels at 20 ms.
func MaxSeats(m cell.Mode, i cell.Interval, channels int) int {
	all := timings(i, loadOf(m, channels))
	return all[len(all)-1].users
}

// Shapes returns what a user sends and gets in a slot when so many are online.
func Shapes(m cell.Mode, channels, users int) (up, down half.Shape) {
	l := loadOf(m, channels)
	return l.up, l.down(users)
}

// Cost returns about how much of one processor's time a set takes that many
// users of whom are online: 1 is all of it.
func Cost(m cell.Mode, i cell.Interval, channels, users int) float64 {
	l := loadOf(m, channels)
	return float64(l.cost(users)+time.Duration(users)*l.pass) / float64(i.Duration())
}
