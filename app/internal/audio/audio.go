// Package audio is where a call's sound comes from and goes to. All sound is
// mono, 48,000 samples per second, float32 in [-1, 1].
//
// A Device has a Source (a microphone, or a Clip that plays a WAV file) and a
// Sink (a loudspeaker, or a Recorder that writes one), chosen separately:
//
//	            Live(true)                      Live(true)
//	   mic ──┐                               ┌── speaker   (sound.Card)
//	  Clip ──┼─ Source ─ Read ▶ slot ▶ Write ─ Sink ┼── Recorder
//	silence ─┘                               ├── Tape
//	                                         └── silence
//
// What a microphone hears goes through audio/enhance on its way, with what is
// written as the reference: echo cancellation, noise suppression, gain control.
//
//	            Live(true)
//	┌────────┐ ───────────▶ ┌────────┐   idle: Read gives silence, Write drops
//	│  idle  │              │  live  │   live: the microphone is open, the file
//	└────────┘ ◀─────────── └────────┘         plays from its start
//	            Live(false)
//
// Who may call: Read belongs to one goroutine, Write to one, both called once
// per slot; Live, and everything that only asks, may be called from any. None
// of these blocks, waits for a disk or driver, or allocates: a slot must never
// be late because of sound. What can hang is behind rings, in goroutines or in
// the sound helper process (see audio/sound).
//
// A file stands in for a sound card: Read at time t returns the interval that
// ends at t, and what is written at t plays from t on. Began tells these times,
// so that the way from mouth to ear can be measured from file to file.
package audio

import (
	"errors"
	"io"
	"time"

	"undertone/app/internal/audio/enhance"
	"undertone/transport/cell"
)

// A Device is where one user's sound comes from and goes to.
type Device interface {
	// Live opens the microphone and starts files from their beginning, or
	// closes and stops them. It does not wait for that.
	Live(on bool)
	// Read fills pcm with the next consecutive samples up to now, silence where
	// there are none.
	Read(pcm []float32)
	// Write queues pcm for playing from now on.
	Write(pcm []float32)
	// Close ends the use of the device, and returns when all is on disk.
	io.Closer
}

// A Source is the half of a Device that hears.
type Source interface {
	Live(on bool)
	Read(pcm []float32)
	io.Closer
}

// A Sink is the half of a Device that speaks.
type Sink interface {
	Live(on bool)
	Write(pcm []float32)
	io.Closer
}

// A Duplex is a Device of a source and a sink.
type Duplex struct {
	mouth Source
	ear   Sink
	// enhance works on what the mouth hears. It is nil where that is no
	// microphone's, unless asked for.
	enhance *enhance.Processor
	// both is the mouth, if it is one that knows what was played as well.
	both   both
	played []float32 // one slot of that
}

// A both is a source that tells what was played while it heard.
type both interface {
	ReadBoth(pcm, played []float32)
}

var _ Device = (*Duplex)(nil)

// NewDuplex joins a source and a sink. It closes both when it is closed.
func NewDuplex(mouth Source, ear Sink) *Duplex {
	return &Duplex{mouth: mouth, ear: ear}
}

// Live tells both halves, the ear first: nothing said must go unheard.
func (d *Duplex) Live(on bool) {
	d.ear.Live(on)
	d.mouth.Live(on)
	if d.enhance != nil {
		d.enhance.Live(on)
	}
}

// Read reads a slot from the source.
func (d *Duplex) Read(pcm []float32) {
	switch {
	case d.enhance == nil:
		d.mouth.Read(pcm)
	case d.both != nil:
		played := d.played[:len(pcm)]
		d.both.ReadBoth(pcm, played)
		d.enhance.HearBoth(pcm, played)
	default:
		d.mouth.Read(pcm)
		d.enhance.Hear(pcm)
	}
}

// Write writes a slot to the sink.
func (d *Duplex) Write(pcm []float32) {
	if d.enhance != nil && d.both == nil {
		d.enhance.Play(pcm)
	}
	d.ear.Write(pcm)
}

// Enhance switches what is done to what a microphone hears, from the next slot on.
func (d *Duplex) Enhance(s enhance.Settings) {
	if d.enhance != nil {
		d.enhance.Set(s)
	}
}

// Close closes both halves.
func (d *Duplex) Close() error { return errors.Join(d.mouth.Close(), d.ear.Close()) }

// Done is closed when the source has played to its end for the first time. It
// is nil, which never becomes ready, for sources without an end.
func (d *Duplex) Done() <-chan struct{} {
	if ending, ok := d.mouth.(interface{ Done() <-chan struct{} }); ok {
		return ending.Done()
	}
	return nil
}

// MouthBegan returns the time at which the source's first sample was heard, if
// the source is one that knows and it has begun.
func (d *Duplex) MouthBegan() (time.Time, bool) { return began(d.mouth) }

// EarBegan returns the time at which the sink's first sample was played, if
// the sink is one that knows and it has begun.
func (d *Duplex) EarBegan() (time.Time, bool) { return began(d.ear) }

func began(half any) (time.Time, bool) {
	if b, ok := half.(interface{ Began() (time.Time, bool) }); ok {
		return b.Began()
	}
	return time.Time{}, false
}

// Trouble returns what is wrong with the sound right now, or nil. It is for a
// person to read; the call goes on in silence meanwhile.
func (d *Duplex) Trouble() error {
	mouth, ear := trouble(d.mouth), trouble(d.ear)
	if mouth != nil && ear != nil && mouth.Error() == ear.Error() {
		return mouth // the two halves of one sound card
	}
	return errors.Join(mouth, ear)
}

func trouble(half any) error {
	if t, ok := half.(interface{ Trouble() error }); ok {
		return t.Trouble()
	}
	return nil
}

// Faults returns how often the sound of both halves broke off so far because the
// machine or a sound device was late.
func (d *Duplex) Faults() uint64 { return faults(d.mouth) + faults(d.ear) }

func faults(half any) uint64 {
	if f, ok := half.(interface{ Faults() uint64 }); ok {
		return f.Faults()
	}
	return 0
}

// Duration returns how long n samples last.
func Duration(n int) time.Duration {
	return time.Duration(n) * time.Second / cell.SampleRate
}

// Samples returns how many samples last d, rounded down.
func Samples(d time.Duration) int {
	return int(d * cell.SampleRate / time.Second)
}
