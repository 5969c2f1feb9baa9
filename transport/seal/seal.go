// Package seal closes and opens cells, streams and letters, and derives their
// keys. All of it is AES-256-GCM with tags of 12 bytes and HKDF-SHA-256 from
// the standard library. It holds no clock and does no I/O but to draw random
// bytes. The two halves of a mode and the client's core call it; nothing else
// has a reason to.
//
// # A cell on its link
//
// Every cell is sealed with the link key of its direction, inside DTLS, so that
// recorded DTLS never gives away what the server sees:
//
//	nonce = slot, 8 bytes ‖ variant, 1 ‖ zeros, 3
//	cell  = slot low, 2 ‖ variant, 1 ‖ AEAD(feedback, 1 ‖ kind, 1 ‖ body, 111)
//
// without associated data. The keys are expanded from the one that signalling agreed
// on (EXPORTER-undertone-link-v1), as all keys here from others:
//
//	up   = HKDF-SHA-256(link, no salt, "undertone v1 link up", 32 bytes)
//	down = HKDF-SHA-256(link, no salt, "undertone v1 link down", 32 bytes)
//
// The client seals several seconds of cover in advance. A cell of voice takes
// the place of the cover of its slot, so two cells are sealed for that slot
// though only one is ever sent. The variant keeps their nonces apart: it is
// random, uniform in what is sent, and never drawn twice for one slot.
//
// # A stream, end to end
//
//	nonce = slot of the sender, 8 bytes ‖ zeros, 4
//	body  = slot low, 2 ‖ AEAD(head, 1 ‖ voice, 96)
//
// The key is fresh for each call and direction, and a slot seals one cell. There is no
// associated data. What the reader takes for the sender's slot is the one nearest to the
// slot of the cell that the body came in.
//
// # A letter, end to end
//
//	nonce = 12 random bytes
//	body  = address, 16 ‖ class, 1 ‖ nonce ‖ AEAD(letter, 70; class)
//
// Letters are few and a key lasts an hour, so that random nonces of 96 bits do
// not meet; a counter would have to be kept on disk, where its growth would
// tell of calls.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"

	"undertone/transport/cell"
	"undertone/transport/key"
)

const gcmNonceSize = 12

// spill is room after what is sealed. The standard library's assembly writes the
// last block of the cipher text whole, 16 bytes, before it puts the tag there;
// with a tag of 12 bytes that reaches up to 3 bytes beyond the end (seen with Go
// 1.26 on amd64). So everything is sealed in a buffer of our own first:
// neighbours of a cell, in an array of cells for instance, must not change.
const spill = 16 - cell.TagSize

// newAEAD returns AES-256-GCM with tags of cell.TagSize bytes.
func newAEAD(k *key.Secret) cipher.AEAD {
	block, err := aes.NewCipher(k.Bytes())
	if err != nil {
		panic(err) // Only a key of a wrong length fails, and a Secret has the right one.
	}
	aead, err := cipher.NewGCMWithTagSize(block, cell.TagSize)
	if err != nil {
		panic(err) // Only a tag size out of range fails.
	}
	return aead
}

// A Head is the sealed part of a cell before its body.
type Head struct {
	// Feedback tells how early the last uploads came before the cut-off, in
	// milliseconds; NoFeedback if none came. Uploads leave it zero.
	Feedback int8
	Kind     cell.Kind
}

// NoFeedback says that nothing arrived yet.
const NoFeedback int8 = -128

// variants is how many cells may be sealed for one slot. Two are needed: cover,
// and what takes its place.
const variants = 4

type sealed struct {
	slot cell.Slot
	n    uint8
	used [variants]byte
}

// A Sealer closes the cells of one direction of one link. It is for one
// goroutine at a time and allocates nothing.
type Sealer struct {
	aead   cipher.AEAD
	high   cell.Slot // the highest slot sealed so far
	window []sealed  // indexed by slot; its length is a power of two
	nonce  [gcmNonceSize]byte
	plain  [cell.HeadSize + cell.BodySize]byte
	buf    [cell.HeadSize + cell.BodySize + cell.TagSize + spill]byte
	random pool
}

// NewSealer returns a Sealer for the given key. With window zero each slot is
// sealed once, in rising order, as the server does. Otherwise slots may be
// sealed again, and in any order, as long as they are within window slots of
// the highest; window is rounded up to a power of two.
func NewSealer(k *key.Secret, window int) *Sealer {
	s := &Sealer{aead: newAEAD(k)}
	if window > 0 {
		n := 1
		for n < window {
			n *= 2
		}
		s.window = make([]sealed, n)
	}
	return s
}

// Seal closes a cell for slot n. It is total: when its rules forbid to seal for
// n (a slot that went back too far, or was sealed too often), dst becomes random
// bytes, which look the same and which the other end drops.
func (s *Sealer) Seal(dst *cell.Cell, n cell.Slot, head Head, body *cell.Body) {
	variant, ok := s.variant(n)
	if !ok {
		s.random.fill(dst[:])
		binary.BigEndian.PutUint16(dst[:], n.Low())
		return
	}
	binary.BigEndian.PutUint64(s.nonce[:], uint64(n))
	s.nonce[8] = variant
	s.plain[0] = byte(head.Feedback) //nolint:gosec // a signed byte, as it is
	s.plain[1] = byte(head.Kind)
	copy(s.plain[cell.HeadSize:], body[:])
	binary.BigEndian.PutUint16(dst[:], n.Low())
	dst[2] = variant
	copy(dst[cell.ClearSize:], s.aead.Seal(s.buf[:0], s.nonce[:], s.plain[:], nil))
}

// variant draws a variant that was not used for slot n.
func (s *Sealer) variant(n cell.Slot) (byte, bool) {
	if s.window == nil {
		if n <= s.high {
			return 0, false
		}
		s.high = n
		return s.random.byte(), true
	}
	size := cell.Slot(len(s.window))
	if n+size <= s.high || n == 0 {
		return 0, false
	}
	s.high = max(s.high, n)
	e := &s.window[n&(size-1)]
	if e.slot != n {
		*e = sealed{slot: n}
	}
	if e.n == variants {
		return 0, false
	}
	v := s.random.byte()
	for used(e, v) {
		v = s.random.byte()
	}
	e.used[e.n] = v
	e.n++
	return v, true
}

func used(e *sealed, v byte) bool {
	for _, u := range e.used[:e.n] {
		if u == v {
			return true
		}
	}
	return false
}

// An Opener opens the cells of one direction of one link. It is for one
// goroutine at a time and allocates nothing.
type Opener struct {
	aead  cipher.AEAD
	seen  Window
	nonce [gcmNonceSize]byte
	plain [cell.HeadSize + cell.BodySize]byte
}

// NewOpener returns an Opener for the given key.
func NewOpener(k *key.Secret) *Opener { return &Opener{aead: newAEAD(k)} }

// Open opens c, whose slot must be near ref, into body. It fails, and leaves
// body as it was, if c was not sealed with the key, or its slot was opened
// before or is older than the window.
func (o *Opener) Open(c *cell.Cell, ref cell.Slot, body *cell.Body) (cell.Slot, Head, bool) {
	n := cell.Extend(ref, c.ReadLow())
	binary.BigEndian.PutUint64(o.nonce[:], uint64(n))
	o.nonce[8] = c[2]
	if _, err := o.aead.Open(o.plain[:0], o.nonce[:], c[cell.ClearSize:], nil); err != nil {
		return 0, Head{}, false
	}
	if !o.seen.Accept(n) {
		return 0, Head{}, false
	}
	copy(body[:], o.plain[cell.HeadSize:])
	return n, Head{Feedback: int8(o.plain[0]), Kind: cell.Kind(o.plain[1])}, true //nolint:gosec // a signed byte, as it is
}

// A Window accepts each slot once, and none that is 64 or more behind the
// newest. Its zero value accepts any slot above zero first.
type Window struct {
	high cell.Slot
	mask uint64 // bit i: high-i was accepted
}

// Accept reports whether n is new, and remembers it.
func (w *Window) Accept(n cell.Slot) bool {
	if n > w.high {
		w.mask = w.mask<<min(n-w.high, 64) | 1
		w.high = n
		return true
	}
	back := w.high - n
	if back >= 64 || w.mask&(1<<back) != 0 || n == 0 {
		return false
	}
	w.mask |= 1 << back
	return true
}

// pool hands out random bytes without asking the system for each.
type pool struct {
	buf  [256]byte
	left int
}

func (p *pool) byte() byte {
	if p.left == 0 {
		_, _ = rand.Read(p.buf[:]) // Never fails: the program ends if the system has no randomness.
		p.left = len(p.buf)
	}
	p.left--
	b := p.buf[p.left]
	p.buf[p.left] = 0
	return b
}

func (p *pool) fill(b []byte) {
	for i := range b {
		b[i] = p.byte()
	}
}
