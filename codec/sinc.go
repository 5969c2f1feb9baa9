package codec

import "math"

// A sinc is a low-pass filter that can be read between the samples: a Kaiser
// windowed sinc, tabulated at many fractions of a sample and interpolated
// linearly between them.
type sinc struct {
	taps   int       // length of the filter, even
	phases int       // fractions of a sample in the table
	table  []float32 // phases+1 rows of taps
}

// kaiserBeta gives about 90 dB of stop band.
const kaiserBeta = 9

// newSinc makes a filter that passes what is below cutoff, a fraction of half
// the sample rate, with the given number of zero crossings on each side.
func newSinc(cutoff float64, crossings, phases int) *sinc {
	half := int(math.Ceil(float64(crossings) / cutoff))
	s := &sinc{taps: 2 * half, phases: phases}
	s.table = make([]float32, (phases+1)*s.taps)
	for p := range phases + 1 {
		s.fillRow(s.table[p*s.taps:(p+1)*s.taps], float64(p)/float64(phases), cutoff)
	}
	return s
}

// fillRow computes the filter that reads frac of a sample after the tap half-1
// and normalises it, so that a constant stays what it is.
func (s *sinc) fillRow(row []float32, frac, cutoff float64) {
	half := float64(s.taps / 2)
	sum := 0.0
	for t := range row {
		x := float64(t) - (half - 1) - frac
		sum += kernel(x, half, cutoff)
	}
	for t := range row {
		x := float64(t) - (half - 1) - frac
		row[t] = float32(kernel(x, half, cutoff) / sum)
	}
}

// kernel is the windowed sinc at x samples from its centre.
func kernel(x, half, cutoff float64) float64 {
	r := x / half
	if r <= -1 || r >= 1 {
		return 0
	}
	w := bessel0(kaiserBeta*math.Sqrt(1-r*r)) / bessel0(kaiserBeta)
	if x == 0 {
		return cutoff * w
	}
	return math.Sin(math.Pi*cutoff*x) / (math.Pi * x) * w
}

// bessel0 is the modified Bessel function of the first kind and order zero.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= (x / (2 * k)) * (x / (2 * k))
		sum += term
	}
	return sum
}

// at reads x, which has taps samples, frac of a sample after x[taps/2-1].
func (s *sinc) at(x []float32, frac float64) float32 {
	_ = x[s.taps-1]    // is for the race detector, which does not look into row and rows
	const exact = 1e-6 // nearer to a row than this is on it
	pos := frac * float64(s.phases)
	p := int(pos + exact)
	w := float32(pos - float64(p))
	if w < exact {
		return s.row(x, p)
	}
	low, high := s.rows(x, p)
	return low + w*(high-low)
}

// row applies row p. It keeps two sums, so that one addition need not wait for
// the one before; there is an even number of taps. Who reads a sound goes through all of
// it, so that nearly each sample is once the last of x: that the race detector sees, and does
// not take ten times as long.
//
//go:norace
func (s *sinc) row(x []float32, p int) float32 {
	x = x[:s.taps]
	a := s.table[p*s.taps : (p+1)*s.taps][:len(x)]
	var even, odd float32
	for i := 0; i+1 < len(x); i += 2 {
		even += a[i] * x[i]
		odd += a[i+1] * x[i+1]
	}
	return even + odd
}

// rows applies rows p and p+1 in one pass.
//
//go:norace
func (s *sinc) rows(x []float32, p int) (low, high float32) {
	x = x[:s.taps]
	a := s.table[p*s.taps : (p+1)*s.taps][:len(x)]
	b := s.table[(p+1)*s.taps : (p+2)*s.taps][:len(x)]
	var low2, high2 float32
	for i := 0; i+1 < len(x); i += 2 {
		low += a[i] * x[i]
		high += b[i] * x[i]
		low2 += a[i+1] * x[i+1]
		high2 += b[i+1] * x[i+1]
	}
	return low + low2, high + high2
}
