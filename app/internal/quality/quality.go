// Package quality measures a call on its sound alone: what was said into one
// end against what was heard at the other. It knows nothing of cells, codecs
// or devices, so it cannot be fooled by what they believe of themselves.
//
//	clean, heard --> Align ------> delay, stretch, confidence
//	                   |
//	                   +---------> STOI, ESTOI --> similarity 0..1
//	                   +---------> clicks, gaps, repeats
//
// Compare does all of it; the parts can be had alone. All sound is mono at
// SampleRate. Nothing here keeps state or does I/O; any goroutine may call it.
// A comparison of ten seconds takes about half a second of one core.
package quality

import (
	"time"

	"undertone/codec"
)

// SampleRate is the rate of all sound given to this package.
const SampleRate = codec.SampleRate

// A Report is what a comparison found.
type Report struct {
	// Delay is how much later than in clean a sound is in heard, in samples.
	Delay int
	// Confidence is the correlation of the two at this delay, 0 to 1. Speech
	// through the codec has 0.6 and more, other speech less than 0.3.
	Confidence float64
	// Stretch is how much the delay grew from the start to the end, in samples.
	// It is exact for whole blocks and for clocks less than 0.1 % apart; beyond
	// that the confidence falls.
	Stretch int
	// Pieces are those parts of clean that hold speech and were found again.
	Pieces []Piece
	// STOI and ESTOI are the published measures, without any mapping.
	STOI, ESTOI float64
	// Similarity is 0 for speech that has nothing to do with what was said and
	// 1 for the same; see the function.
	Similarity float64
	// Clicks, Gaps and Repeats are places in heard, in samples, that clean does
	// not explain.
	Clicks, Gaps, Repeats []int
}

// MouthToEar returns the delay as a time.
func (r Report) MouthToEar() time.Duration { return duration(r.Delay) }

// Whole reports whether the speech came without click, gap, repeat or stretch.
// A stretch of a millisecond is no more than the uncertainty of the measure.
func (r Report) Whole() bool {
	const tolerance = SampleRate / 1000
	return len(r.Clicks)+len(r.Gaps)+len(r.Repeats) == 0 && max(r.Stretch, -r.Stretch) <= tolerance
}

// Compare measures heard against clean.
func Compare(clean, heard []float32) Report {
	a := Align(clean, heard)
	stoi, estoi := Intelligibility(clean, cut(heard, a.Delay, len(clean)))
	return Report{
		Delay:      a.Delay,
		Confidence: a.Confidence,
		Stretch:    a.Stretch,
		Pieces:     a.Pieces,
		STOI:       stoi,
		ESTOI:      estoi,
		Similarity: Similarity(estoi),
		Clicks:     Clicks(clean, heard, a.Delay),
		Gaps:       Gaps(clean, heard, a.Delay),
		Repeats:    Repeats(clean, heard, a.Delay),
	}
}

// cut returns n samples of pcm from start on, with silence where it has none.
func cut(pcm []float32, start, n int) []float32 {
	out := make([]float32, n)
	switch {
	case start >= len(pcm):
	case start >= 0:
		copy(out, pcm[start:])
	case -start < n:
		copy(out[-start:], pcm)
	}
	return out
}

// Similarity maps ESTOI to a scale from 0 to 1 by cutting off what is below
// zero, nothing else. ESTOI is the correlation of short-time spectra and needs
// no stretching to tell speech from other speech: through the codec it is 0.99
// at 20 ms, 0.98 at 40 ms and 0.88 at 100 ms; with another sentence, the speech
// reversed, or silence at most 0.2, however the two are aligned.
func Similarity(estoi float64) float64 { return min(1, max(0, estoi)) }

func duration(samples int) time.Duration {
	return time.Duration(samples) * time.Second / SampleRate
}
