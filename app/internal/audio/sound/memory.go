package sound

import (
	"sync/atomic"
)

// RingSize is how many samples a ring holds, a power of two: 683 ms.
const RingSize = 1 << 15

// A Line is what one side writes and the other reads, alone in its cache line.
type Line struct {
	Count  atomic.Uint64 // samples since the memory was made
	Faults atomic.Uint64 // overflows or underflows
	When   atomic.Uint64 // of the newest callback, in ns of CLOCK_MONOTONIC; 0 while Count moves
	Each   atomic.Uint64 // samples that it was for
	Late   atomic.Uint64 // callbacks that came when the device had run dry
	_      [24]byte
}

// A Memory is what parent and helper share. The helper's callbacks, written in
// C for real devices, advance Captured and Played; the parent advances Queued.
// Whoever reads a count or a time checks it: the other side may have gone mad.
type Memory struct {
	Captured Line
	Played   Line
	Queued   Line
	Capture  [RingSize]float32
	Playback [RingSize]float32
}

// look returns the count, when it became that, or 0 if that is not known, and by how much: guess, if callbacks
// say what cannot be.
func (l *Line) look(guess int) (count, when uint64, each int) {
	for range 3 { // A callback may come in between, but not every time.
		when = l.When.Load()
		count = l.Count.Load()
		if l.When.Load() == when {
			break
		}
		when = 0
	}
	if each := l.Each.Load(); each >= millisecond && each <= chunk {
		return count, when, int(each) //nolint:gosec // at most chunk
	}
	return count, when, guess
}
