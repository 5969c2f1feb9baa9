package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"

	"undertone/transport/cell"
	"undertone/transport/key"
)

// VeilTagSize is the length of a veil's tag, in bytes.
const VeilTagSize = 8

// A VeilTag is what its addressee finds a veiled cell by.
type VeilTag [VeilTagSize]byte

// A Veil makes cells that everybody sees look random to all but one user, who
// finds his own among them by their tags (protocol 3, step 4, without trying
// every key on every channel):
//
//	veiled = tag, 8 ‖ plain XOR stream
//	tag    = the first 8 bytes of AES-256(key, slot, 8 ‖ 0, 8)
//	stream = AES-256(key, slot ‖ 1) ‖ AES-256(key, slot ‖ 2) ‖ …
//
// A veil hides and finds; it does not authenticate. What is inside is sealed by
// itself, as a stream or a letter. A key serves one direction of one pair of
// connections, and a connection sends one cell in a slot, so no tag and no stream
// appears twice. Garbage is zeros under the veil of a key that nobody has, so
// that it costs and looks the same.
//
// A Veil is for one goroutine at a time and allocates nothing.
type Veil struct {
	block cipher.Block
	in    [aes.BlockSize]byte
	out   [aes.BlockSize]byte
}

// NewVeil returns the veil of a key.
func NewVeil(k *key.Secret) *Veil {
	block, err := aes.NewCipher(k.Bytes())
	if err != nil {
		panic(err) // Only a key of a wrong length fails, and a Secret has the right one.
	}
	return &Veil{block: block}
}

// NewGarbageVeil returns the veil of a key that nobody has.
func NewGarbageVeil() *Veil {
	var k key.Secret
	_, _ = rand.Read(k.Bytes()) // Never fails: the program ends if the system has no randomness.
	defer k.Wipe()
	return NewVeil(&k)
}

// Tag returns the tag of slot n.
func (v *Veil) Tag(n cell.Slot) VeilTag {
	v.encrypt(n, 0)
	return VeilTag(v.out[:VeilTagSize])
}

// Cloak writes the tag of slot n and plain, hidden, to dst, which must have
// VeilTagSize more bytes than plain.
func (v *Veil) Cloak(dst []byte, n cell.Slot, plain []byte) {
	v.encrypt(n, 0)
	copy(dst, v.out[:VeilTagSize])
	v.mask(dst[VeilTagSize:], n, plain)
}

// Lift writes what veiled hides for slot n to plain, without a look at the tag.
func (v *Veil) Lift(plain []byte, n cell.Slot, veiled []byte) {
	v.mask(plain, n, veiled[VeilTagSize:])
}

// mask writes src XOR the stream of slot n to dst.
func (v *Veil) mask(dst []byte, n cell.Slot, src []byte) {
	for at, i := 0, uint64(1); at < len(src); at, i = at+aes.BlockSize, i+1 {
		v.encrypt(n, i)
		end := min(at+aes.BlockSize, len(src))
		for j := at; j < end; j++ {
			dst[j] = src[j] ^ v.out[j-at]
		}
	}
}

func (v *Veil) encrypt(n cell.Slot, i uint64) {
	binary.BigEndian.PutUint64(v.in[:], uint64(n))
	binary.BigEndian.PutUint64(v.in[8:], i)
	v.block.Encrypt(v.out[:], v.in[:])
}

// A Way is one direction between two connections.
type Way struct {
	From, To         key.Handle
	FromConn, ToConn key.Connection
}

func (w *Way) context() [][]byte {
	return [][]byte{w.From[:], w.To[:], w.FromConn[:], w.ToConn[:]}
}

// ContactVeil derives the key of what a contact says, from the pairwise key of
// the hour.
func ContactVeil(pair *key.Secret, w Way) key.Secret {
	return expand(pair, labelContactVeil, w.context()...)
}

// IntroVeil derives the key of the letters of a pairing from the introduction
// secret of whoever was asked.
func IntroVeil(intro *key.Secret, w Way) key.Secret {
	return expand(intro, labelIntroVeil, w.context()...)
}

// GroupVeil derives the key of what the member at the given place of a group
// says on his connection. It is for all of them.
func GroupVeil(group *key.Secret, place int, from key.Handle, conn key.Connection) key.Secret {
	return expand(group, labelGroupVeil, []byte{byte(place)}, from[:], conn[:]) //nolint:gosec // below half.MaxGroup
}
