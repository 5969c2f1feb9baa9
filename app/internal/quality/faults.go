package quality

import "math"

// The constants of Clicks. What separates a click from speech is that it is
// over at once: the fourth difference, which lifts what lies above 8 kHz, has
// one peak of a few samples. In speech, and in speech through the codec at any
// rate, no such peak is more than nine times the level around it; a jump of a
// twentieth of full scale in the middle of a loud vowel has a hundred times.
const (
	clickOrder  = 4
	clickRatio  = 16
	clickInner  = SampleRate / 1000 // around the peak, not counted as its surroundings
	clickOuter  = SampleRate / 100  // how far the surroundings go
	clickFloor  = 0.1               // smallest peak, relative to the level of clean
	clickApart  = SampleRate / 200  // two peaks nearer than this are one click
	clickSource = SampleRate / 500  // how near a click in clean explains one in heard
)

// Clicks returns the places in heard, in samples, where the sound jumps though
// clean, that much earlier, does not.
func Clicks(clean, heard []float32, delay int) []int {
	level := math.Sqrt(meanSquare(clean))
	explained := jumps(clean, clickRatio/2, clickFloor/2*level)
	var out []int
	for _, at := range jumps(heard, clickRatio, clickFloor*level) {
		if near(explained, at-delay, clickSource) {
			continue
		}
		if len(out) == 0 || at-out[len(out)-1] > clickApart {
			out = append(out, at)
		}
	}
	return out
}

// jumps returns where the fourth difference of x is at least floor and so many
// times as large as its surroundings.
func jumps(x []float32, ratio, floor float64) []int {
	if len(x) == 0 {
		return nil
	}
	// Silence on both sides: a sound that starts or stops at once jumps too.
	d := make([]float64, len(x)+2*clickOuter)
	for i, v := range x {
		d[i+clickOuter] = float64(v)
	}
	for range clickOrder {
		for i := len(d) - 1; i > 0; i-- {
			d[i] -= d[i-1]
		}
	}
	sum := make([]float64, len(d)+1)
	for i, v := range d {
		sum[i+1] = sum[i] + v*v
	}
	between := func(a, b int) float64 {
		a, b = min(max(a, 0), len(d)), min(max(b, 0), len(d))
		return sum[b] - sum[a]
	}
	var out []int
	for i, v := range d {
		if math.Abs(v) < floor || v == 0 {
			continue
		}
		around := between(i-clickOuter, i-clickInner) + between(i+clickInner+1, i+clickOuter+1)
		if v*v >= ratio*ratio*around/(2*(clickOuter-clickInner)) {
			out = append(out, i-clickOuter)
		}
	}
	return out
}

// near reports whether one of the places, which are in order, is within reach
// of at.
func near(places []int, at, reach int) bool {
	for _, p := range places {
		if p >= at-reach && p <= at+reach {
			return true
		}
	}
	return false
}

func meanSquare(pcm []float32) float64 {
	sum := 0.0
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return sum / float64(max(1, len(pcm)))
}

// The constants of Gaps, at the coarse rate.
const (
	gapBlock  = coarseRate / 200 // 5 ms
	gapRun    = 2                // blocks in a row that make a gap
	gapActive = 0.03             // power of speech, relative to the mean of clean
	gapDepth  = 0.002            // power of a gap, relative to clean there
)

// Gaps returns the places in heard, in samples, where for 10 ms or more there
// is next to nothing though clean, that much earlier, speaks.
func Gaps(clean, heard []float32, delay int) []int {
	c, h := coarse(clean), coarse(cut(heard, delay, len(clean)))
	mean := power(c)
	run := 0
	var out []int
	for at := 0; at+gapBlock <= len(c); at += gapBlock {
		p, q := power(c[at:at+gapBlock]), power(h[at:at+gapBlock])
		if p < gapActive*mean || q > gapDepth*p {
			run = 0
			continue
		}
		if run++; run == gapRun {
			out = append(out, (at-gapBlock)*coarseStep+delay)
		}
	}
	return out
}

// The constants of Repeats, at the coarse rate unless it says otherwise.
const (
	repeatWindow = coarseRate / 100      // 10 ms
	repeatNear   = coarseRate / 200      // least distance of the two: 5 ms
	repeatFar    = coarseRate * 12 / 100 // largest distance: 120 ms
	repeatHint   = 0.95                  // correlation worth a closer look
	repeatSame   = 0.9995                // correlation at SampleRate of a repeat
	repeatSpeech = 0.98                  // what clean may have there at most
)

// Repeats returns the places in heard, in samples, where it repeats what came
// up to 120 ms before, though clean, that much earlier, does not.
func Repeats(clean, heard []float32, delay int) []int {
	aligned := cut(heard, delay, len(clean))
	h := coarse(aligned)
	mean, energy := power(h), energies(h)
	var out []int
	for at := 0; at+repeatWindow+repeatNear <= len(h); at += repeatWindow / 2 {
		if power(h[at:at+repeatWindow]) <= gapActive*mean {
			continue
		}
		lag, r := selfLag(h, energy, at)
		if r < repeatHint {
			continue
		}
		lag, r = fineLag(aligned, at*coarseStep, lag*coarseStep)
		if r < repeatSame {
			continue
		}
		if _, was := fineLag(clean, at*coarseStep, lag); was > repeatSpeech {
			continue
		}
		place := at*coarseStep + lag + delay
		if len(out) == 0 || place-out[len(out)-1] > SampleRate/20 {
			out = append(out, place)
		}
	}
	return out
}

// selfLag returns at which distance the window at a place is most like what
// follows, and how much. energy is that of h: it saves two thirds of the work.
func selfLag(h, energy []float64, at int) (lag int, r float64) {
	window := h[at : at+repeatWindow]
	own := energy[at+repeatWindow] - energy[at]
	for d := repeatNear; d <= repeatFar && at+d+repeatWindow <= len(h); d++ {
		there := energy[at+d+repeatWindow] - energy[at+d]
		if own <= 0 || there <= 0 {
			continue
		}
		if v := dot(window, h[at+d:at+d+repeatWindow]) / math.Sqrt(own*there); v > r {
			lag, r = d, v
		}
	}
	return lag, r
}

// energies returns the sums of the squares of x up to each place.
func energies(x []float64) []float64 {
	sums := make([]float64, len(x)+1)
	for i, v := range x {
		sums[i+1] = sums[i] + v*v
	}
	return sums
}

// fineLag does the same at SampleRate around a distance that is known roughly.
func fineLag(pcm []float32, at, about int) (lag int, r float64) {
	const n = repeatWindow * coarseStep
	lag = about
	for d := about - coarseStep; d <= about+coarseStep; d++ {
		if at+d+n > len(pcm) {
			break
		}
		if v := correlation(wide(pcm[at:at+n]), wide(pcm[at+d:at+d+n])); v > r {
			lag, r = d, v
		}
	}
	return lag, r
}

func wide(pcm []float32) []float64 {
	out := make([]float64, len(pcm))
	for i, v := range pcm {
		out[i] = float64(v)
	}
	return out
}
