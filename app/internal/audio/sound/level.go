package sound

import (
	"math"
	"sync/atomic"
)

// A Level is how loud the sound of one slot was: 1 is the loudest there can be.
type Level struct {
	Peak, RMS float32
}

// A meter keeps the level of the last slot. One goroutine measures, any may
// read: both numbers are in one word, so that they belong together.
type meter struct{ bits atomic.Uint64 }

// measure looks at every sample, and does the same for each. The squares of the
// last of a fading sound are too small for a float32, which takes processors long.
func (m *meter) measure(pcm []float32) {
	var peak float32
	var sum float64
	for _, v := range pcm {
		peak = max(peak, v, -v)
		sum += float64(v) * float64(v)
	}
	rms := float32(math.Sqrt(sum / float64(max(1, len(pcm)))))
	m.bits.Store(uint64(math.Float32bits(peak))<<32 | uint64(math.Float32bits(rms)))
}

func (m *meter) level() Level {
	b := m.bits.Load()
	return Level{Peak: math.Float32frombits(uint32(b >> 32)), RMS: math.Float32frombits(uint32(b))}
}

// Level returns how loud it was in the last slot: silence out of a call.
func (m *Mic) Level() Level { return m.meter.level() }

// Level returns how loud that was which was last written, in a call or not.
func (s *Speaker) Level() Level { return s.meter.level() }
