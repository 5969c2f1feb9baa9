package codec

import (
	"sync"
	"sync/atomic"
)

// Constants of a Drift's filter.
const (
	driftCrossings = 12
	driftPhases    = 256
	driftEdge      = 0.92
)

// unknown is a wait that cannot be told before something was written.
const unknown = -1

// driftFilter is the same for all.
var driftFilter = sync.OnceValue(func() *sinc { return newSinc(driftEdge, driftCrossings, driftPhases) })

// A Drift is a ring of samples between two clocks that are not quite the same,
// such as a sound card's and the slot clock. One goroutine writes and another
// reads. The reader gets the sound at a speed that differs from 1 by half a
// per cent at most, so that what is left in the ring after a read, at the
// least, is held at a target: enough that a late writer does not run it dry, no
// more, because it is delay.
//
// What is left does not tell that at once. As the two clocks creep past each other,
// a block that came just before a read comes just after it, and what is left falls,
// or rises, by a whole block, once in 50 seconds at 200 ppm of 10 ms:
//
//	left after  | ________         ________         ______
//	a read      |         |________        |________      |__
//	            |
//	  target  - | - - - - - - - - - - - - - - - - - - - - - - -
//
// So the reader keeps a reckoning of the least. Whoever knows when the blocks of the
// other clock came tells by Phase how high on such a step it stands, and the reckoning
// is right at once: the delay stays to the millisecond. Without that the reader knows
// the least to the sample when a step comes, and between two of them to a block. The
// steps are where it learns how far the clocks differ, then. Before there were two it
// keeps half a block more.
//
//	             something came; a silence that makes up the target
//	waiting ------------------------------------------> playing
//	 silence  <--------------------------------------   sound
//	             ran dry: the sound is mirrored and fades
//
// There is never a click: running dry mirrors the last 5 ms while they fade,
// coming back fades in, far too much is skipped with a cross-fade, and a
// writer that finds the ring full ends with a fade and starts with one.
//
// The ring adds 14 samples of delay, 0.3 ms, beyond what lies in it. Nothing
// allocates or blocks.
type Drift struct {
	filter *sinc
	target int // samples left after a read
	size   int // of the ring, a power of two

	// ring has size samples and the first taps of them once more, so that the
	// filter always finds them in a row.
	ring []float32
	// Positions count samples since the start. The writer owns what is from
	// written on, the reader what lies before it.
	written atomic.Uint64
	read    atomic.Uint64
	block   atomic.Int64 // length of the newest write

	writer driftWriter
	reader driftReader
	stats  driftCounters
}

// driftWriter is what only the writer touches.
type driftWriter struct {
	dropping bool
	edge     [fadeSamples]float32
}

// driftReader is what only the reader touches.
type driftReader struct {
	playing bool
	wait    int     // samples of silence still to come before the sound, or unknown
	frac    float64 // position between two samples
	speed   float64 // samples taken from the ring for one given

	steering

	rise  int                  // samples of the fade-in still to come
	fall  int                  // samples of the ghost still to come
	tail  [fadeSamples]float32 // the newest samples given
	ghost [fadeSamples]float32 // what is heard where the sound stops
}

type driftCounters struct {
	dry, skipped, dropped atomic.Uint64
	ppm                   atomic.Int64
}

// DriftStats says how a Drift is doing. It may be asked for from anywhere.
type DriftStats struct {
	Fill    int    // samples waiting
	PPM     int    // how much faster than 1 it plays, in millionths
	Dry     uint64 // how often it ran dry
	Skipped uint64 // how often it skipped because too much waited
	Dropped uint64 // samples that found no room
}

// NewDrift returns an empty ring that keeps target samples after each read and
// has room for at least capacity.
func NewDrift(target, capacity int) *Drift {
	d := &Drift{filter: driftFilter(), target: max(0, target), size: 1}
	need := max(capacity, 2*target) + d.filter.taps + fadeSamples
	for d.size < need {
		d.size *= 2
	}
	d.ring = make([]float32, d.size+d.filter.taps)
	d.reader.speed, d.reader.wait, d.reader.phase = 1, unknown, noPhase
	d.reader.low = d.size
	// Silence before the first sample, so that it comes out at once.
	d.written.Store(uint64(d.filter.taps/2 - 1)) //nolint:gosec // positive
	return d
}

// Stats returns how the ring is doing.
func (d *Drift) Stats() DriftStats {
	return DriftStats{
		Fill:    max(0, int(d.written.Load())-int(d.read.Load())-d.filter.taps), //nolint:gosec // small
		PPM:     int(d.stats.ppm.Load()),
		Dry:     d.stats.dry.Load(),
		Skipped: d.stats.skipped.Load(),
		Dropped: d.stats.dropped.Load(),
	}
}

// Write adds pcm. What finds no room is dropped.
func (d *Drift) Write(pcm []float32) {
	w := &d.writer
	d.block.Store(int64(len(pcm)))
	room := d.size - int(d.written.Load()-d.read.Load()) //nolint:gosec // at most size
	fits := len(pcm)+fadeSamples <= room
	switch {
	case fits && !w.dropping:
		d.put(pcm)
	case fits:
		w.dropping = false
		n := copy(w.edge[:], pcm)
		fadeIn(w.edge[:n])
		d.put(w.edge[:n])
		d.put(pcm[n:])
	case !w.dropping:
		w.dropping = true
		n := min(copy(w.edge[:], pcm), room)
		fadeOut(w.edge[:n])
		d.put(w.edge[:n])
		d.stats.dropped.Add(uint64(len(pcm) - n)) //nolint:gosec // positive
	default:
		d.stats.dropped.Add(uint64(len(pcm)))
	}
}

// put copies pcm, for which there is room, into the ring.
func (d *Drift) put(pcm []float32) {
	at := d.written.Load()
	taps := d.filter.taps
	for len(pcm) > 0 {
		k := int(at) & (d.size - 1) //nolint:gosec // masked
		n := copy(d.ring[k:d.size], pcm)
		if k < taps {
			copy(d.ring[d.size+k:], pcm[:n])
		}
		pcm = pcm[n:]
		at += uint64(n) //nolint:gosec // positive
	}
	d.written.Store(at)
}

// Read fills pcm with what comes next, or with silence.
func (d *Drift) Read(pcm []float32) {
	r := &d.reader
	from := 0
	if !r.playing {
		from = d.begin(len(pcm))
	}
	n := from
	if r.playing {
		n += d.play(pcm[from:])
	}
	clear(pcm[:from])
	clear(pcm[n:])
	r.haunt(pcm[:n])
	if r.playing && n < len(pcm) {
		r.playing, r.wait = false, unknown
		r.keep(pcm[:n])
		r.mirror()
		d.stats.dry.Add(1)
	}
	r.haunt(pcm[n:])
	if r.playing {
		r.keep(pcm)
		d.steer(len(pcm))
	}
	r.phase = noPhase
}

// begin decides where in a read of n samples the sound starts; n if it does
// not. Samples come in the writer's blocks and go in the reader's: as much as
// one of each may be missing just before the next block comes, so that much
// silence goes first, less what is there already. With a Phase it is as much less
// as that says.
func (d *Drift) begin(n int) int {
	r := &d.reader
	have := d.fill()
	if r.wait == unknown {
		if have <= 0 {
			return n
		}
		more := r.phase
		if more == noPhase {
			more = int(d.block.Load())
		}
		r.wait = min(max(0, d.target+more+n-have), d.size/4)
	}
	from := min(r.wait, n)
	r.wait -= from
	if from < n {
		r.playing, r.rise = true, fadeSamples
		r.restart(d.size)
	}
	return from
}

// fill is how many samples can be taken now.
func (d *Drift) fill() int {
	return int(d.written.Load()) - int(d.read.Load()) - d.filter.taps //nolint:gosec // small
}

// play gives as much as the ring has, and returns how much that was.
func (d *Drift) play(pcm []float32) int {
	r := &d.reader
	at := d.read.Load()
	end := d.written.Load()
	taps := uint64(d.filter.taps) //nolint:gosec // positive
	mask := uint64(d.size - 1)    //nolint:gosec // positive
	n := 0
	for ; n < len(pcm) && at+taps <= end; n++ {
		pcm[n] = d.filter.at(d.ring[at&mask:], r.frac)
		if r.rise > 0 {
			pcm[n] *= ramp(fadeSamples-r.rise, fadeSamples)
			r.rise--
		}
		r.frac += r.speed
		whole := uint64(r.frac)
		at += whole
		r.frac -= float64(whole)
	}
	d.read.Store(at)
	return n
}

// keep remembers the newest samples of pcm.
func (r *driftReader) keep(pcm []float32) {
	if len(pcm) >= fadeSamples {
		copy(r.tail[:], pcm[len(pcm)-fadeSamples:])
		return
	}
	copy(r.tail[:], r.tail[len(pcm):])
	copy(r.tail[fadeSamples-len(pcm):], pcm)
}

// mirror prepares the ghost of a sound that stops here: its newest samples
// backwards, fading. It continues the sound with neither a jump nor a look
// ahead.
func (r *driftReader) mirror() {
	for i := range r.ghost {
		r.ghost[i] = r.tail[fadeSamples-1-i]
	}
	fadeOut(r.ghost[:])
	r.fall = fadeSamples
}

// haunt adds to pcm what is left of the ghost.
func (r *driftReader) haunt(pcm []float32) {
	n := min(r.fall, len(pcm))
	for i := range n {
		pcm[i] += r.ghost[fadeSamples-r.fall+i]
	}
	r.fall -= n
}
