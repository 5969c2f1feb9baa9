package codec

// Constants of a stretcher, in samples. A piece is the shortest slot, so that
// every slot is some of them.
const (
	stretchPiece = SampleRate / 50
	// stretchMost is the longest step: the period of a deep voice, of 80 Hz.
	stretchMost = SampleRate / 80
	// stretchLeast is the shortest, the period of 400 Hz. Shorter ones say less
	// about the voice than about one overtone of it.
	stretchLeast = SampleRate / 400
	// stretchFade is the rest of a piece: how long one place fades into the other.
	stretchFade = stretchPiece - stretchMost
	// stretchStep is how many samples make one of the coarse search.
	stretchStep = 6
)

const (
	// stretchAlike is how alike two places must be for what is between them to be
	// left out: leaving out can wait for a vowel or a pause. Making longer cannot.
	stretchAlike = 0.9
	// stretchQuiet is the level, of the 16 bits that the search looks at, below
	// which nobody hears what is left out: -46 dB.
	stretchQuiet = 160
	// stretchBias is what a step may lose in likeness by being as long as is asked
	// for rather than the shortest or the longest there is.
	stretchBias = 0.05
)

// A stretcher makes a slot of sound a little longer or shorter without changing
// its pitch. The method is overlap-add at the place where the waveform is most
// similar to itself (W. Verhelst and M. Roelands, "An overlap-add technique based
// on waveform similarity (WSOLA) for high quality time-scale modification of
// speech", ICASSP 1993), with no more than one step in each piece of 20 ms, as
// much as one or some periods of the voice. With the last 7.5 ms of a piece, a,
// and what is most like it one step earlier, b:
//
//	piece    |-------------------|==b==|-----|==a==|
//	longer   |-------------------------------|a → b|-----|==a==|
//	shorter  |-------------------|b → a|
//
// So a piece ends as it ended and begins as it began: what comes before and after
// need not be known, and nothing waits. The step is found in two passes, at 8 kHz
// and then, around what was found, at the full rate.
//
// The search is done in every piece, whatever is asked for, on whole numbers, so
// that it costs the same for speech, silence and what fades beyond hearing.
type stretcher struct {
	fine   [stretchPiece]float32               // the piece, in 16 bits
	coarse [stretchPiece / stretchStep]float32 // the same at 8 kHz
	seam   [stretchFade]float32
	out    []float32
}

// newStretcher returns a stretcher for slots of n samples.
func newStretcher(n int) stretcher {
	return stretcher{out: make([]float32, 0, n+n/stretchPiece*stretchMost)}
}

// play returns pcm longer by about more samples, or shorter by at most as many if
// it is negative; in silence and in vowels it can, elsewhere it may stay as it is.
// It gets longer by 5/8 at most, and by one period of a voice too much perhaps.
// What is returned is valid until the next call.
func (s *stretcher) play(pcm []float32, more int) []float32 {
	out := s.out[:0]
	for ; len(pcm) >= stretchPiece; pcm = pcm[stretchPiece:] {
		piece := pcm[:stretchPiece]
		s.look(piece)
		lag, alike := s.step(more)
		switch {
		case more > 0:
			s.fade(piece[stretchMost:], piece[stretchMost-lag:])
			out = append(out, piece[:stretchMost]...)
			out = append(out, s.seam[:]...)
			out = append(out, piece[stretchPiece-lag:]...)
			more -= lag
		case more <= -stretchLeast && alike:
			s.fade(piece[stretchMost-lag:], piece[stretchMost:])
			out = append(out, piece[:stretchMost-lag]...)
			out = append(out, s.seam[:]...)
			more += lag
		default:
			s.fade(piece, piece)
			out = append(out, piece...)
		}
	}
	return append(out, pcm...)
}

// fade makes the seam, in which a becomes b.
func (s *stretcher) fade(a, b []float32) {
	a, b = a[:stretchFade], b[:stretchFade]
	for i := range s.seam {
		s.seam[i] = a[i] + ramp(i, stretchFade)*(b[i]-a[i])
	}
}

// look prepares the search in a piece.
func (s *stretcher) look(piece []float32) {
	for i := range s.coarse {
		var sum float32
		for k := range stretchStep {
			v := float32(int32(piece[i*stretchStep+k] * (1 << 15)))
			s.fine[i*stretchStep+k] = v
			sum += v
		}
		s.coarse[i] = float32(int32(sum / stretchStep))
	}
}

// step returns how far before the end of the piece the place is that suits best,
// and whether what lies between may be left out.
func (s *stretcher) step(more int) (lag int, alike bool) {
	goal, most := min(max(more, stretchLeast), stretchMost), stretchMost
	if more < 0 {
		goal = min(max(-more, stretchLeast), stretchMost)
		most = goal
	}
	lag = s.search(s.coarse[:], stretchLeast/stretchStep, stretchMost/stretchStep, goal/stretchStep, most/stretchStep)
	low := min(max(lag*stretchStep-stretchStep+1, stretchLeast), stretchMost-2*stretchStep+2)
	lag = s.search(s.fine[:], low, low+2*stretchStep-2, lag*stretchStep, most)
	dot, energy := likeness(s.fine[:], stretchMost, stretchMost-lag, stretchFade)
	return lag, 2*dot >= stretchAlike*energy || energy < 2*stretchFade*stretchQuiet*stretchQuiet
}

// search returns the step from low to high by which the end of x is most like
// what it comes after. The nearer to goal the better; beyond most is too long.
func (s *stretcher) search(x []float32, low, high, goal, most int) int {
	n := len(x) * stretchFade / stretchPiece
	at := len(x) - n
	best, top := low, float32(-2)
	for lag := low; lag <= high; lag++ {
		dot, energy := likeness(x, at, at-lag, n)
		off := max(lag-goal, goal-lag)
		score := 2*dot/(energy+1) - stretchBias*float32(off)/float32(at)
		if score > top && lag <= most {
			best, top = lag, score
		}
	}
	return best
}

// likeness returns the product of two places in x and the sum of their energies:
// twice the one over the other is 1 for the same sound, and less if they differ in
// shape or in level. What it reads belongs to its caller alone, and under the race
// detector it would take ten times as long.
//
//go:norace
func likeness(x []float32, a, b, n int) (dot, energy float32) {
	p, q := x[a:a+n], x[b:b+n]
	q = q[:len(p)]
	var dot2, energy2 float32
	for i := 0; i+1 < len(p); i += 2 {
		dot += p[i] * q[i]
		energy += p[i]*p[i] + q[i]*q[i]
		dot2 += p[i+1] * q[i+1]
		energy2 += p[i+1]*p[i+1] + q[i+1]*q[i+1]
	}
	return dot + dot2, energy + energy2
}
