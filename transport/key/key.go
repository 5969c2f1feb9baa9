// Package key holds the typed keys of Undertone: what identifies a user, what
// is shared by two users, and what the server may know of either.
//
// An identity is three key pairs. Ed25519 signs towards the server only, never
// towards a contact, so that nothing a participant keeps proves a call to a
// third party. X25519 and ML-KEM-768 agree on keys with contacts (pairing).
//
//	inner       = SHA-256("undertone inner v1" ‖ X25519 ‖ ML-KEM-768)
//	fingerprint = SHA-256("undertone fingerprint v1" ‖ Ed25519 ‖ inner)
//	handle      = the first 16 bytes of the fingerprint
//
// The server learns the account (Ed25519 ‖ inner, 64 bytes), so that it can check
// that a handle belongs to whoever signs for it, and no more. The keys for calls it
// never sees: who neither pairs nor calls may have any 32 bytes for inner.
//
// Undertone keeps a seed of 32 bytes and derives the private keys from it, by
// HKDF-SHA-256 without salt: 32 bytes for "undertone identity v1 ed25519" and
// "undertone identity v1 x25519", and the 64 of the seed of ML-KEM for "undertone
// identity v1 ml-kem-768". Nobody else can tell.
//
// Secrets cannot be printed or compared with ==, and are wiped by who is done
// with them. Everybody may import this package.
package key

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// Lengths of keys, in bytes.
const (
	// SecretSize is the length of a shared secret.
	SecretSize = 32
	// HandleSize is the length of a user's address at the server.
	HandleSize = 16
	// FingerprintSize is the length of what names an identity.
	FingerprintSize = 32
	// AccountSize is the length of what the server knows of a user.
	AccountSize = 64
)

// A Secret is 32 bytes that nobody else may learn. Its zero value is no secret:
// IsZero tells it apart.
type Secret struct {
	_ [0]func() // Not comparable: Equal takes constant time.
	b [SecretSize]byte
}

// NewSecret copies b, which must be SecretSize bytes long.
func NewSecret(b []byte) (Secret, error) {
	var s Secret
	if len(b) != SecretSize {
		return s, fmt.Errorf("a secret has %d bytes, not %d", SecretSize, len(b))
	}
	copy(s.b[:], b)
	return s, nil
}

// Bytes returns the secret itself, not a copy: whoever calls Wipe wipes it.
func (s *Secret) Bytes() []byte { return s.b[:] }

// Equal compares in constant time.
func (s *Secret) Equal(o *Secret) bool { return subtle.ConstantTimeCompare(s.b[:], o.b[:]) == 1 }

// IsZero reports whether s was never set, or was wiped.
func (s *Secret) IsZero() bool {
	var zero Secret
	return s.Equal(&zero)
}

// Wipe overwrites the secret.
func (s *Secret) Wipe() { clear(s.b[:]) }

// Format keeps the secret out of every log and message, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(secret)")) }

// A Fingerprint names an identity. Whoever knows it can tell the identity's
// keys from any others.
type Fingerprint [FingerprintSize]byte

// String prints the fingerprint as it stands in links: base64url, no padding.
func (f Fingerprint) String() string { return base64.RawURLEncoding.EncodeToString(f[:]) }

// Handle returns the address that the server knows the identity by.
func (f Fingerprint) Handle() Handle { return Handle(f[:HandleSize]) }

// ParseFingerprint reads what String prints.
func ParseFingerprint(s string) (Fingerprint, error) {
	var f Fingerprint
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(f) {
		return f, errors.New("not a fingerprint: it has 43 letters, digits, - and _")
	}
	copy(f[:], b)
	return f, nil
}

// A Handle is a user's address at the server.
type Handle [HandleSize]byte

// String prints the handle in hexadecimal.
func (h Handle) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether h is nobody's.
func (h Handle) IsZero() bool { return h == Handle{} }

// ParseHandle reads what String prints.
func ParseHandle(s string) (Handle, error) {
	var h Handle
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(h) {
		return h, errors.New("not a user: it has 32 hexadecimal digits")
	}
	copy(h[:], b)
	return h, nil
}

// An Account is what the server knows of a user: the key that signs for him,
// and a hash of the keys that it must not see.
type Account struct {
	Ed25519 [ed25519.PublicKeySize]byte
	Inner   [sha256.Size]byte
}

// ParseAccount reads the bytes of an account: Ed25519, then inner.
func ParseAccount(b []byte) (Account, error) {
	var a Account
	if len(b) != AccountSize {
		return a, fmt.Errorf("an account has %d bytes, not %d", AccountSize, len(b))
	}
	copy(a.Ed25519[:], b)
	copy(a.Inner[:], b[len(a.Ed25519):])
	return a, nil
}

// Bytes returns what ParseAccount reads.
func (a Account) Bytes() []byte { return append(a.Ed25519[:], a.Inner[:]...) }

// Fingerprint returns the identity's name.
func (a Account) Fingerprint() Fingerprint {
	return sha256.Sum256(join("undertone fingerprint v1", a.Ed25519[:], a.Inner[:]))
}

// Handle returns the identity's address.
func (a Account) Handle() Handle { return a.Fingerprint().Handle() }

// Verify reports whether sig is the account's signature of msg.
func (a Account) Verify(msg, sig []byte) bool {
	return len(sig) == ed25519.SignatureSize && ed25519.Verify(a.Ed25519[:], msg, sig)
}

// join concatenates a label and parts of fixed length.
func join(label string, parts ...[]byte) []byte {
	b := []byte(label)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}
