package enhance

import "math"

// Tuning constants of a finder.
const (
	// thin is of how many samples one is left: 2 kHz, where a voice has most of
	// its power.
	thin = 24
	// farthest is the longest delay that is looked for, in samples: half a
	// second.
	farthest = 50 * block
	lags     = farthest / thin
	points   = block / thin // of a block
	// forget is what is left of the correlation after each block: it looks back
	// for a second.
	forget = 0.99
	// trickle is added to all of it at each block, so that in silence it does not
	// come near to numbers so small that processors take far longer for them, nor
	// do their squares.
	trickle = 1e-12
	// floor is a power of which nothing is made: 70 dB below full scale.
	floor = 1e-7
	// distinct is how far above the mean the largest of the squared correlations
	// has to be. That of two voices which have nothing to do with each other is
	// hardly above 20.
	distinct = 40
	// steady is how many blocks in a row have to say the same, within nearby.
	steady = 30
	nearby = 5 * points / 10 // 5 ms
	// An echo is to come into the filter of the canceller at lead, and stays
	// where it is between earliest and latest.
	lead     = 4 * block
	earliest = 2 * block
	latest   = 7 * block
)

// A finder finds out how much later something is heard than it is played. It
// correlates the two at a low rate, at every delay there can be, always with the
// same work. As speech is loud and low by turns, both are brought to one level
// block by block; as low tones last longest in a room, high ones are raised.
type finder struct {
	delay int // by which the canceller is to get late what is played, in samples

	past   [lags + points]float32 // what was played, the newest last
	scores [lags + 1]float32      // the correlation at each delay
	heard  [points]float32
	edge   [2]float32 // the newest sample of each before it is filtered

	at   int // the delay that stood out in the last block, in points
	same int // for how many blocks
}

// look takes what is played and what is heard, and corrects delay if it has to.
func (f *finder) look(played, heard []float32) {
	for len(played) >= block {
		copy(f.past[:], f.past[points:])
		reduce(f.past[lags:], played[:block], &f.edge[0])
		reduce(f.heard[:], heard[:block], &f.edge[1])
		f.judge(f.correlate())
		played, heard = played[block:], heard[block:]
	}
}

// reduce makes points of a block, of level 1 or less.
func reduce(to, from []float32, edge *float32) {
	power := float32(floor)
	for i := range to {
		var sum float32
		for _, v := range from[i*thin : (i+1)*thin] {
			sum += v
		}
		sum /= thin
		to[i] = sum - 0.8**edge
		*edge = sum
		power += to[i] * to[i] / points
	}
	gain := float32(1 / math.Sqrt(float64(power)))
	for i := range to {
		to[i] *= gain
	}
}

// correlate adds a block to the scores and returns the delay with the largest,
// if it is much larger than others.
func (f *finder) correlate() (at int, ok bool) {
	var best, sum float32
	for lag := range f.scores {
		s := forget*f.scores[lag] + trickle
		past := f.past[lags-lag:][:points]
		for i, v := range f.heard {
			s += v * past[i]
		}
		f.scores[lag] = s
		sum += s * s
		if s*s > best {
			best, at = s*s, lag
		}
	}
	return at, best*float32(len(f.scores)) > distinct*sum
}

// judge moves the reference when the same delay stood out for a while.
func (f *finder) judge(at int, ok bool) {
	if !ok || at < f.at-nearby || at > f.at+nearby {
		f.same = 0
	}
	if !ok {
		return
	}
	f.at = at
	f.same++
	if f.same < steady {
		return
	}
	if rest := at*thin - f.delay; rest < earliest || rest > latest {
		f.delay = max(0, at*thin-lead)
	}
}
