package mix

import (
	"time"

	"undertone/transport/cell"
)

const (
	// messageCost is what the transport takes to move one message in or out,
	// rounded up from measurements (section 5 of the design). The window
	// spreads it, so that messages of different users do not wait for each
	// other.
	messageCost = 50 * time.Microsecond
	// slack is what the pass may be late by, whatever its size.
	slack = time.Millisecond

	// minWindow is the window of the smallest sets, where slots are not so short that
	// it would be more than one eighth of them (shortestPart): the voice waits for
	// the window to end in every slot.
	minWindow    = 5 * time.Millisecond
	shortestPart = 8
)

// smallestWindow is the window of the smallest sets at an interval.
func smallestWindow(i cell.Interval) time.Duration {
	return min(minWindow, i.Duration()/shortestPart)
}

// A timing is how a slot is laid out for sets of up to so many users, in a mode
// that sends everything once, and in one that sends it twice:
//
//	T            T+W       T+W+P            T+2W+P
//	|-- cut-offs --|-- pass --|---- sends ----|
//
//	T        T+W   T+W+P      T+2W+P     T+W+P+I/2  T+2W+P+I/2
//	|- cut-offs -|- pass -|- part 0 -|····|- part 1 -|
//
// A user's offset is the same in all ranges of length W. The next pass begins an
// interval after this one, so that W+P must not exceed the distance of the parts.
type timing struct {
	users  int
	window time.Duration // W: what the messages of the users cost, at least smallestWindow, at most half of the distance of the parts
	work   time.Duration // P: 1 ms, and what the pass costs for the users
}

// timings returns all timings that an interval has room for, for sets that
// double in size. There are few, so that the timing, which everybody can see,
// changes only when the set doubles and not whenever somebody joins.
func timings(i cell.Interval, l load) (all []timing) {
	for users := l.smallest(i); ; users *= 2 {
		t := l.timing(min(users, l.most), i)
		if t.window+t.work > i.Duration()/time.Duration(l.up.Parts) {
			return all
		}
		all = append(all, t)
		if t.users == l.most {
			return all
		}
	}
}

// smallest returns the size of the sets for which the smallest window is enough.
func (l *load) smallest(i cell.Interval) int {
	users := 1
	for l.cost(users+1) <= smallestWindow(i) {
		users++
	}
	return users
}

// cost is what the transport takes for all messages of a slot.
func (l *load) cost(users int) time.Duration {
	return time.Duration(users*l.messages(users)) * messageCost
}

func (l *load) timing(users int, i cell.Interval) timing {
	most := i.Duration() / time.Duration(2*l.up.Parts)
	return timing{
		users:  users,
		window: min(max(l.cost(users), smallestWindow(i)), most),
		work:   slack + time.Duration(users)*l.pass,
	}
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
