package pacer

import (
	"time"

	"undertone/transport/cell"
)

// How fast the phase of a Grid may move, as a part of the time that passes.
// These are promises to whoever watches: neither the server, however hostile,
// nor its load can move the phase faster.
const (
	// acquiringPart is 1 %, until Lock.
	acquiringPart = 100
	// acquireFor is how long after the first tick a Grid locks by itself. It is
	// enough to move by one slot of 100 ms.
	acquireFor = 15 * time.Second
	// lockedPart is 200 ppm, ever after.
	lockedPart = 5000
)

// A Grid is the sequence of ticks of one link: when each is, and the slot that
// the cell sent then is for. It is a plain value without a clock.
//
// What an observer sees is when the ticks are. Slew moves them, within the
// bounds above. What only the server sees is the slots. Relabel moves them, by
// any number at once, but only forward.
type Grid struct {
	interval time.Duration
	at       time.Time     // the next tick
	slot     cell.Slot     // its slot
	slew     time.Duration // what the phase still has to move by; positive is later
	lock     cell.Slot     // locked from this slot on
}

// NewGrid returns a Grid whose first tick is at the given time, for slot n.
func NewGrid(i cell.Interval, n cell.Slot, at time.Time) Grid {
	return Grid{interval: i.Duration(), slot: n, at: at, lock: n + i.Slots(acquireFor)}
}

// Next returns the next tick and its slot.
func (g *Grid) Next() (at time.Time, n cell.Slot) { return g.at, g.slot }

// Step goes on to the tick after the next one.
func (g *Grid) Step() {
	d := min(max(g.slew, -g.bound()), g.bound())
	g.slew -= d
	g.at = g.at.Add(g.interval + d)
	g.slot++
}

// SkipTo goes on to the first tick that is not before t, and returns how many
// were passed over.
func (g *Grid) SkipTo(t time.Time) (skipped uint64) {
	for ; g.at.Before(t); skipped++ {
		g.Step()
	}
	return skipped
}

// Slew asks for the phase to move by d; positive is later. It replaces what was
// asked for before.
func (g *Grid) Slew(d time.Duration) { g.slew = d }

// Slewing returns what the phase still has to move by.
func (g *Grid) Slewing() time.Duration { return g.slew }

// Relabel skips k slots. No tick moves.
func (g *Grid) Relabel(k cell.Slot) { g.slot += k }

// Lock bounds all later slewing to 200 ppm. There is no way back.
func (g *Grid) Lock() { g.lock = min(g.lock, g.slot) }

// Locked reports whether slewing is bounded to 200 ppm.
func (g *Grid) Locked() bool { return g.slot >= g.lock }

// bound returns by how much one tick may move.
func (g *Grid) bound() time.Duration {
	if g.Locked() {
		return g.interval / lockedPart
	}
	return g.interval / acquiringPart
}

// ticks returns how many ticks it takes to move the phase by d.
func (g *Grid) ticks(d time.Duration) cell.Slot {
	return cell.Slot((d.Abs() + g.bound() - 1) / g.bound())
}
