package superpose

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"

	"undertone/transport/cell"
	"undertone/transport/seal"
)

// Lengths, in bytes, and numbers of reservations.
const (
	TokenSize = 8
	// NameSize is the length of a token's name in the map.
	NameSize = 3

	// Reservations is how many places for tokens a message has, OpenReservations
	// how many one of an opening has.
	Reservations     = (seal.ShareSize - Cells*cell.Size) / TokenSize
	OpenReservations = seal.ShareSize / TokenSize

	nonceSize = 4
)

// A Token asks for a channel.
type Token [TokenSize]byte

// A Name is how the map calls a token. The zero name is nobody's.
type Name [NameSize]byte

const (
	labelToken = "undertone v1 token"
	labelName  = "undertone v1 name of a token"
)

// hash is SHA-256 of a label, an epoch, a slot and a nonce, without an allocation.
func hash(label string, e *seal.Epoch, t cell.Slot, nonce []byte) [sha256.Size]byte {
	var b [64 + sha256.Size + 8 + nonceSize]byte
	n := copy(b[:], label)
	n += copy(b[n:], e[:])
	binary.BigEndian.PutUint64(b[n:], uint64(t))
	n += 8
	n += copy(b[n:], nonce)
	return sha256.Sum256(b[:n])
}

// NewToken makes the token of a random nonce for slot t of an epoch.
func NewToken(e *seal.Epoch, t cell.Slot, nonce [nonceSize]byte) Token {
	var k Token
	copy(k[:], nonce[:])
	h := hash(labelToken, e, t, nonce[:])
	copy(k[nonceSize:], h[:])
	return k
}

// Check reports whether k is a token for slot t of an epoch: not an empty place,
// and not the sum of several tokens (but for one in 2^32).
func (k *Token) Check(e *seal.Epoch, t cell.Slot) bool {
	h := hash(labelToken, e, t, k[:nonceSize])
	return subtle.ConstantTimeCompare(h[:TokenSize-nonceSize], k[nonceSize:]) == 1
}

// Name returns what the map calls the token.
func (k *Token) Name(e *seal.Epoch, t cell.Slot) Name {
	h := hash(labelName, e, t, k[:nonceSize])
	name := Name(h[:NameSize])
	if name == (Name{}) {
		name[0] = 1
	}
	return name
}
