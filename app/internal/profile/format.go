package profile

import (
	"bytes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"golang.org/x/crypto/chacha20poly1305"
)

// The file is a header, authenticated and not hidden, and one sealed box
// (XChaCha20-Poly1305, with the header as additional data) that fills it up to
// a whole number of steps. Numbers are big endian.
//
//	 0        8     10  11      12     16       20     36      52
//	+--------+-----+---+-------+------+--------+------+-------+
//	| magic  |vers.|by |threads| time | memory | salt | check |   by: who holds the key,
//	+--------+-----+---+-------+------+--------+------+-------+   1 key file, 2 passphrase
//	52           60       72       96         128
//	+------------+--------+--------+-----------+
//	| generation | writer | nonce  | checksum  |
//	+------------+--------+--------+-----------+
//	128                                          n · 64 KiB
//	+---------------------------------------------+
//	| sealed: length 4 | JSON | zeros      tag 16 |
//	+---------------------------------------------+
//
//	threads, time, memory (KiB)   the cost of argon2id; zero with a key file
//	check       derived from the key beside the one that seals, so that a wrong
//	            passphrase is told from a damaged file
//	generation  goes up by one with each write
//	writer      random, of the process that wrote
//	checksum    SHA-256 of the bytes before it: is the header what was written?
//
// Magic, version and checksum keep their places in every later version.
const (
	magic         = "UNDTPROF"
	formatVersion = 3 // 1 and 2 had fewer settings

	saltSize   = 16
	checkSize  = 16
	writerSize = 12
	sumAt      = 96
	headerSize = sumAt + sha256.Size
	lengthSize = 4

	// stepSize is the granularity of the file's size, in bytes.
	stepSize = 64 << 10
	// maxSteps bounds what is read into memory: 32 MiB.
	maxSteps = 512

	overhead = headerSize + lengthSize + chacha20poly1305.Overhead
)

// header is the first part of the file.
type header struct {
	protection protection
	cost       cost
	salt       [saltSize]byte
	check      [checkSize]byte
	generation uint64
	writer     [writerSize]byte
	nonce      [chacha20poly1305.NonceSizeX]byte
}

// The layout must add up, or the package does not compile.
const (
	_ = uint(sumAt - (8 + 2 + 1 + 1 + 4 + 4 + saltSize + checkSize + 8 + writerSize + chacha20poly1305.NonceSizeX))
	_ = uint((8 + 2 + 1 + 1 + 4 + 4 + saltSize + checkSize + 8 + writerSize + chacha20poly1305.NonceSizeX) - sumAt)
)

// append adds the header's bytes to b.
func (h *header) append(b []byte) []byte {
	start := len(b)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint16(b, formatVersion)
	b = append(b, byte(h.protection), h.cost.threads)
	b = binary.BigEndian.AppendUint32(b, h.cost.time)
	b = binary.BigEndian.AppendUint32(b, h.cost.memory)
	b = append(b, h.salt[:]...)
	b = append(b, h.check[:]...)
	b = binary.BigEndian.AppendUint64(b, h.generation)
	b = append(b, h.writer[:]...)
	b = append(b, h.nonce[:]...)
	sum := sha256.Sum256(b[start:])
	return append(b, sum[:]...)
}

// parseHeader reads the header at the start of b.
func parseHeader(b []byte) (header, error) {
	var h header
	if len(b) < headerSize || string(b[:len(magic)]) != magic {
		return h, damaged("it does not begin as a profile does")
	}
	if sum := sha256.Sum256(b[:sumAt]); !bytes.Equal(sum[:], b[sumAt:headerSize]) {
		return h, damaged("its header has changed")
	}
	if v := binary.BigEndian.Uint16(b[8:]); v > formatVersion {
		return h, ErrNewer
	} else if v == 0 {
		return h, damaged("it has no version")
	}
	h.protection = protection(b[10])
	h.cost = cost{threads: b[11], time: binary.BigEndian.Uint32(b[12:]), memory: binary.BigEndian.Uint32(b[16:])}
	copy(h.salt[:], b[20:])
	copy(h.check[:], b[36:])
	h.generation = binary.BigEndian.Uint64(b[52:])
	copy(h.writer[:], b[60:])
	copy(h.nonce[:], b[72:])
	return h, h.validate()
}

func (h *header) validate() error {
	switch h.protection {
	case byKeyFile:
		if h.cost != (cost{}) {
			return damaged("it has a key file and a passphrase")
		}
	case byPassphrase:
		// Whoever can write the file could otherwise ask for all memory.
		if !h.cost.valid() {
			return damaged("its passphrase would cost too much to check")
		}
	default:
		return damaged("it is protected in a way that does not exist")
	}
	return nil
}

// seal returns the file of a plain text; the header holds a nonce that was never
// used. room is what the plain text is to have
// at least, in bytes: it decides the size of the file.
func seal(aead cipher.AEAD, h *header, plain []byte, room int) ([]byte, error) {
	steps := (overhead + max(room, len(plain)) + stepSize - 1) / stepSize
	if steps > maxSteps {
		return nil, errors.New("the profile is too large: remove some contacts")
	}
	padded := make([]byte, steps*stepSize-headerSize-aead.Overhead())
	defer clear(padded)
	binary.BigEndian.PutUint32(padded, uint32(len(plain))) //nolint:gosec // below 32 MiB, see above
	copy(padded[lengthSize:], plain)
	file := h.append(make([]byte, 0, steps*stepSize))
	return aead.Seal(file, h.nonce[:], padded, file), nil
}

// unseal returns the plain text of a file whose header is h.
func unseal(aead cipher.AEAD, h *header, file []byte) ([]byte, error) {
	if len(file) == 0 || len(file)%stepSize != 0 {
		return nil, damaged("it is cut off")
	}
	padded, err := aead.Open(nil, h.nonce[:], file[headerSize:], file[:headerSize])
	if err != nil {
		return nil, damaged("its content has changed")
	}
	n, padded := int(binary.BigEndian.Uint32(padded)), padded[lengthSize:]
	if n < 0 || n > len(padded) {
		return nil, damaged("its content is longer than the file")
	}
	return padded[:n], nil
}
