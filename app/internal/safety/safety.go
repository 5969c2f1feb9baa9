// Package safety makes the words by which two people find out whether they
// really talk to each other. Both read them aloud, in a call or face to face: if
// the words are the same, nobody stands between them, and the contact may be
// marked as verified. Commands and windows show them; nothing else uses them.
//
// The words are a hash of both identities, so they stay the same for these two
// people until one of them gets a new identity:
//
//	SHA-256( "undertone safety words v1" ‖ lower fingerprint ‖ higher fingerprint )
//	└── first 88 bits: 8 × 11 bits, big endian, each a word of the list ──┘
//
// Somebody who wants to stand in between must find an identity with the same 88
// bits towards each of two given people, which nobody can.
package safety

import (
	"bytes"
	"crypto/sha256"
	"strings"

	"github.com/tyler-smith/go-bip39/wordlists"

	"undertone/transport/key"
)

const (
	// Count is how many words there are to compare.
	Count = 8
	// wordBits is what one of the 2048 words of the list stands for.
	wordBits = 11

	label = "undertone safety words v1"
)

// Words are what two people compare.
type Words [Count]string

// Of returns the words of two identities. The order does not matter: both
// people see the same words.
func Of(a, b key.Fingerprint) Words {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	h := sha256.New()
	h.Write([]byte(label))
	h.Write(a[:])
	h.Write(b[:])
	sum := h.Sum(nil)
	var w Words
	for i := range w {
		w[i] = wordlists.English[bits(sum, i*wordBits)]
	}
	return w
}

// bits returns wordBits bits of b from bit at on, the highest first.
func bits(b []byte, at int) int {
	v := 0
	for i := at; i < at+wordBits; i++ {
		v = v<<1 | int(b[i/8]>>(7-i%8)&1)
	}
	return v
}

// String prints the words in two lines of four.
func (w Words) String() string {
	return strings.Join(w[:Count/2], " ") + "\n" + strings.Join(w[Count/2:], " ")
}
