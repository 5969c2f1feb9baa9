// Package trickle is a reliable stream of items over slots that may be lost. In
// the sMIX, what members must know of each other (records, cipher texts, lists)
// goes in small pieces inside messages whose size and time never change; a stream
// for each direction of each link. The server's half and the client's half of the
// sMIX use it. It is pure, and what a peer sends cannot make it grow.
//
// A stream is counted in grains of 32 bytes. Items begin at a grain:
//
//	| length 2 | item, 1 to MaxItem bytes | zeros up to the next grain |
//
// A slot carries one chunk, of 1 grain or of many (a message whose body is free),
// together with the number of its first grain, and how many grains of the other
// direction came without a gap:
//
//	acked           window               end
//	--+---------------+--------------------+
//	  | c c+1 c+2 ... | not sent yet       |
//	  +---------------+--------------------+
//	    slot n sends the chunk of the window whose number is n, modulo its size
//
// Which chunk a slot carries depends on nothing but the slot and what was acked.
// So messages may be made in advance, or twice, or never sent; each chunk has its
// turn again until it is acked. The receiver keeps what comes out of order, and
// drops what does not fit its fixed memory.
package trickle

import (
	"encoding/binary"

	"undertone/transport/cell"
)

// Specification constants.
const (
	// Grain is the unit of a stream, in bytes.
	Grain = 32
	// MaxItem is the length of the longest item, in bytes.
	MaxItem = 4096
	// lengthSize is the length of what stands before an item.
	lengthSize = 2
)

// Tuning constants.
const (
	// window is how many chunks may be under way: with one in a slot, those of a
	// round trip.
	window = 32
	// wide is how many large chunks may be under way.
	wide = 16
	// capacity is how many grains a receiver keeps.
	capacity = 1024
)

// grains returns how many grains so many bytes take.
func grains(bytes int) uint64 { return uint64(bytes+Grain-1) / Grain } //nolint:gosec // positive

// A Sender is the sending end of a stream. Its zero value is an empty one.
type Sender struct {
	items [][]byte // framed; the first holds grain acked
	first uint64   // grain at which the first item begins
	acked uint64
	end   uint64
}

// Frame returns an item with its length before it, as Queue takes it.
func Frame(parts ...[]byte) []byte {
	b := make([]byte, lengthSize)
	for _, p := range parts {
		b = append(b, p...)
	}
	if len(b)-lengthSize > MaxItem || len(b) == lengthSize {
		panic("trickle: an item of no allowed length") // A mistake of this program: no stranger chooses lengths.
	}
	binary.BigEndian.PutUint16(b, uint16(len(b)-lengthSize)) //nolint:gosec // at most MaxItem
	return b
}

// Queue appends an item that Frame returned. It is not copied: many streams may
// send the same one.
func (s *Sender) Queue(framed []byte) {
	s.items = append(s.items, framed)
	s.end += grains(len(framed))
}

// End returns the number of the grain after the last one queued: what was queued
// so far has come when Acked returns as much.
func (s *Sender) End() uint64 { return s.end }

// Acked returns how many grains have come.
func (s *Sender) Acked() uint64 { return s.acked }

// Ack takes in how many grains the peer has, by the low bits. Others than those
// that were sent are ignored.
func (s *Sender) Ack(low uint16) {
	n := s.acked + uint64(low-uint16(s.acked)) //nolint:gosec // the low bits are meant
	if n > s.end {
		return
	}
	s.acked = n
	done := 0
	for done < len(s.items) && s.first+grains(len(s.items[done])) <= n {
		s.first += grains(len(s.items[done]))
		done++
	}
	if done > 0 {
		copy(s.items, s.items[done:])
		clear(s.items[len(s.items)-done:])
		s.items = s.items[:len(s.items)-done]
	}
}

// Chunk writes what slot n carries to dst, whose length is a number of grains. It
// returns the low bits of the first grain, and how many there are; the rest of dst
// becomes zero.
func (s *Sender) Chunk(dst []byte, n cell.Slot) (grain uint16, count int) {
	clear(dst)
	unit := uint64(len(dst) / Grain) //nolint:gosec // positive
	if s.acked == s.end || unit == 0 {
		return uint16(s.acked), 0 //nolint:gosec // the low bits are meant
	}
	low := s.acked / unit
	m := min((s.end+unit-1)/unit-low, window)
	if unit > 1 {
		m = min(m, wide)
	}
	at := (low + (uint64(n)+m-low%m)%m) * unit
	at = max(at, s.first) // A chunk may begin in an item that is gone.
	count = int(min(unit-at%unit, s.end-at))
	s.read(dst[:count*Grain], at)
	return uint16(at), count //nolint:gosec // the low bits are meant
}

// read copies grains from at on, which are queued. What follows an item in its
// last grain stays zero.
func (s *Sender) read(dst []byte, at uint64) {
	begin := s.first
	for _, item := range s.items {
		size := grains(len(item))
		if at < begin+size {
			n := copy(dst, item[(at-begin)*Grain:])
			n = min(int(grains(n))*Grain, len(dst)) //nolint:gosec // within dst
			dst = dst[n:]
			at = begin + size
		}
		if len(dst) == 0 {
			return
		}
		begin += size
	}
}

// A Receiver is the receiving end of a stream. Its zero value is at the beginning
// of one.
type Receiver struct {
	ring   [capacity * Grain]byte
	have   [capacity]bool
	next   uint64 // the first grain that was not taken out
	got    uint64 // the first grain that has not come
	broken bool
	item   [lengthSize + MaxItem + Grain]byte
}

// Ack returns how many grains came without a gap, by the low bits.
func (r *Receiver) Ack() uint16 { return uint16(r.got) } //nolint:gosec // the low bits are meant

// Put takes in a chunk of count grains, of which the first has the given low bits.
// What does not fit is dropped: it will come again.
func (r *Receiver) Put(grain uint16, count int, data []byte) {
	if r.broken || count < 0 || count*Grain > len(data) {
		return
	}
	// Grains long past have low bits just below those of got.
	at := int64(r.got) + int64(int16(grain-uint16(r.got))) //nolint:gosec // modular arithmetic is meant
	for i := range count {
		n := at + int64(i)
		if n < int64(r.got) || n >= int64(r.next)+capacity { //nolint:gosec // far below 2^63
			continue
		}
		slot := n % capacity
		copy(r.ring[slot*Grain:(slot+1)*Grain], data[i*Grain:])
		r.have[slot] = true
	}
	for r.got < r.next+capacity && r.have[r.got%capacity] {
		r.got++
	}
}

// Next returns the next item, if all of it has come; it is valid until the next
// call. What is no item breaks the stream for good: only a peer that means harm,
// or is of another version, sends such a thing.
func (r *Receiver) Next() ([]byte, bool) {
	if r.broken || r.got == r.next {
		return nil, false
	}
	at := r.next % capacity * Grain
	length := int(binary.BigEndian.Uint16(r.ring[at:]))
	if length == 0 || length > MaxItem {
		r.broken = true
		return nil, false
	}
	size := grains(lengthSize + length)
	if r.got-r.next < size {
		return nil, false
	}
	for i := range size {
		slot := (r.next + i) % capacity
		copy(r.item[i*Grain:(i+1)*Grain], r.ring[slot*Grain:])
		r.have[slot] = false
	}
	r.next += size
	return r.item[lengthSize : lengthSize+length], true
}

// Broken reports whether the peer sent what is no stream.
func (r *Receiver) Broken() bool { return r.broken }
