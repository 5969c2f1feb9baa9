package quality

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/dsp/fourier"

	"undertone/codec"
)

const (
	// coarseRate is the rate at which delays are looked for, in samples per
	// second: the telephone band, which every codec keeps best.
	coarseRate = 8000
	coarseStep = SampleRate / coarseRate

	// The delay is measured on pieces of half a second, each up to 0.4 s away
	// from that of the whole.
	pieceLength = coarseRate / 2
	pieceHop    = pieceLength / 2
	pieceReach  = coarseRate * 4 / 10

	// pieceTrust is the correlation from which on a piece counts.
	pieceTrust = 0.4

	// activeLevel is the power, relative to the mean of the whole sound, from
	// which on a piece of it counts as speech: -16 dB.
	activeLevel = 0.025
)

// An Alignment says where the clean sound is in the heard one.
type Alignment struct {
	// Delay is the median over the pieces, in samples: heard[i+Delay] is
	// clean[i].
	Delay int
	// Confidence is the median correlation of the pieces, 0 to 1.
	Confidence float64
	// Stretch is the delay of the last pieces less that of the first.
	Stretch int
	// Pieces are those parts of the clean sound that hold speech and were
	// found again, in order.
	Pieces []Piece
}

// A Piece is half a second of the clean sound.
type Piece struct {
	At          int     // where it begins in the clean sound, in samples
	Delay       int     // how much later it was heard, in samples
	Correlation float64 // with what was heard there, at most 1
}

// Align looks for clean in heard. Sounds that have nothing in common give some
// delay and a confidence near zero.
func Align(clean, heard []float32) Alignment {
	c, h := coarse(clean), coarse(heard)
	if len(c) == 0 || len(h) == 0 {
		return Alignment{}
	}
	whole := newMatcher(len(c)+len(h)).bestLag(c, h, -len(c), len(h))
	m := newMatcher(2 * (pieceLength + pieceReach))
	a := Alignment{Delay: whole * coarseStep}
	var found []float64
	for _, at := range activePieces(c) {
		lag, r := m.pieceLag(c[at:at+pieceLength], h, at+whole)
		found = append(found, r)
		if r < pieceTrust {
			continue
		}
		p := Piece{At: at * coarseStep, Delay: (lag + whole) * coarseStep, Correlation: r}
		p.Delay = refine(clean, heard, p)
		a.Pieces = append(a.Pieces, p)
	}
	if len(found) > 0 {
		a.Confidence = max(0, median(found))
	}
	if len(a.Pieces) > 0 {
		a.Delay = medianDelay(a.Pieces)
		k := (len(a.Pieces) + 3) / 4
		a.Stretch = medianDelay(a.Pieces[len(a.Pieces)-k:]) - medianDelay(a.Pieces[:k])
	}
	return a
}

// coarse brings sound to the coarse rate and lifts its high end, which sharpens
// the peak of a correlation of speech.
func coarse(pcm []float32) []float64 {
	low, err := codec.Convert(pcm, SampleRate, coarseRate)
	if err != nil {
		return nil // both rates are constants that the resampler takes
	}
	out := make([]float64, len(low))
	last := 0.0
	for i, v := range low {
		out[i] = float64(v) - 0.9*last
		last = float64(v)
	}
	return out
}

// activePieces returns where pieces begin that hold speech.
func activePieces(c []float64) []int {
	mean := power(c)
	var at []int
	for i := 0; i+pieceLength <= len(c); i += pieceHop {
		if p := power(c[i : i+pieceLength]); p > 0 && p >= activeLevel*mean {
			at = append(at, i)
		}
	}
	return at
}

// power is the mean square.
func power(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return sum / float64(max(1, len(x)))
}

// pieceLag looks for piece in h near at. It returns how far from there it is,
// and the correlation.
func (m matcher) pieceLag(piece, h []float64, at int) (lag int, r float64) {
	near := make([]float64, pieceLength+2*pieceReach)
	for i := range near {
		if k := at - pieceReach + i; k >= 0 && k < len(h) {
			near[i] = h[k]
		}
	}
	k := m.bestLag(piece, near, 0, 2*pieceReach+1)
	return k - pieceReach, correlation(piece, near[k:k+pieceLength])
}

// A matcher correlates signals of up to a length together; one for many
// pieces saves most of the work.
type matcher struct {
	size int
	fft  *fourier.FFT
}

func newMatcher(length int) matcher {
	size := 1
	for size < length {
		size *= 2
	}
	return matcher{size, fourier.NewFFT(size)}
}

// bestLag returns the lag from low up to but not including high for which
// b, that much later, is most like a.
func (m matcher) bestLag(a, b []float64, low, high int) int {
	size, fft := m.size, m.fft
	ca := fft.Coefficients(nil, padded(a, size))
	cb := fft.Coefficients(nil, padded(b, size))
	for i := range ca {
		cb[i] *= complex(real(ca[i]), -imag(ca[i]))
	}
	cross := fft.Sequence(nil, cb)
	best, top := low, math.Inf(-1)
	for lag := low; lag < high; lag++ {
		if v := cross[(lag+size)%size]; v > top {
			best, top = lag, v
		}
	}
	return best
}

func padded(x []float64, size int) []float64 {
	return append(slices.Clone(x), make([]float64, size-len(x))...)
}

// correlation is the cosine of the angle between two signals.
func correlation(a, b []float64) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += a[i] * b[i]
		aa += a[i] * a[i]
		bb += b[i] * b[i]
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// refine gives the delay of a piece to the sample. Every third sample is
// enough for what speech holds below 8 kHz.
func refine(clean, heard []float32, p Piece) int {
	best, top := p.Delay, math.Inf(-1)
	c := clean[p.At:min(len(clean), p.At+pieceLength*coarseStep)]
	for d := p.Delay - coarseStep; d <= p.Delay+coarseStep; d++ {
		sum := 0.0
		for i := 0; i < len(c); i += 3 {
			if k := p.At + i + d; k >= 0 && k < len(heard) {
				sum += float64(c[i]) * float64(heard[k])
			}
		}
		if sum > top {
			best, top = d, sum
		}
	}
	return best
}

func medianDelay(pieces []Piece) int {
	d := make([]float64, len(pieces))
	for i, p := range pieces {
		d[i] = float64(p.Delay)
	}
	return int(median(d))
}

// median returns the middle of x, the lower one of two.
func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	return s[(len(s)-1)/2]
}
