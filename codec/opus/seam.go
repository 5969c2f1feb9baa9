package opus

import (
	"math"

	"undertone/codec"
)

// Constants of a seam, in samples.
const (
	// seamFade is how long what was guessed fades into what was said.
	seamFade = codec.SampleRate / 200
	// seamDelay is how much of the sound of a packet is still that of the one before:
	// libopus has a filter that is longer, and the sound jumps 37 samples from the start.
	seamDelay = 24
	// From seamLeast to seamMost at least one period of a voice ends, or two or more.
	seamLeast = seamFade
	seamMost  = codec.SampleRate / 80
	// seamAlike is how much of the past is compared.
	seamAlike = codec.SampleRate / 200
	// seamStep is how many samples make one of the coarse search.
	seamStep = 6
	// seamPast is how much of the past is kept.
	seamPast = (seamMost + seamAlike + 2*seamStep) / seamStep * seamStep
)

// A seam joins what was decoded to the guess before it. libopus lets the voice run
// on where a packet is missing, in a period that is never quite right, and then goes
// on with the next packet as that says: there the sound jumps. So the guess runs on
// for a while, by its own last period, and fades:
//
//	guessed        |~~~~~~~~~~~~~~|- - - - fades
//	decoded                       |  rises - - - |~~~~~~~~~~~~~~~~
//
// It looks for the period after every packet, so that it costs the same.
type seam struct {
	open   bool              // the newest packet was guessed
	past   [seamPast]float32 // the newest samples
	coarse [seamPast / seamStep]float32
	lag    int // by which they are most like themselves
}

// guessed notes that pcm, the sound of a packet, is a guess.
func (s *seam) guessed(pcm []float32) {
	s.keep(pcm)
	s.open = true
}

// decoded joins pcm, the sound of a packet, to what was before.
func (s *seam) decoded(pcm []float32) {
	if s.open {
		s.join(pcm)
	}
	s.keep(pcm)
	s.open = false
}

func (s *seam) reset() { *s = seam{lag: seamLeast} }

// join lets the past run on in pcm, and fade. What libopus gives first still belongs to
// the past, and is as smooth as that: so it becomes what runs on and only that becomes
// what is new. A run that began at once would have a kink there, which is a click.
func (s *seam) join(pcm []float32) {
	from, n := seamPast-s.lag, min(seamFade, len(pcm))
	off := s.past[seamPast-1] - s.past[from-1]
	for i := range n {
		new := rise(i, n)
		on := s.past[from+i] + off*(1-new)
		pcm[i] += rise(i, seamDelay) * (1 - new) * (on - pcm[i])
	}
}

// rise goes from 0 to 1 over n samples, with no kink at either end.
func rise(i, n int) float32 {
	x := min((float32(i)+0.5)/float32(n), 1)
	return x * x * x * (10 + x*(6*x-15))
}

// keep remembers the end of pcm, and looks for its period.
func (s *seam) keep(pcm []float32) {
	if len(pcm) < seamPast {
		copy(s.past[:], s.past[len(pcm):])
		copy(s.past[seamPast-len(pcm):], pcm)
	} else {
		copy(s.past[:], pcm[len(pcm)-seamPast:])
	}
	for i := range s.coarse {
		var sum float32
		for _, v := range s.past[i*seamStep:][:seamStep] {
			sum += v
		}
		s.coarse[i] = sum
	}
	about := seamStep * likest(s.coarse[:], seamAlike/seamStep, seamLeast/seamStep, seamMost/seamStep)
	s.lag = likest(s.past[:], seamAlike, max(about-seamStep, seamLeast), min(about+seamStep, seamMost))
}

// likest returns by how much, from low to high, the last n samples of x are most like
// those before.
func likest(x []float32, n, low, high int) int {
	end := x[len(x)-n:]
	best, top := low, math.Inf(-1)
	for lag := low; lag <= high; lag++ {
		var dot, energy float32
		was := x[len(x)-n-lag:][:n]
		for i, v := range end {
			dot += v * was[i]
			energy += was[i] * was[i]
		}
		if score := float64(dot) / math.Sqrt(float64(energy)+1e-9); score > top {
			best, top = lag, score
		}
	}
	return best
}
