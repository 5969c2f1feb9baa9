package codec

import "fmt"

// The sample rates that a Resampler takes, in samples per second.
const (
	MinRate = 8000
	MaxRate = 192000
)

const (
	resamplerCrossings = 32
	resamplerPhases    = 512
	// resamplerEdge is how much of the narrower band is kept: the rest is the
	// slope of the filter.
	resamplerEdge = 0.94
)

// A Resampler turns a stream of one sample rate into one of another, for
// files. It adds no delay: the first sample out is the first sample in. It is
// made for good sound, not for the slot path; see Drift for that.
type Resampler struct {
	from, to int
	filter   *sinc
	buf      []float32 // input not yet used up, from taps/2-1 before at
	frac     int       // position within the sample at the centre, in 1/to
	in, out  int       // samples taken and given so far
}

// NewResampler returns a Resampler between two rates in samples per second.
func NewResampler(from, to int) (*Resampler, error) {
	for _, r := range []int{from, to} {
		if r < MinRate || r > MaxRate {
			return nil, fmt.Errorf("sample rate %d: use one between %d and %d", r, MinRate, MaxRate)
		}
	}
	r := &Resampler{from: from, to: to}
	if from != to {
		cutoff := resamplerEdge * min(1, float64(to)/float64(from))
		r.filter = newSinc(cutoff, resamplerCrossings, phasesFor(from, to))
	}
	r.Reset()
	return r, nil
}

// phasesFor returns how many fractions of a sample are tabulated: if possible
// all that occur, which saves the interpolation.
func phasesFor(from, to int) int {
	a, b := from, to
	for b != 0 {
		a, b = b, a%b
	}
	occur := to / a
	if occur > 4*resamplerPhases {
		return resamplerPhases
	}
	return occur
}

// Reset forgets the stream, to start another.
func (r *Resampler) Reset() {
	r.buf, r.frac, r.in, r.out = r.buf[:0], 0, 0, 0
	if r.filter != nil {
		r.buf = append(r.buf, make([]float32, r.filter.taps/2-1)...)
	}
}

// Append appends to dst what can be given after src and returns it. Some
// samples stay inside until more comes or Flush is called.
func (r *Resampler) Append(dst, src []float32) []float32 {
	r.in += len(src)
	if r.filter == nil {
		r.out += len(src)
		return append(dst, src...)
	}
	r.buf = append(r.buf, src...)
	return r.drain(dst)
}

// Flush appends to dst the end of the stream, as if silence followed, and
// starts a new stream. All in all the stream has as many samples as went in,
// times the ratio of the rates, rounded up.
func (r *Resampler) Flush(dst []float32) []float32 {
	defer r.Reset()
	if r.filter == nil {
		return dst
	}
	r.buf = append(r.buf, make([]float32, r.filter.taps)...)
	end := len(dst) + (r.in*r.to+r.from-1)/r.from - r.out
	return r.drain(dst)[:end]
}

// drain gives every sample for which the filter has all it needs.
func (r *Resampler) drain(dst []float32) []float32 {
	at := 0
	for at+r.filter.taps <= len(r.buf) {
		dst = append(dst, r.filter.at(r.buf[at:], float64(r.frac)/float64(r.to)))
		r.out++
		r.frac += r.from
		at += r.frac / r.to // at most MaxRate/MinRate, far less than taps
		r.frac %= r.to
	}
	r.buf = r.buf[:copy(r.buf, r.buf[at:])]
	return dst
}

// Convert returns pcm, taken at one rate, at another.
func Convert(pcm []float32, from, to int) ([]float32, error) {
	r, err := NewResampler(from, to)
	if err != nil {
		return nil, err
	}
	out := make([]float32, 0, (len(pcm)+r.tail())*to/from+1)
	return r.Flush(r.Append(out, pcm)), nil
}

// tail is how many samples of silence Flush adds.
func (r *Resampler) tail() int {
	if r.filter == nil {
		return 0
	}
	return r.filter.taps
}
