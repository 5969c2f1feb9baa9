// Package session keeps what the server has of one user's link, from when he
// comes online until he is gone: the Line. mix.Engine owns the lines and lists
// them in a Table; the transport hands each line what arrives.
//
// Slot n starts at T. A line has an offset o, its own and fixed, which spreads
// users over the slot by who they are and not by what they do:
//
//	        T      T+o
//	--------+-------+------------------------------------> time
//	 early messages | cut-off of slot n: what is labelled n and comes later
//	 for n.. n+14   | is lost
//
// In a slot a user sends a batch of messages (see mix/half): one cell in tMIX
// and bMIX, and in sMIX some longer ones, twice. A message says which slot it is
// for, and, if there are several, which of them it is. Those for the next slot
// to be cut off and the fourteen after it are kept until they are due, so that a
// client whose way to the server suddenly got shorter loses nothing while it
// finds its phase again; anything else is dropped. A message that is there
// already, from an earlier part of the batch or for whatever reason, is replaced.
// None is opened here: the mix opens what is there of everybody in every slot.
//
// # Feedback
//
// A line remembers how early the last message of the last part came before the
// cut-off, in each of the last 64 slots in which it came, late or not, and
// reports the 1/16 quantile of it: nearly all come earlier than that. When a
// client moves its slots forward (which shows as a gap in its labels with the
// messages on both sides of it arriving at their old pace) what was before is
// forgotten, so that the client sees at once what that did. A batch that was
// overtaken by that of a later slot, and comes more than 60 ms after its time, does
// not count: it is one that was lost and sent again (see rtc), and says nothing of
// how long the way is. On a line that loses one in twenty, the client would begin
// his slots a round trip earlier for the sake of those, and every word would come
// that much later. The report is computed when a message arrives, so that the clock
// needs only to read it.
package session

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/pacer/berth"
	"undertone/transport/seal"
)

const (
	// ahead is how many slots, from the next to be cut off, messages are kept
	// for.
	ahead = 15
	// depth of the ring: besides those, one slot that was cut off may still
	// wait for the mix.
	depth = ahead + 1

	// lookBack is how many slots the feedback looks back on.
	lookBack = 64
	// quantile is the part of them that came later than is reported.
	quantile = 16
	// overtaken is how much later than what overtook it a batch may be early, to
	// count: so much do paths that reorder. What was sent again is later.
	overtaken = 60 * time.Millisecond
	// worst and best are the bounds of the feedback, in milliseconds.
	worst, best = -127, 127

	// Patience is how long a line may be silent. A client gives a link up after
	// one second and comes back with a new line that replaces this one, so
	// whoever is silent for longer has gone without a word. Until then his
	// download goes on as if nothing were.
	Patience = 5 * time.Second
	// Arrival is how long it may take until the first message. It is longer than
	// a link takes to open before it is given up.
	Arrival = 30 * time.Second
)

// Counters count messages of all lines that were of no use.
type Counters struct {
	Late  atomic.Uint64 // after their cut-off
	Early atomic.Uint64 // too many slots ahead
	Odd   atomic.Uint64 // of a wrong length, or with no place in a batch
}

// A Line is one user's link. Receive is for one goroutine at a time, Take for
// one other.
type Line struct {
	// Set at creation, read only.
	handle key.Handle
	clock  Clock
	offset time.Duration
	shape  half.Shape
	count  *Counters

	// Set by Table.
	seat int

	// Touched by Receive only.
	past   [lookBack]int8 // a ring
	filled int
	newest cell.Slot
	latest int8 // the earliness of the last one

	// Shared.
	rings []*berth.Ring // one for each message of a part
	early atomic.Int32
	until atomic.Int64 // until when the line may be silent, in ns after the clock's base
}

// A Config says what the lines of a set are like.
type Config struct {
	Clock Clock
	// Shape is what comes up in every slot.
	Shape half.Shape
	// Count gets what is of no use.
	Count *Counters
}

// New returns the line of a user who comes online at now.
func New(h key.Handle, c *Config, offset time.Duration, now time.Time) *Line {
	l := &Line{handle: h, clock: c.Clock, offset: offset, shape: c.Shape, count: c.Count}
	for range c.Shape.Messages {
		l.rings = append(l.rings, berth.New(depth, c.Shape.Size))
	}
	l.early.Store(int32(seal.NoFeedback))
	l.until.Store(int64(now.Add(Arrival).Sub(c.Clock.base)))
	return l
}

// Handle returns whose line it is.
func (l *Line) Handle() key.Handle { return l.handle }

// Offset returns when the line's cut-off is, after the start of each slot.
func (l *Line) Offset() time.Duration { return l.offset }

// Seat returns the line's place in its Table.
func (l *Line) Seat() int { return l.seat }

// Receive takes in what arrived at the given time. b is copied.
func (l *Line) Receive(b []byte, at time.Time) {
	part, k, ok := l.place(b)
	if !ok {
		l.count.Odd.Add(1)
		return
	}
	l.until.Store(int64(at.Add(Patience).Sub(l.clock.base)))
	n := cell.Extend(l.clock.At(at), binary.BigEndian.Uint16(b))
	early := l.clock.Start(n).Add(l.offset).Sub(at)
	if part == l.shape.Parts-1 && k == l.shape.Messages-1 && l.counts(n, early) {
		l.note(n, early)
	}
	switch {
	case early < 0:
		l.count.Late.Add(1)
	case early >= ahead*l.clock.Interval() || !l.rings[k].Put(n, b):
		l.count.Early.Add(1)
	}
}

// place says which message b is, or that it is none.
func (l *Line) place(b []byte) (part, k int, ok bool) {
	if len(b) != l.shape.Size {
		return 0, 0, false
	}
	if l.shape.Placed() {
		part, k = cell.ReadPlace(b[cell.PlaceAt])
	}
	return part, k, part < l.shape.Parts && k < l.shape.Messages
}

// counts reports whether a batch says something of the line.
func (l *Line) counts(n cell.Slot, early time.Duration) bool {
	return n >= l.newest || early >= time.Duration(l.latest)*time.Millisecond-overtaken
}

// note remembers how early a batch came, and updates the feedback.
func (l *Line) note(n cell.Slot, early time.Duration) {
	ms := milliseconds(early)
	if l.filled > 0 && n > l.newest+1 && time.Duration(int(ms)-int(l.latest))*time.Millisecond >= l.clock.Interval()/2 {
		l.filled = 0
	}
	if n >= l.newest {
		l.newest, l.latest = n, ms
	}
	l.past[l.filled%lookBack] = ms
	l.filled++
	if l.filled == 2*lookBack {
		l.filled = lookBack
	}
	l.early.Store(int32(low(l.past[:min(l.filled, lookBack)])))
}

// milliseconds rounds down, so that whatever is late is negative.
func milliseconds(d time.Duration) int8 {
	ms := d / time.Millisecond
	if d%time.Millisecond < 0 {
		ms--
	}
	return int8(min(max(ms, worst), best))
}

// low returns the quantile of at most lookBack values: it sorts as many of the
// lowest as it needs.
func low(values []int8) int8 {
	var lowest [lookBack/quantile + 1]int8
	rank := (len(values) - 1) / quantile
	k := 0
	for _, v := range values {
		i := k
		for ; i > 0 && lowest[i-1] > v; i-- {
			lowest[i] = lowest[i-1]
		}
		if i <= rank {
			lowest[i] = v
			k = min(k+1, rank+1)
		}
	}
	return lowest[rank]
}

// Take moves the messages for slot n into b, one after the other, and reports
// whether all are there. From then on none is accepted for that slot. Slots must
// be taken in rising order.
func (l *Line) Take(n cell.Slot, b []byte) bool {
	whole := true
	for k, r := range l.rings {
		if !r.Take(n, b[k*l.shape.Size:]) {
			whole = false // The others must be closed all the same.
		}
	}
	return whole
}

// Early returns the feedback of now.
func (l *Line) Early() int8 { return int8(l.early.Load()) }

// Gone reports whether the line has been silent for too long.
func (l *Line) Gone(now time.Time) bool { return int64(now.Sub(l.clock.base)) >= l.until.Load() }
