package meter

import (
	"slices"
	"time"
)

const (
	// chunk is how many arrivals are judged together.
	chunk = 128
	// fewest is how many are needed to say where the beat is.
	fewest = 8
)

// A Grid is the beat of one line: something comes once in every slot, at a place in
// it that is the line's own and not known. The beat is where the earliest of a chunk
// came, and how much later each of the others came is its lateness. Of several
// messages in a slot, the later ones come later than the first by what it takes to
// send those before them, which counts as their lateness.
//
// Since each chunk has a beat of its own, a server that moves everybody (because the
// set has doubled) is late for one chunk only. What is late in all of a chunk by the
// same time does not show here: a server tells itself when it began, and a Spread how
// far the beats of all lines are apart. The zero value has seen nothing.
type Grid struct {
	places [chunk]time.Duration
	n      int
}

// Add takes in how long after the start of its slot something came. When the chunk is
// full, the lateness of each goes into late, and where the beat is into beats.
func (g *Grid) Add(after time.Duration, late *Histogram, beats *Spread) {
	g.places[g.n] = after
	if g.n++; g.n == chunk {
		g.Fold(late, beats)
	}
}

// Fold has a chunk end here: after the last arrival. Too few are left out.
func (g *Grid) Fold(late *Histogram, beats *Spread) {
	all := g.places[:g.n]
	g.n = 0
	if len(all) < fewest {
		return
	}
	beat := slices.Min(all)
	beats.Add(beat)
	for _, after := range all {
		late.Add(after - beat)
	}
}
