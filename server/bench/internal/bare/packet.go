package bare

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
)

// The places in a datagram, and the length of all that stands before what is sealed.
const (
	slotAt   = 4
	whichAt  = 12
	headSize = 14
)

// A sealer closes and opens the datagrams of one user, at either end.
type sealer struct {
	user  uint32
	aead  cipher.AEAD
	nonce [12]byte
	plain []byte
}

// newSealer derives a user's key. Plain texts have at most so many bytes.
func newSealer(seed []byte, user uint32, size int) (*sealer, error) {
	k, err := hkdf.Key(sha256.New, seed, nil, string(binary.BigEndian.AppendUint32([]byte("undertone bench user "), user)), 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &sealer{user: user, aead: aead, plain: make([]byte, size)}, nil
}

// seal writes the datagram with size bytes in it into b, and returns it.
func (s *sealer) seal(b []byte, slot uint64, which uint16, size int) []byte {
	b = binary.BigEndian.AppendUint32(b[:0], s.user)
	b = binary.BigEndian.AppendUint64(b, slot)
	b = binary.BigEndian.AppendUint16(b, which)
	copy(s.nonce[:], b[slotAt:headSize])
	clear(s.plain[:size])
	return s.aead.Seal(b, s.nonce[:], s.plain[:size], b[:headSize])
}

// open reads a datagram of this user's.
func (s *sealer) open(b []byte) (slot uint64, which uint16, ok bool) {
	if len(b) < headSize+s.aead.Overhead() || len(b)-headSize-s.aead.Overhead() > len(s.plain) {
		return 0, 0, false
	}
	copy(s.nonce[:], b[slotAt:headSize])
	if _, err := s.aead.Open(s.plain[:0], s.nonce[:], b[headSize:], b[:headSize]); err != nil {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(b[slotAt:]), binary.BigEndian.Uint16(b[whichAt:]), true
}

// userOf reads whose datagram b is.
func userOf(b []byte) (uint32, bool) {
	if len(b) < headSize {
		return 0, false
	}
	return binary.BigEndian.Uint32(b), true
}
