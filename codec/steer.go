package codec

import "math"

// Tuning constants of a Drift.
const (
	// driftMax is the largest change of speed: 0.5 %, a twelfth of a semitone.
	// Sound cards run within 0.05 % of each other.
	driftMax = 0.005
	// driftStep is the largest change of the speed at one correction.
	driftStep = 0.0005
	// driftWindow is how much is read between two corrections, in samples: the
	// fill goes up and down with every slot, and its lowest value in several
	// slots is what counts.
	driftWindow = SampleRate / 2
	// driftSettle is how long it takes to correct a fill, in samples read.
	driftSettle = 8 * SampleRate
	// driftLearn is how long the difference of the two clocks must have shown for
	// it to be taken at its word, in samples read.
	driftLearn = 20 * SampleRate
	// driftExcess is a fill so far above the target, in samples, that it is
	// not corrected by speed but skipped with a cross-fade.
	driftExcess = SampleRate / 10
	// driftGain is how much of what a window with phases shows is believed, and
	// driftBend of what it shows of the clocks. Together they have forgotten a wrong
	// guess after some seconds.
	driftGain = 0.25
	driftBend = 0.02
	// driftLeap is more, in samples, than clocks do in a window: somebody was late.
	// It moves the reckoning, and says nothing of the clocks.
	driftLeap = SampleRate / 200
	// driftPhaseMost is the largest phase that is one, in samples, either way.
	driftPhaseMost = SampleRate / 5
)

// noPhase is that of a read of which Phase was not told.
const noPhase = math.MinInt

// steering is what a reader knows of its ring's fill and of the two clocks.
type steering struct {
	slope float64 // the learnt difference of the clocks

	low    int // least fill in this window
	window int // samples read in it
	most   int // longest read in it

	reckoned float64 // the least that a read may leave, valid after the first window
	since    int     // samples read since it was known, or unknown
	marks    int     // how often it was

	phase int     // what Phase said of the next read, or noPhase
	told  int     // how many reads of this window had one
	sum   float64 // of what they left beyond it
	timed bool    // the last window had some, and level is valid
	level float64 // what they leave beyond it, filtered
}

// restart forgets the window, and what was reckoned.
func (r *steering) restart(size int) {
	r.low, r.window, r.most, r.since = size, 0, 0, unknown
	r.told, r.sum, r.timed = 0, 0, false
}

// Phase tells how much of what the next Read leaves is there only because of how the
// two clocks stand to each other now, and not at another time:
//
//	who reads by a clock       the other clock's block less what it has of the
//	of its own                 one to come: what it wrote last lies so long back
//	who reads for the other    what the other clock would have read by now of the
//	clock, by the writer's     read to come, and of those that the same write is for
//
// What is left beyond that does not change in steps. Only the reader may call it.
func (d *Drift) Phase(samples int) {
	d.reader.phase = min(max(samples, -driftPhaseMost), driftPhaseMost)
}

// steer watches the fill and, twice a second, corrects the speed.
func (d *Drift) steer(n int) {
	r := &d.reader
	fill := d.fill()
	r.low = min(r.low, fill)
	r.window += n
	r.most = max(r.most, n)
	if r.phase != noPhase {
		r.told++
		r.sum += float64(fill - r.phase)
	}
	if r.window < driftWindow {
		return
	}
	jump := min(int(d.block.Load()), r.most)
	r.reckoned -= r.ahead()
	r.follow()
	r.reckon(jump)
	if off := r.low - d.target - jump; off > driftExcess {
		d.skip(off)
		r.reckoned -= float64(off)
		r.level -= float64(off)
	}
	off := r.reckoned - float64(d.target)
	if r.marks < 2 && !r.timed {
		off -= float64(jump) / 2
	}
	want := min(max(1+r.slope+off/driftSettle, 1-driftMax), 1+driftMax)
	r.speed = min(max(want, r.speed-driftStep), r.speed+driftStep)
	d.stats.ppm.Store(int64((r.speed - 1) * 1e6))
	r.low, r.window, r.most = d.size, 0, 0
}

// ahead is how much more was taken in the window than the clocks made up for.
func (r *driftReader) ahead() float64 { return (r.speed - 1 - r.slope) * float64(r.window) }

// follow takes into account what the reads of the window left beyond their phases: an
// alpha-beta filter, of which level is the place and slope the speed.
func (r *driftReader) follow() {
	was := r.timed
	if r.timed = r.told > 0; !r.timed {
		return
	}
	seen := r.sum / float64(r.told)
	r.sum, r.told = 0, 0
	if !was {
		r.level, r.reckoned, r.since = seen, seen, 0
		return
	}
	r.level -= r.ahead()
	wrong := seen - r.level
	if math.Abs(wrong) < driftLeap {
		wrong *= driftGain
		r.bend(wrong * driftBend / driftGain / float64(r.window))
	}
	r.level += wrong
	r.reckoned += wrong
}

// bend corrects what is known of the two clocks.
func (r *driftReader) bend(by float64) {
	r.slope = min(max(r.slope+by, -driftMax/5), driftMax/5)
}

// reckon takes into account what the window left at the least. It is between the
// least there is and a block more; the reckoning is moved there. Where nobody told the
// phases, the clocks differ by as much as it was wrong, in the time since it was right.
// What is seen often is noise: a late block, or one that comes before a read here and
// after one there.
func (r *driftReader) reckon(jump int) {
	low := float64(r.low)
	if r.since == unknown {
		r.reckoned, r.since = low-float64(jump)/2, 0
		return
	}
	r.since += r.window
	wrong := min(max(r.reckoned, low-float64(jump)), low) - r.reckoned
	if wrong == 0 {
		return
	}
	r.reckoned += wrong
	if math.Abs(wrong) < 2 || r.timed {
		return // Less than what fractions of samples make, or no news of the clocks.
	}
	wrong = min(max(wrong, -float64(jump)), float64(jump))
	if t := float64(r.since); r.since < driftLearn {
		r.bend(wrong * t / (driftLearn * driftLearn))
	} else {
		r.bend(wrong / t)
	}
	if r.since > 4*driftWindow { // not the same step once more
		r.marks++
	}
	r.since = 0
}

// skip leaves out n samples that wait too long already.
func (d *Drift) skip(n int) {
	d.read.Add(uint64(n)) //nolint:gosec // positive
	d.reader.mirror()
	d.reader.rise = fadeSamples
	d.stats.skipped.Add(1)
}
