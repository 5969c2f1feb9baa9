package seal

import (
	"crypto/cipher"
	"encoding/binary"

	"undertone/transport/cell"
	"undertone/transport/key"
)

// A StreamSealer closes the voice of one call in one direction. It is for one
// goroutine at a time and allocates nothing.
type StreamSealer struct {
	aead   cipher.AEAD
	last   cell.Slot
	nonce  [gcmNonceSize]byte
	buf    [cell.StreamSize + cell.TagSize + spill]byte
	random pool
}

// NewStreamSealer returns a StreamSealer for a key that is used for nothing
// else.
func NewStreamSealer(k *key.Secret) *StreamSealer { return &StreamSealer{aead: newAEAD(k)} }

// Seal closes plain for slot n into body. It is total: if n does not go up,
// which would repeat a nonce, body becomes random bytes, which the other end
// drops.
func (s *StreamSealer) Seal(body *cell.Body, n cell.Slot, plain *[cell.StreamSize]byte) {
	if n <= s.last {
		s.random.fill(body[:])
		return
	}
	s.last = n
	binary.BigEndian.PutUint64(s.nonce[:], uint64(n))
	binary.BigEndian.PutUint16(body[:], n.Low())
	copy(body[cell.CounterSize:], s.aead.Seal(s.buf[:0], s.nonce[:], plain[:], nil))
}

// A StreamOpener opens the voice of one call in one direction. It is for one
// goroutine at a time and allocates nothing.
type StreamOpener struct {
	aead  cipher.AEAD
	seen  Window
	nonce [gcmNonceSize]byte
	buf   [cell.StreamSize]byte
}

// NewStreamOpener returns a StreamOpener for the given key.
func NewStreamOpener(k *key.Secret) *StreamOpener { return &StreamOpener{aead: newAEAD(k)} }

// Open opens body, sealed by the sender for a slot near ref. It fails, and
// leaves plain as it was, if body is not of this call, was opened before, or is
// older than the window.
func (o *StreamOpener) Open(body *cell.Body, ref cell.Slot, plain *[cell.StreamSize]byte) (cell.Slot, bool) {
	n := cell.Extend(ref, binary.BigEndian.Uint16(body[:]))
	binary.BigEndian.PutUint64(o.nonce[:], uint64(n))
	if _, err := o.aead.Open(o.buf[:0], o.nonce[:], body[cell.CounterSize:], nil); err != nil {
		return 0, false
	}
	if !o.seen.Accept(n) {
		return 0, false
	}
	*plain = o.buf
	return n, true
}
