package seal

import (
	"crypto/cipher"
	"crypto/rand"

	"undertone/transport/cell"
	"undertone/transport/key"
)

// A Class tells the addressee which key a letter is sealed with, so that one
// try opens it. The server sees it: it tells pairing from the letters of
// contacts.
type Class uint8

// The classes that are not an hour.
const (
	// FromInitiator is a letter of pairing, sealed with the introduction secret
	// of the addressee.
	FromInitiator Class = 0x80
	// FromResponder is the reply, sealed with the introduction secret of the
	// sender.
	FromResponder Class = 0x81

	hourMask = 0x3f
)

// HourClass returns the class of a letter between contacts, sealed with their
// key of the given hour.
func HourClass(hour uint64) Class { return Class(hour & hourMask) }

// Hour returns the hour nearest to ref that c can stand for. It fails for the
// classes of pairing and for unknown ones.
func (c Class) Hour(ref uint64) (uint64, bool) {
	if c > hourMask {
		return 0, false
	}
	d := (int64(c) - int64(ref&hourMask)) & hourMask //nolint:gosec // small
	if d > hourMask/2 {
		d -= hourMask + 1
	}
	hour := int64(ref) + d //nolint:gosec // hours since 1970
	if hour < 0 {
		return 0, false
	}
	return uint64(hour), true
}

// Offsets in the body of a letter.
const (
	classAt  = cell.AddressSize
	nonceAt  = classAt + cell.ClassSize
	sealedAt = nonceAt + cell.NonceSize
)

// A Letterbox seals or opens letters from one user to another. It is for one
// goroutine at a time.
type Letterbox struct {
	aead cipher.AEAD
	buf  [cell.LetterSize + cell.TagSize + spill]byte
	aad  [cell.ClassSize]byte
}

// NewLetterbox returns a Letterbox for the given key.
func NewLetterbox(k *key.Secret) *Letterbox { return &Letterbox{aead: newAEAD(k)} }

// Seal closes plain into body, addressed to a user.
func (l *Letterbox) Seal(body *cell.Body, to key.Handle, c Class, plain *[cell.LetterSize]byte) {
	copy(body[:], to[:])
	body[classAt] = byte(c)
	_, _ = rand.Read(body[nonceAt:sealedAt]) // Never fails: the program ends if the system has no randomness.
	l.close(body, plain)
}

// close seals plain under the class and the nonce that stand in body.
func (l *Letterbox) close(body *cell.Body, plain *[cell.LetterSize]byte) {
	l.aad[0] = body[classAt]
	copy(body[sealedAt:], l.aead.Seal(l.buf[:0], body[nonceAt:sealedAt], plain[:], l.aad[:]))
}

// Open opens body into plain. It fails, and leaves plain as it was, if body was
// not sealed with the key.
func (l *Letterbox) Open(body *cell.Body, plain *[cell.LetterSize]byte) bool {
	l.aad[0] = body[classAt]
	if _, err := l.aead.Open(l.buf[:0], body[nonceAt:sealedAt], body[sealedAt:], l.aad[:]); err != nil {
		return false
	}
	copy(plain[:], l.buf[:])
	return true
}

// LetterClass returns the class of a letter.
func LetterClass(body *cell.Body) Class { return Class(body[classAt]) }

// LetterAddress returns the user that a letter is for, or, in a download, from.
func LetterAddress(body *cell.Body) key.Handle { return key.Handle(body[:cell.AddressSize]) }

// SetLetterAddress replaces the user that a letter is for by the one that it is
// from, as the server does.
func SetLetterAddress(body *cell.Body, h key.Handle) { copy(body[:], h[:]) }
