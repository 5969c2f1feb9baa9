package superpose

import (
	"crypto/mlkem"
	"encoding/binary"

	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/trickle"
)

// A Kind says what an item of the trickle is.
type Kind byte

// The kinds of items. Each begins with its kind; numbers take two bytes.
const (
	// Welcome is the first item: | kind | number | tells a member his own.
	Welcome Kind = iota + 1
	// Elder is | kind | number | record | of somebody who was there before, and
	// to whom the member encapsulates.
	Elder
	// Cipher is the answer: | kind | number | cipher text | for that member.
	Cipher
	// Newcomer is | kind | number | short record | cipher text | of somebody who
	// came later, for the member.
	Newcomer
	// Gone is | kind | number | of somebody who has left for good.
	Gone
	// Entry is | kind | list | : an epoch that the member is in.
	Entry
)

const (
	itemHead = 3
	// CipherSize is the length of a cipher text of ML-KEM-768, in bytes.
	CipherSize = mlkem.CiphertextSize768
)

// An Item is one that was read. Its slices point into what was read.
type Item struct {
	Kind   Kind
	Number Number
	// Record is of Elder and Newcomer, Cipher of Cipher and Newcomer, List of
	// Entry.
	Record, Cipher, List []byte
}

// ParseItem reads an item. Those of an unknown kind are refused.
func ParseItem(b []byte) (Item, bool) {
	if len(b) == 0 {
		return Item{}, false
	}
	if Kind(b[0]) == Entry {
		return Item{Kind: Entry, List: b[1:]}, true
	}
	if len(b) < itemHead {
		return Item{}, false
	}
	i := Item{Kind: Kind(b[0]), Number: Number(binary.BigEndian.Uint16(b[1:]))}
	rest, ok := b[itemHead:], i.Number > 0 && i.Number <= MaxNumber
	switch i.Kind {
	case Welcome, Gone:
		ok = ok && len(rest) == 0
	case Elder:
		i.Record = rest
		ok = ok && len(rest) == RecordSize
	case Cipher:
		i.Cipher = rest
		ok = ok && len(rest) == CipherSize
	case Newcomer:
		if ok = ok && len(rest) == ShortSize+CipherSize; ok {
			i.Record, i.Cipher = rest[:ShortSize], rest[ShortSize:]
		}
	default:
		ok = false
	}
	return i, ok
}

// FrameItem makes an item ready to be queued.
func FrameItem(k Kind, n Number, parts ...[]byte) []byte {
	head := []byte{byte(k), byte(n >> 8), byte(n)} //nolint:gosec // both halves
	return trickle.Frame(append([][]byte{head}, parts...)...)
}

// FrameEntry makes the item of an epoch ready to be queued.
func FrameEntry(e *Epoch, name seal.Epoch) []byte {
	b := make([]byte, epochHead+checkSize+2*len(e.Members))
	return trickle.Frame([]byte{byte(Entry)}, e.List(b, name))
}

// Encapsulate agrees with an elder on the secret of the pads: the cipher text is
// for him.
func (k *Keys) Encapsulate(elder *Record) (pair key.Secret, cipher []byte, ok bool) {
	agreed, err := k.dh.ECDH(elder.DH)
	if err != nil || elder.KEM == nil {
		return pair, nil, false
	}
	shared, cipher := elder.KEM.Encapsulate()
	return seal.PadSecret(agreed, shared, elder.Conn, k.conn), cipher, true
}

// Decapsulate agrees with a newcomer, who sent a cipher text.
func (k *Keys) Decapsulate(newcomer *Record, cipher []byte) (pair key.Secret, ok bool) {
	agreed, err := k.dh.ECDH(newcomer.DH)
	if err != nil {
		return pair, false
	}
	shared, err := k.kem.Decapsulate(cipher)
	if err != nil {
		return pair, false
	}
	return seal.PadSecret(agreed, shared, k.conn, newcomer.Conn), true
}
