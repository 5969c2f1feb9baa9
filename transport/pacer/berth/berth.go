// Package berth hands messages over between two goroutines of which one must
// never wait: the pacer or the slot clock, which takes, and whoever prepares or
// receives messages, which puts. There are no locks, because the holder of a lock
// can be taken off its core in the middle of it, and the clock would stand
// still with him.
//
// A Ring has a fixed number of berths, each for a message of one fixed size (a
// cell, or a whole batch); that for slot n lies in berth n modulo the number of
// berths. The states of a berth:
//
//	       put n           take n            copied
//	empty -------> ready n -------> taking n --------> closed n
//	  |                                                   ^
//	  +---------------------------------------------------+
//	    take n comes first: there is nothing, nobody waits
//
// From ready and closed a put for a later slot leads to ready again, and so does
// one for the slot that is ready: it replaces what lies there. A slot that was
// taken stays closed: what is put for it afterwards is refused, so nothing can
// be sent, or accepted, twice.
//
// A berth has two places. What is put is copied to the one that is not in use,
// and only then do the two change roles, in one step. So whoever replaces a
// message and is taken off his core in the middle leaves the old one to be taken,
// never none.
package berth

import (
	"sync/atomic"

	"undertone/transport/cell"
)

// The phase of a berth is kept in the low bits of its state, above it which of
// its places is in use, and above that the slot.
const (
	empty uint64 = iota
	ready
	taking
	closed

	phaseMask = 3
	placeBit  = 4
	slotShift = 3
)

// A Ring holds messages for a range of slots. One goroutine at a time may put,
// and one may take.
type Ring struct {
	berths []atomic.Uint64
	mask   cell.Slot
	size   int
	// places are those of all berths, two of each next to each other. The one in
	// use is touched by who moved the state to taking, the other by who puts.
	places []byte
}

// New returns a Ring with room for at least depth consecutive slots, and messages
// of size bytes.
func New(depth, size int) *Ring {
	n := 1
	for n < depth {
		n *= 2
	}
	return &Ring{
		berths: make([]atomic.Uint64, n),
		mask:   cell.Slot(n - 1),
		size:   size,
		places: make([]byte, 2*n*size),
	}
}

// Depth returns for how many consecutive slots there is room.
func (r *Ring) Depth() int { return len(r.berths) }

// Size returns the length of a message.
func (r *Ring) Size() int { return r.size }

// Put lays a copy of b down for slot n, in place of what was there for n or for
// an earlier slot. It refuses a slot that was taken, one older than the berth
// holds, and a message of another length than the ring's.
func (r *Ring) Put(n cell.Slot, b []byte) bool {
	at := &r.berths[n&r.mask]
	s := at.Load()
	held, phase := cell.Slot(s>>slotShift), s&phaseMask
	if phase == taking || held > n || phase == closed && held == n || len(b) != r.size {
		return false
	}
	place := ^s & placeBit
	copy(r.place(n, place), b)
	return at.CompareAndSwap(s, uint64(n)<<slotShift|place|ready) // Or it was taken meanwhile.
}

// Has reports whether a message lies ready for slot n.
func (r *Ring) Has(n cell.Slot) bool {
	return r.berths[n&r.mask].Load()&^placeBit == uint64(n)<<slotShift|ready
}

// Take copies the message for slot n into b, if there is one, and closes the slot
// in any case. b must have room for it. Slots must be taken in rising order.
func (r *Ring) Take(n cell.Slot, b []byte) bool {
	at := &r.berths[n&r.mask]
	for {
		s := at.Load()
		held, phase, place := cell.Slot(s>>slotShift), s&phaseMask, s&placeBit
		if held > n || held == n && phase == closed {
			return false
		}
		if held != n || phase != ready {
			if at.CompareAndSwap(s, uint64(n)<<slotShift|place|closed) {
				return false
			}
			continue // A put has come in this very moment.
		}
		if at.CompareAndSwap(s, uint64(n)<<slotShift|place|taking) {
			copy(b[:r.size], r.place(n, place))
			at.Store(uint64(n)<<slotShift | place | closed)
			return true
		}
	}
}

// place returns one of the two places of the berth of slot n.
func (r *Ring) place(n cell.Slot, place uint64) []byte {
	i := 2 * int(n&r.mask) * r.size
	if place != 0 {
		i += r.size
	}
	return r.places[i : i+r.size : i+r.size]
}
