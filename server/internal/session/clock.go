package session

import (
	"time"

	"undertone/transport/cell"
)

// A Clock tells when slots are. It reads the system's clock once, when it is
// made; from then on only the monotonic one counts, so that setting the time of
// the machine moves no slot.
type Clock struct {
	interval cell.Interval
	base     time.Time // with its monotonic reading
	slot     cell.Slot // the slot that base is in
	into     time.Duration
}

// NewClock returns the Clock of a set, by the system's time at now.
func NewClock(i cell.Interval, now time.Time) Clock {
	n := i.At(now)
	return Clock{interval: i, base: now, slot: n, into: time.Duration(now.UnixNano() - i.Start(n).UnixNano())}
}

// Interval returns the length of a slot.
func (c Clock) Interval() time.Duration { return c.interval.Duration() }

// Start returns when slot n starts.
func (c Clock) Start(n cell.Slot) time.Time {
	return c.base.Add(time.Duration(n-c.slot)*c.Interval() - c.into)
}

// At returns the slot that t is in.
func (c Clock) At(t time.Time) cell.Slot {
	d := t.Sub(c.base) + c.into
	if d < 0 {
		return c.slot - cell.Slot((-d+c.Interval()-1)/c.Interval())
	}
	return c.slot + cell.Slot(d/c.Interval())
}
