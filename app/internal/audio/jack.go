package audio

import (
	"sync"
	"sync/atomic"

	"undertone/app/internal/audio/sound"
	"undertone/transport/cell"
)

// A Jack is a Device into which another one is plugged. So a person can choose
// another microphone while online, and stop hearing, and the engine above notices
// neither: it reads and writes once in every slot.
//
//	engine ── Read, Write, Live ──▶ Jack ──▶ what is plugged in
//	                                 ▲
//	                    Plug, Deafen, of any goroutine
//
// What is written goes through a copy, deafened or not, so that both cost the same.
type Jack struct {
	mu     sync.RWMutex // held for reading during a slot; written for the time of a swap
	in     Device
	live   bool
	closed bool
	faults uint64 // of what was plugged in before

	deaf atomic.Bool
	ear  ear
}

// ear is what only Write touches.
type ear struct {
	gain float32
	pcm  []float32
}

var _ Device = (*Jack)(nil)

// NewJack returns a jack with d in it.
func NewJack(d Device) *Jack {
	return &Jack{in: d, ear: ear{gain: 1, pcm: make([]float32, 2*cell.Interval100.Samples())}}
}

// Plug puts d into the place of what is plugged in, and returns that, to be closed
// by whoever called. In a call the new one is opened first. Into a closed jack nothing
// goes: d itself comes back.
func (j *Jack) Plug(d Device) (old Device) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return d
	}
	old, j.in = j.in, d
	j.faults += faults(old)
	if j.live {
		d.Live(true)
		old.Live(false)
	}
	return old
}

// Live tells what is plugged in.
func (j *Jack) Live(on bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.live = on
	j.in.Live(on)
}

// Read reads a slot.
func (j *Jack) Read(pcm []float32) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	j.in.Read(pcm)
}

// Write writes a slot, or as much silence. Between the two the sound fades over the
// slot, so that nothing clicks.
func (j *Jack) Write(pcm []float32) {
	out := j.ear.pcm[:min(len(pcm), len(j.ear.pcm))]
	to := float32(1)
	if j.deaf.Load() {
		to = 0
	}
	step := (to - j.ear.gain) / float32(max(1, len(out)))
	gain := j.ear.gain
	for i := range out {
		gain += step
		out[i] = pcm[i] * gain
	}
	j.ear.gain = to
	j.mu.RLock()
	defer j.mu.RUnlock()
	j.in.Write(out)
}

// Deafen stops or lets pass what the other side says, from the next slot on.
func (j *Jack) Deafen(on bool) { j.deaf.Store(on) }

// Deafened reports whether it does.
func (j *Jack) Deafened() bool { return j.deaf.Load() }

// Close closes what is plugged in.
func (j *Jack) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	return j.in.Close()
}

// Trouble is what is wrong with what is plugged in.
func (j *Jack) Trouble() error { return trouble(j.now()) }

// Caution is of what to beware with it.
func (j *Jack) Caution() error { return caution(j.now()) }

// Faults counts over all that was plugged in.
func (j *Jack) Faults() uint64 {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.faults + faults(j.in)
}

// Levels returns how loud the last slot was that was heard, and that was played.
func (j *Jack) Levels() (mouth, ear sound.Level) {
	if l, ok := j.now().(interface {
		Levels() (mouth, ear sound.Level)
	}); ok {
		return l.Levels()
	}
	return mouth, ear
}

func (j *Jack) now() Device {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.in
}

// Levels returns how loud the last slot was that the source heard, and that the
// sink played. Halves that do not measure count as silent.
func (d *Duplex) Levels() (mouth, ear sound.Level) { return level(d.mouth), level(d.ear) }

func level(half any) sound.Level {
	if l, ok := half.(interface{ Level() sound.Level }); ok {
		return l.Level()
	}
	return sound.Level{}
}
