package enhance

import "sync/atomic"

// Tuning constants of a queue, in samples.
const (
	// queueSize is room for six of the longest slots, a power of two.
	queueSize = 1 << 15
	// queueWindow is how long more than needed has to wait before it is left
	// out.
	queueWindow = 100 * block
)

// A queue brings what is played from Play to Hear. Both come once in a slot, at
// any time in it, so now and then there are two of one between two of the other.
// The queue then holds a slot more, and stays so: to have a constant delay is
// better than to have the least.
type queue struct {
	ring        [queueSize]float32
	in, out     atomic.Uint64 // samples since the start
	least, seen int           // what waited after a take at the least, in how many samples
}

// put adds pcm. What finds no room is dropped: nobody takes.
func (q *queue) put(pcm []float32) {
	at := q.in.Load()
	if len(pcm) > queueSize-int(at-q.out.Load()) {
		return
	}
	for i, v := range pcm {
		q.ring[(at+uint64(i))%queueSize] = v
	}
	q.in.Store(at + uint64(len(pcm)))
}

// take fills pcm with what comes next, or with silence when it is not there yet.
func (q *queue) take(pcm []float32) {
	at := q.out.Load()
	waiting := int(q.in.Load() - at)
	if waiting < len(pcm) {
		clear(pcm)
		return
	}
	for i := range pcm {
		pcm[i] = q.ring[(at+uint64(i))%queueSize]
	}
	at += uint64(len(pcm))
	q.out.Store(at + uint64(q.excess(waiting-len(pcm), len(pcm))))
}

// excess returns how much of what waits after a take of n has waited for long,
// and for nothing, beyond one slot.
func (q *queue) excess(waiting, n int) (skip int) {
	q.least = min(q.least, waiting)
	q.seen += n
	if q.seen < queueWindow {
		return 0
	}
	if q.least >= 2*n {
		skip = q.least - n
	}
	q.least, q.seen = queueSize, 0
	return skip
}

// A line gives back what goes in some samples later.
type line struct {
	past [farthest + longest]float32 // the newest last
}

// delay replaces pcm by what came n samples before it.
func (l *line) delay(pcm []float32, n int) {
	copy(l.past[:], l.past[len(pcm):])
	copy(l.past[len(l.past)-len(pcm):], pcm)
	copy(pcm, l.past[len(l.past)-len(pcm)-n:])
}
