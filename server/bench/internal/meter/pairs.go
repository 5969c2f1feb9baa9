package meter

import (
	"math"
	"time"
)

const (
	// held is how many messages may have come and not be read yet: three times as
	// many as the largest slot has.
	held = 128
	// catchesUp is how long whoever reads may be behind without a break.
	catchesUp = 2 * time.Second
	// untimed stands for the time of a message that has none.
	untimed = time.Duration(math.MinInt64)
)

// Unknown is since when a message is that nobody asks the time of.
const Unknown = math.MinInt64

// Pairs finds out, for each message that is read from a line, when it came. When
// something came is known for the datagram, and what it is for the message that is
// read out of it, which on a busy machine is much later. But messages are read in the
// order in which they came, so the next that is read is of the oldest datagram that
// none was read from:
//
//	      Came  Came                 Came
//	───────▼─────▼────────────────────▼──────────▶ time
//	        ╲     ╲___________         ╲_____
//	         ╲___________     ╲              ╲
//	                     ▼     ▼              ▼
//	                   Read   Read           Read
//
// What comes may have no message in it that is read: what was repeated without need,
// what cannot be opened. Then more came than is read, and each message would be taken
// for one that came before it. So what is told is only what is certain: when a
// message was read and nothing else is left that came, then it came last, and those
// that were read before it, since something did not fit, came one by one before it.
// What does not fit is:
//
//	came before the message can have been sent    it is of none that is to come: away
//	something is left, for two seconds on end      so much is of none: away
//	a message, and nothing that it can be of       nothing is told for two seconds
//
// This takes for granted that all that may have a message in it is reported, before
// that is, and that whoever reads catches up once in two seconds.
//
// Begin begins. A Pairs keeps a few kilobytes, and allocates nothing. Times are in
// nanoseconds of one clock.
type Pairs struct {
	came     [held]int64 // a ring: what came, and was not read
	oldest   int
	waiting  int
	run      [held]time.Duration // of messages that were read, and are not certain
	ran      int
	left     int   // so many were left after each message, at least,
	since    int64 // since then
	trusting int64 // from then on it is told what is certain
}

// Begin forgets all, at a time.
func (p *Pairs) Begin(at int64) {
	p.waiting, p.ran = 0, 0
	p.left, p.since = held, at
	p.trusting = at + int64(catchesUp)
}

// Came takes in that a datagram came, with so many messages in it.
func (p *Pairs) Came(at int64, messages int) {
	for range messages {
		if p.waiting == held {
			p.Begin(at)
			return
		}
		p.came[(p.oldest+p.waiting)%held] = at
		p.waiting++
	}
}

// Read takes in that the next message was read, at a time, and that it cannot have
// been sent before since. It returns how long after their since messages came of
// which that is certain now, this one or some before it; that holds until the next
// call. Of a message whose since is Unknown nothing is returned.
func (p *Pairs) Read(since, at int64) []time.Duration {
	for p.waiting > 0 && p.came[p.oldest] < since {
		p.drop(1)
	}
	if p.waiting == 0 || p.came[p.oldest] > at {
		p.ran = 0
		p.trusting = at + int64(catchesUp)
		return nil
	}
	took := untimed
	if since != Unknown {
		took = time.Duration(p.came[p.oldest] - since)
	}
	if p.ran == held {
		p.ran = 0 // These will not be told.
	}
	p.run[p.ran] = took
	p.ran++
	p.take(1)
	return p.settle(at)
}

// settle tells what is certain after a message was read.
func (p *Pairs) settle(at int64) []time.Duration {
	p.left = min(p.left, p.waiting)
	if p.waiting > 0 {
		if at-p.since >= int64(catchesUp) {
			p.drop(p.left)
			p.left, p.since = held, at
			p.trusting = at + int64(catchesUp)
		}
		return nil
	}
	ran := p.run[:p.ran]
	p.ran, p.left, p.since = 0, held, at
	if at < p.trusting {
		return nil
	}
	certain := ran[:0]
	for _, took := range ran {
		if took != untimed {
			certain = append(certain, took)
		}
	}
	return certain
}

// drop takes away the oldest, which are of no message: so those that were read last
// may be of others than it seemed.
func (p *Pairs) drop(n int) {
	p.ran = 0
	p.take(n)
}

// take takes away the oldest.
func (p *Pairs) take(n int) {
	p.oldest = (p.oldest + n) % held
	p.waiting -= n
}
