// Package berth hands cells over between two goroutines of which one must never
// wait: the pacer or the slot clock, which takes, and whoever prepares or
// receives cells, which puts. There are no locks, because the holder of a lock
// can be taken off its core in the middle of it, and the clock would stand
// still with him.
//
// A Ring has a fixed number of berths; the cell for slot n lies in berth n
// modulo that number. The states of a berth:
//
//	       put n             copied           take n             copied
//	empty -------> filling n -------> ready n -------> taking n --------> closed n
//	                   |                                                     ^
//	                   +-----------------------------------------------------+
//	                     take n comes first: the put fails, nobody waits
//
// From ready and closed a put for a later slot leads to filling again. A slot
// that was taken stays closed: what is put for it afterwards is refused, so
// nothing can be sent, or accepted, twice.
package berth

import (
	"sync/atomic"

	"undertone/transport/cell"
)

// The phase of a berth is kept in the low bits of its state, the slot above.
const (
	empty uint64 = iota
	filling
	ready
	taking
	closed

	phaseBits = 3
	phaseMask = 1<<phaseBits - 1
)

func state(n cell.Slot, phase uint64) uint64 { return uint64(n)<<phaseBits | phase }

type berth struct {
	state atomic.Uint64
	cell  cell.Cell // touched by who moved the state to filling or to taking
}

// A Ring holds cells for a range of slots. One goroutine at a time may put, and
// one may take.
type Ring struct {
	berths []berth
	mask   cell.Slot
}

// New returns a Ring with room for at least depth consecutive slots.
func New(depth int) *Ring {
	n := 1
	for n < depth {
		n *= 2
	}
	return &Ring{berths: make([]berth, n), mask: cell.Slot(n - 1)}
}

// Depth returns for how many consecutive slots there is room.
func (r *Ring) Depth() int { return len(r.berths) }

// Put lays c down for slot n, in place of what was there for n or for an earlier
// slot. It refuses a slot that was taken, and one older than the berth holds.
func (r *Ring) Put(n cell.Slot, c *cell.Cell) bool {
	b := &r.berths[n&r.mask]
	s := b.state.Load()
	held, phase := cell.Slot(s>>phaseBits), s&phaseMask
	if phase == taking || held > n || phase == closed && held == n {
		return false
	}
	if !b.state.CompareAndSwap(s, state(n, filling)) {
		return false // Taken in this very moment.
	}
	b.cell = *c
	return b.state.CompareAndSwap(state(n, filling), state(n, ready))
}

// Has reports whether a cell lies ready for slot n.
func (r *Ring) Has(n cell.Slot) bool {
	return r.berths[n&r.mask].state.Load() == state(n, ready)
}

// Take moves the cell for slot n into c, if there is one, and closes the slot in
// any case. Slots must be taken in rising order.
func (r *Ring) Take(n cell.Slot, c *cell.Cell) bool {
	b := &r.berths[n&r.mask]
	for {
		s := b.state.Load()
		held, phase := cell.Slot(s>>phaseBits), s&phaseMask
		if held > n || held == n && phase == closed {
			return false
		}
		if s != state(n, ready) {
			if b.state.CompareAndSwap(s, state(n, closed)) {
				return false
			}
			continue // A put is on its way; it has at most two steps to go.
		}
		if b.state.CompareAndSwap(s, state(n, taking)) {
			*c = b.cell
			b.state.Store(state(n, closed))
			return true
		}
	}
}
