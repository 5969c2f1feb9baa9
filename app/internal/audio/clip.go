package audio

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"undertone/transport/cell"
)

// A Clip is a Source that plays sound held in memory, from its beginning
// whenever it goes live, and is silent afterwards. The sound is held at 48 kHz
// and 16 bits, so that a call does no more work for it than a copy.
type Clip struct {
	samples []int16

	state atomic.Uint32 // odd while live; each change is one more
	start mark
	done  chan struct{}
	end   sync.Once

	// Read's own.
	seen uint32
	next int
}

// NewClip makes a clip of pcm, which it copies. Samples outside [-1, 1] are cut.
func NewClip(pcm []float32) *Clip {
	samples := make([]int16, len(pcm))
	quantize(samples, pcm)
	return newClip(samples)
}

func newClip(samples []int16) *Clip {
	return &Clip{samples: samples, start: mark{base: time.Now()}, done: make(chan struct{})}
}

// Length returns how long the clip plays.
func (c *Clip) Length() time.Duration { return Duration(len(c.samples)) }

// Live starts the clip from its beginning, or stops it.
func (c *Clip) Live(on bool) {
	if on && c.state.Load()%2 == 0 {
		c.start.reset() // before Read can mark
	}
	change(&c.state, on)
}

// Read gives the next samples of the clip.
func (c *Clip) Read(pcm []float32) {
	state := c.state.Load()
	if state != c.seen {
		c.seen, c.next = state, 0
	}
	if state%2 == 0 {
		clear(pcm)
		return
	}
	c.start.set(time.Now().Add(-Duration(len(pcm))))
	n := min(len(pcm), len(c.samples)-c.next)
	for i, s := range c.samples[c.next : c.next+n] {
		pcm[i] = float32(s) / 32768
	}
	clear(pcm[n:])
	c.next += n
	if c.next == len(c.samples) {
		c.end.Do(func() { close(c.done) })
	}
}

// Done is closed when the clip has been read to its end for the first time.
func (c *Clip) Done() <-chan struct{} { return c.done }

// Began returns when the clip's first sample was "heard": one interval before
// the first Read since it went live.
func (c *Clip) Began() (time.Time, bool) { return c.start.get() }

// Close does nothing: a clip holds only memory.
func (c *Clip) Close() error { return nil }

// change moves a state counter, odd while live, to on. Counting lets Read see
// that there was an end and a new start between two slots.
func change(state *atomic.Uint32, on bool) {
	for {
		old := state.Load()
		if (old%2 == 1) == on || state.CompareAndSwap(old, old+1) {
			return
		}
	}
}

// quantize turns pcm into 16-bit samples, cutting what is too loud. Going back
// by 1/32768 gives the same 16 bits again.
func quantize(dst []int16, pcm []float32) {
	for i, v := range pcm {
		switch {
		case v >= 32767.0/32768:
			dst[i] = math.MaxInt16
		case v > -1:
			dst[i] = int16(math.RoundToEven(float64(v) * 32768)) //nolint:gosec // checked
		case v <= -1:
			dst[i] = math.MinInt16
		default: // not a number
			dst[i] = 0
		}
	}
}

// Tone makes a clip's worth of a sine of the given frequency in Hz and
// amplitude, for tests and for trying out devices.
func Tone(hz, amplitude float64, length time.Duration) []float32 {
	pcm := make([]float32, Samples(length))
	for i := range pcm {
		pcm[i] = float32(amplitude * math.Sin(2*math.Pi*hz*float64(i)/cell.SampleRate))
	}
	return pcm
}
