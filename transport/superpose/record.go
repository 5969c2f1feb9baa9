package superpose

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"undertone/transport/key"
)

// Lengths, in bytes.
const (
	connSize = 16
	dhSize   = 32
	fixed    = 1 + key.AccountSize + connSize + dhSize

	// RecordSize is the length of a record, ShortSize of one with the hash of the
	// encapsulation key in its place.
	RecordSize = fixed + mlkem.EncapsulationKeySize768 + ed25519.SignatureSize
	ShortSize  = fixed + sha256.Size + ed25519.SignatureSize

	recordVersion = 1
)

// ErrRecord says that a record is no record, or of another server.
var ErrRecord = errors.New("superpose: not a record of a member of this server")

// A Record is what a member says of himself: who he is, and his keys of this
// connection.
//
//	| version 1 | account 64 | connection 16 | X25519 32 | ML-KEM-768 1184 | signature 64 |
//
// The signature is of a label, the server's pin, and all before it with the
// ML-KEM key replaced by its hash. It is the only thing here that is signed, and
// proves no more than that its maker was online, which the server knows.
type Record struct {
	Account key.Account
	Conn    key.Connection
	DH      *ecdh.PublicKey
	// KEM is nil in a short record.
	KEM *mlkem.EncapsulationKey768

	short [ShortSize]byte
}

// Keys are the secret half of a record.
type Keys struct {
	dh   *ecdh.PrivateKey
	kem  *mlkem.DecapsulationKey768
	conn key.Connection
}

// NewRecord makes the record of a connection, and its keys.
func NewRecord(self *key.Identity, pin [sha256.Size]byte, conn key.Connection) ([]byte, *Keys, error) {
	dh, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	kem, err := mlkem.GenerateKey768()
	if err != nil {
		return nil, nil, err
	}
	ek := kem.EncapsulationKey().Bytes()
	b := append([]byte{recordVersion}, self.Account().Bytes()...)
	b = append(b, conn[:]...)
	b = append(b, dh.PublicKey().Bytes()...)
	sig := self.Sign(signed(b, sha256.Sum256(ek), pin))
	return append(append(b, ek...), sig...), &Keys{dh, kem, conn}, nil
}

// signed returns what is signed of a record.
func signed(head []byte, ek, pin [sha256.Size]byte) []byte {
	b := append([]byte("undertone v1 record of a member"), pin[:]...)
	return append(append(b, head...), ek[:]...)
}

// ParseRecord reads a record and checks all of it.
func ParseRecord(b []byte, pin [sha256.Size]byte) (*Record, error) {
	if len(b) != RecordSize {
		return nil, ErrRecord
	}
	ek := b[fixed : fixed+mlkem.EncapsulationKeySize768]
	kem, err := mlkem.NewEncapsulationKey768(ek)
	if err != nil {
		return nil, ErrRecord
	}
	short := make([]byte, 0, ShortSize)
	short = append(short, b[:fixed]...)
	hash := sha256.Sum256(ek)
	short = append(append(short, hash[:]...), b[fixed+len(ek):]...)
	r, err := ParseShort(short, pin)
	if err != nil {
		return nil, err
	}
	r.KEM = kem
	return r, nil
}

// ParseShort reads a short record and checks it.
func ParseShort(b []byte, pin [sha256.Size]byte) (*Record, error) {
	if len(b) != ShortSize || b[0] != recordVersion {
		return nil, ErrRecord
	}
	r := &Record{short: [ShortSize]byte(b)}
	var err error
	at := 1 + key.AccountSize
	if r.Account, err = key.ParseAccount(b[1:at]); err != nil {
		return nil, ErrRecord
	}
	copy(r.Conn[:], b[at:])
	if r.DH, err = ecdh.X25519().NewPublicKey(b[fixed-dhSize : fixed]); err != nil || lowOrder(r.DH) {
		return nil, ErrRecord
	}
	ek := [sha256.Size]byte(b[fixed:])
	if !r.Account.Verify(signed(b[:fixed], ek, pin), b[ShortSize-ed25519.SignatureSize:]) {
		return nil, ErrRecord
	}
	return r, nil
}

// lowOrder reports whether nobody can agree on a secret with p, who would then
// have no pads.
func lowOrder(p *ecdh.PublicKey) bool {
	probe, err := ecdh.X25519().NewPrivateKey([]byte("any key will do for this purpose"))
	if err != nil {
		return true
	}
	_, err = probe.ECDH(p)
	return err != nil
}

// Short returns the short record.
func (r *Record) Short() []byte { return r.short[:] }

// Equal reports whether two records are of the same connection and keys.
func (r *Record) Equal(o *Record) bool { return r.short == o.short }
