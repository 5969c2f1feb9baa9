package meter

import (
	"math"
	"slices"
	"time"
)

const (
	// chunk is how many arrivals are judged together.
	chunk = 128
	// fewest is how many are needed to say where the beat is.
	fewest = 8
	// guard, or a guardPart of an interval if that is less, is how long reading takes
	// at most, for the earliest of a chunk: by so much a datagram may have come before
	// that. What came earlier still is late, by most of an interval.
	guard     = 4 * time.Millisecond
	guardPart = 5
	// never is the place of what has no beat yet.
	never = math.MaxInt64
)

// A Grid is the beat of one line: something comes once in every slot, at a place in
// it that is the line's own and not known. The beat is where the earliest of a chunk
// came, and how much later each of the others came is its lateness.
//
// When something came is known for the datagram, and which slot it is of for the
// message that is read out of it, some time later. The earliest of what was read
// says about where the beat is, so that what comes late by more than half an interval
// is not taken for early. Lateness can be told up to some milliseconds less than an
// interval.
//
// Since each chunk has a beat of its own, a server that moves everybody (because the
// set has doubled) is late for one chunk only. What is late in all of a chunk by the
// same time does not show here; a server tells itself when it began.
type Grid struct {
	interval int64
	about    int64 // after the start of its slot the earliest message of this chunk was read
	before   int64 // the same of the chunk before
	arrivals [chunk]int64
	n        int
}

// NewGrid returns a Grid that has seen nothing.
func NewGrid(interval time.Duration) Grid {
	return Grid{interval: int64(interval), about: never, before: never}
}

// Read takes in that a message was read so long after the start of its slot.
func (g *Grid) Read(after time.Duration) { g.about = min(g.about, int64(after)) }

// Add takes in that a datagram came, in nanoseconds of the clock that slots are
// counted by. The lateness of each goes into h when its chunk is full.
func (g *Grid) Add(at int64, h *Histogram) {
	g.arrivals[g.n] = at
	if g.n++; g.n == chunk {
		g.Fold(h)
	}
}

// Fold has a chunk end here: after the last arrival.
func (g *Grid) Fold(h *Histogram) {
	all, about := g.arrivals[:g.n], min(g.about, g.before)
	g.n, g.about, g.before = 0, never, g.about
	if len(all) < fewest || about == never {
		return
	}
	guard := min(int64(guard), g.interval/guardPart)
	for i, at := range all {
		// From guard before the beat to the rest of the interval after it.
		late := (at - about + guard) % g.interval
		if late < 0 {
			late += g.interval
		}
		all[i] = late
	}
	earliest := slices.Min(all)
	for _, late := range all {
		h.Add(time.Duration(late - earliest))
	}
}

// Forget begins anew.
func (g *Grid) Forget() { g.n, g.about, g.before = 0, never, never }
