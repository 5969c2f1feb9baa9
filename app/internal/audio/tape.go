package audio

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Tape is a Sink that keeps in memory what it heard while live, up to a
// length given at the start. Going live again goes on where it stopped.
type Tape struct {
	live  atomic.Bool
	start mark

	mu      sync.Mutex // held for the time of a copy only
	samples []float32
}

// NewTape makes a tape for the given length; what comes after it is dropped.
func NewTape(length time.Duration) *Tape {
	return &Tape{samples: make([]float32, 0, Samples(length)), start: mark{base: time.Now()}}
}

// Live starts or stops recording.
func (t *Tape) Live(on bool) {
	if on && !t.live.Load() {
		t.start.reset() // before Write can mark
	}
	t.live.Store(on)
}

// Write records pcm.
func (t *Tape) Write(pcm []float32) {
	if !t.live.Load() {
		return
	}
	t.start.set(time.Now())
	t.mu.Lock()
	defer t.mu.Unlock()
	n := min(len(pcm), cap(t.samples)-len(t.samples))
	t.samples = append(t.samples, pcm[:n]...)
}

// Samples returns a copy of what was recorded until now.
func (t *Tape) Samples() []float32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.samples)
}

// Began returns when the first sample since the tape went live was written.
func (t *Tape) Began() (time.Time, bool) { return t.start.get() }

// Close does nothing: a tape holds only memory.
func (t *Tape) Close() error { return nil }
