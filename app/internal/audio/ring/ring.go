// Package ring makes the sound of a call that comes in. It has a loudspeaker of
// its own, so that it can ring in the room while calls are heard in a headset:
//
//	           Ring(true)
//	┌───────┐ ───────────▶ ┌─────────┐   every 100 ms, ringing or not, a piece is
//	│ quiet │              │ ringing │   written to the loudspeaker; quiet ones
//	└───────┘ ◀─────────── └─────────┘   are dropped, as its device is closed
//	           Ring(false)
//
// Whoever is in the room hears it, which is what it is for. Nobody else does: the
// loudspeaker's process runs all the time (see audio/sound), so that ringing
// starts none, and the same number of pieces is written all the time.
//
// Who may call: Ring and Close from any goroutine.
package ring

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"undertone/app/internal/audio"
	"undertone/transport/cell"
)

// piece is how much is written at a time.
const piece = 100 * time.Millisecond

// A Ringer rings, or not.
type Ringer struct {
	sink audio.Sink
	mu   sync.Mutex // on and the sink's Live change together
	on   atomic.Bool

	quit chan struct{}
	done chan struct{}
	once sync.Once
}

// New returns a ringer that is quiet. It closes sink when it is closed.
func New(sink audio.Sink) *Ringer {
	r := &Ringer{sink: sink, quit: make(chan struct{}), done: make(chan struct{})}
	go r.run()
	return r
}

// Ring begins to ring, from the beginning, or ends it.
func (r *Ringer) Ring(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.on.Swap(on) != on {
		r.sink.Live(on)
	}
}

// Close ends it.
func (r *Ringer) Close() error {
	r.once.Do(func() { close(r.quit) })
	<-r.done
	return r.sink.Close()
}

func (r *Ringer) run() {
	defer close(r.done)
	tick := time.NewTicker(piece)
	defer tick.Stop()
	song := song()
	pcm := make([]float32, audio.Samples(piece))
	at := 0
	for {
		select {
		case <-tick.C:
		case <-r.quit:
			return
		}
		if r.on.Load() {
			copy(pcm, song[at:])
			at = (at + len(pcm)) % len(song)
		} else {
			clear(pcm)
			at = 0
		}
		r.sink.Write(pcm)
	}
}

// The sound: a high and a low note, like a door bell, and a pause.
const (
	high, low  = 659.26, 523.25 // E5 and C5, in Hz
	noteLength = 480 * time.Millisecond
	period     = 3 * time.Second // a whole number of pieces
	loudness   = 0.3
)

// song is one period of it.
func song() []float32 {
	pcm := make([]float32, audio.Samples(period))
	strike(pcm, high)
	strike(pcm[audio.Samples(noteLength):], low)
	return pcm
}

// strike adds a note that begins softly and dies away as a bell's does, its
// overtones first.
func strike(pcm []float32, hz float64) {
	const attack, decay, end = 0.010, 0.25, 1.5 // seconds
	for i := range min(len(pcm), end*cell.SampleRate) {
		t := float64(i) / cell.SampleRate
		dying := math.Exp(-t / decay)
		v := math.Sin(2*math.Pi*hz*t) + 0.4*dying*math.Sin(4*math.Pi*hz*t) + 0.2*dying*dying*math.Sin(6*math.Pi*hz*t)
		pcm[i] += float32(loudness * v / 1.6 * dying * min(1, t/attack, (end-t)/attack))
	}
}
