package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"undertone/transport/cell"
	"undertone/transport/key"
)

// ShareSize is the length of the part of a message that pads cover: eight
// channels of one cell, and 64 bytes of reservations.
const ShareSize = 8*cell.Size + 64

// padBlocks is how many blocks of AES one message takes.
const padBlocks = ShareSize / aes.BlockSize

// An Epoch names what all members of an epoch of the sMIX agree on: the list of
// members with the values of their connections, when it begins, and what the
// server drew for it. Two epochs that differ in anything have different names.
type Epoch [sha256.Size]byte

// PadSecret derives what two members share for as long as both their connections
// last, from their agreement of X25519 keys and the secret of ML-KEM-768. elder
// is the connection of whoever was there first.
func PadSecret(agreed, encapsulated []byte, elder, newcomer key.Connection) key.Secret {
	h := sha256.New()
	h.Write(agreed)
	h.Write(encapsulated)
	mixed, err := key.NewSecret(h.Sum(nil))
	if err != nil {
		panic(err) // A hash has SecretSize bytes.
	}
	defer mixed.Wipe()
	return expand(&mixed, labelPadPair, elder[:], newcomer[:])
}

const (
	labelPadPair  = "undertone v1 pads of a pair"
	labelPadEpoch = "undertone v1 pads of an epoch"
)

// Pads are the pads of one member in one epoch: with every other member there is a
// stream of AES-256 in counter mode, whose key depends on the pair and the epoch.
// Message k of M in slot t is covered by the blocks that begin at counter
//
//	(t·M + k)·68
//
// of all streams. No two slots, and no two messages of a slot, have a block in
// common; and the name of the epoch is in the key. So what is left to keep to is
// that only one batch is ever sent for a slot, which the pacer does: its slots
// only rise on a connection, and other connections have other keys.
//
// Slots are cheapest in rising order. Pads are for one goroutine at a time; rising
// slots allocate nothing.
type Pads struct {
	messages int
	streams  []stream
	next     cell.Slot // where the streams stand
}

type stream struct {
	block cipher.Block
	ctr   cipher.Stream
}

// NewPads returns pads without peers, for slots of so many messages each.
func NewPads(messages int) *Pads { return &Pads{messages: messages} }

// Add adds the pads that are shared with one peer.
func (p *Pads) Add(pair *key.Secret, epoch Epoch) {
	k := expand(pair, labelPadEpoch, epoch[:])
	defer k.Wipe()
	block, err := aes.NewCipher(k.Bytes())
	if err != nil {
		panic(err) // Only a key of a wrong length fails, and a Secret has the right one.
	}
	p.streams = append(p.streams, stream{block: block})
	p.next = 0
}

// Len returns how many peers there are.
func (p *Pads) Len() int { return len(p.streams) }

// XOR adds the pads of slot t to dst, which holds the slot's messages one after
// the other, ShareSize bytes each.
func (p *Pads) XOR(dst []byte, t cell.Slot) {
	dst = dst[:p.messages*ShareSize]
	if t != p.next || t == 0 {
		p.seek(t)
	}
	for i := range p.streams {
		p.streams[i].ctr.XORKeyStream(dst, dst)
	}
	p.next = t + 1
}

// seek moves the streams to slot t.
func (p *Pads) seek(t cell.Slot) {
	var iv [aes.BlockSize]byte
	hi, lo := bits.Mul64(uint64(t), uint64(p.messages)*padBlocks) //nolint:gosec // positive
	binary.BigEndian.PutUint64(iv[:8], hi)
	binary.BigEndian.PutUint64(iv[8:], lo)
	for i := range p.streams {
		p.streams[i].ctr = cipher.NewCTR(p.streams[i].block, iv[:])
	}
}

// DigestKey derives from a pairwise key, or from that of a group, the key with
// which members of the sMIX tell each other what they received.
func DigestKey(pair *key.Secret) key.Secret { return expand(pair, labelDigest) }

const labelDigest = "undertone v1 digest of slots"
