// Package ring makes the sounds of calls: of one that comes in, of one that goes out and
// was not answered yet, and, once and softly, of somebody who calls during another call.
// It has a loudspeaker of its own, so that it can ring in the room while calls are heard
// in a headset:
//
//	        Ring(true), Calls(true), Knock()
//	┌───────┐ ───────────▶ ┌───────┐   every 100 ms, sounding or not, a piece is
//	│ quiet │              │ plays │   written to the loudspeaker; quiet ones
//	└───────┘ ◀─────────── └───────┘   are dropped, as its device is closed
//	        Ring(false), Calls(false), the end of the knock
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
	sink  audio.Sink
	mu    sync.Mutex    // plays and the sink's Live change together
	plays atomic.Uint32 // a tune
	soft  atomic.Uint32 // by how many percent softer than it can

	quit chan struct{}
	done chan struct{}
	once sync.Once
}

// A tune is what is played.
type tune uint32

const (
	quiet tune = iota
	bell
	calling
	knock
	tunes // one more than the last
)

// New returns a ringer that is quiet. It closes sink when it is closed.
func New(sink audio.Sink) *Ringer {
	r := &Ringer{sink: sink, quit: make(chan struct{}), done: make(chan struct{})}
	go r.run()
	return r
}

// Ring begins to ring, from the beginning, or ends it.
func (r *Ringer) Ring(on bool) { r.play(bell, on) }

// Calls begins to play what a caller hears until he is answered, or ends it.
func (r *Ringer) Calls(on bool) { r.play(calling, on) }

// Knock says softly, once, that somebody calls, unless something else is played.
func (r *Ringer) Knock() {
	if tune(r.plays.Load()) == quiet {
		r.play(knock, true)
	}
}

// play begins a tune in the place of another, or ends it if it is the one that is
// played.
func (r *Ringer) play(t tune, on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was, next := tune(r.plays.Load()), t
	if !on {
		if was != t {
			return
		}
		next = quiet
	}
	r.plays.Store(uint32(next))
	if (was == quiet) != (next == quiet) {
		r.sink.Live(next != quiet)
	}
}

// Softer rings by so many percent softer than it can, from 0 to 100.
func (r *Ringer) Softer(percent int) { r.soft.Store(uint32(min(max(percent, 0), 100))) } //nolint:gosec // it is in between

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
	songs := [tunes][]float32{bell: song(), calling: ringback(), knock: rap()}
	pcm := make([]float32, audio.Samples(piece))
	at, last := 0, quiet
	for {
		select {
		case <-tick.C:
		case <-r.quit:
			return
		}
		now := tune(r.plays.Load())
		if now != last {
			at, last = 0, now
		}
		if now == quiet {
			clear(pcm)
			r.sink.Write(pcm)
			continue
		}
		gain := 1 - float32(r.soft.Load())/100
		for i, v := range songs[now][at : at+len(pcm)] {
			pcm[i] = gain * v
		}
		r.sink.Write(pcm)
		if at = (at + len(pcm)) % len(songs[now]); at == 0 && now == knock {
			r.play(knock, false) // Once is enough.
		}
	}
}

// The bell: a high and a low note, like a door bell, and a pause.
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

// What a caller hears is one note, lower and softer, and a longer pause. A knock are two
// that follow each other fast, softer than anybody's voice.
const (
	distant        = 392.00 // G4
	ringbackPeriod = 4 * time.Second
	ringbackGain   = 0.4
	rapLength      = 900 * time.Millisecond
	rapPause       = 180 * time.Millisecond
	rapGain        = 0.25
)

func ringback() []float32 {
	pcm := make([]float32, audio.Samples(ringbackPeriod))
	strike(pcm, distant)
	return softer(pcm, ringbackGain)
}

func rap() []float32 {
	pcm := make([]float32, audio.Samples(rapLength))
	strike(pcm, low)
	strike(pcm[audio.Samples(rapPause):], low)
	fade(pcm)
	return softer(pcm, rapGain)
}

func softer(pcm []float32, gain float32) []float32 {
	for i := range pcm {
		pcm[i] *= gain
	}
	return pcm
}

// fade ends a sound that is cut off without a click.
func fade(pcm []float32) {
	n := min(len(pcm), audio.Samples(piece))
	for i := range n {
		pcm[len(pcm)-1-i] *= float32(i) / float32(n)
	}
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
