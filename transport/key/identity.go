package key

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// PublicSize is the length of the public half of an identity, in bytes.
const PublicSize = ed25519.PublicKeySize + 32 + mlkem.EncapsulationKeySize768

// A Public is the public half of an identity, as contacts exchange it when they
// pair. The server never sees it.
type Public struct {
	ed  [ed25519.PublicKeySize]byte
	dh  *ecdh.PublicKey
	kem *mlkem.EncapsulationKey768
}

// ParsePublic reads the bytes of a public half and checks its keys.
func ParsePublic(b []byte) (*Public, error) {
	if len(b) != PublicSize {
		return nil, fmt.Errorf("a public identity has %d bytes, not %d", PublicSize, len(b))
	}
	p := new(Public)
	b = b[copy(p.ed[:], b):]
	var err error
	if p.dh, err = ecdh.X25519().NewPublicKey(b[:32]); err != nil {
		return nil, fmt.Errorf("the X25519 key of a public identity: %w", err)
	}
	if p.kem, err = mlkem.NewEncapsulationKey768(b[32:]); err != nil {
		return nil, fmt.Errorf("the ML-KEM key of a public identity: %w", err)
	}
	return p, nil
}

// Bytes returns what ParsePublic reads.
func (p *Public) Bytes() []byte { return join("", p.ed[:], p.dh.Bytes(), p.kem.Bytes()) }

// Account returns the part of the identity that the server may know.
func (p *Public) Account() Account {
	return Account{
		Ed25519: p.ed,
		Inner:   sha256.Sum256(join("undertone inner v1", p.dh.Bytes(), p.kem.Bytes())),
	}
}

// Fingerprint returns the identity's name.
func (p *Public) Fingerprint() Fingerprint { return p.Account().Fingerprint() }

// DH returns the X25519 key.
func (p *Public) DH() *ecdh.PublicKey { return p.dh }

// Encapsulate makes a shared secret that only the holder of the identity can
// recover from the cipher text.
func (p *Public) Encapsulate() (secret, ciphertext []byte) { return p.kem.Encapsulate() }

// An Identity is a user's long-term key. It lives in the profile, encrypted,
// and never leaves the user's machine.
type Identity struct {
	seed Secret
	ed   ed25519.PrivateKey
	dh   *ecdh.PrivateKey
	kem  *mlkem.DecapsulationKey768
	pub  Public
}

// NewIdentity makes an identity from the system's randomness.
func NewIdentity() (*Identity, error) {
	var seed Secret
	_, _ = rand.Read(seed.b[:]) // Never fails: the program ends if the system has no randomness.
	return IdentityFromSeed(&seed)
}

// IdentityFromSeed derives the identity of a seed; the same seed gives the same
// identity on every machine.
func IdentityFromSeed(seed *Secret) (*Identity, error) {
	if seed.IsZero() {
		return nil, errors.New("the seed of the identity is empty")
	}
	expand := func(label string, n int) ([]byte, error) {
		return hkdf.Key(sha256.New, seed.b[:], nil, "undertone identity v1 "+label, n)
	}
	i := &Identity{seed: *seed}
	edSeed, err := expand("ed25519", ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	dhSeed, err := expand("x25519", 32)
	if err != nil {
		return nil, err
	}
	kemSeed, err := expand("ml-kem-768", mlkem.SeedSize)
	if err != nil {
		return nil, err
	}
	i.ed = ed25519.NewKeyFromSeed(edSeed)
	if i.dh, err = ecdh.X25519().NewPrivateKey(dhSeed); err != nil {
		return nil, err
	}
	if i.kem, err = mlkem.NewDecapsulationKey768(kemSeed); err != nil {
		return nil, err
	}
	i.pub = Public{ed: [32]byte(i.ed.Public().(ed25519.PublicKey)), dh: i.dh.PublicKey(), kem: i.kem.EncapsulationKey()}
	return i, nil
}

// Seed returns the secret that the identity is derived from, for the profile.
func (i *Identity) Seed() *Secret { return &i.seed }

// Public returns the public half.
func (i *Identity) Public() *Public { return &i.pub }

// Account returns the part of the identity that the server may know.
func (i *Identity) Account() Account { return i.pub.Account() }

// Fingerprint returns the identity's name.
func (i *Identity) Fingerprint() Fingerprint { return i.pub.Fingerprint() }

// Sign signs msg towards the server. Never sign anything for a contact: a
// signature could be shown to a third party.
func (i *Identity) Sign(msg []byte) []byte { return ed25519.Sign(i.ed, msg) }

// Agree returns the X25519 agreement with a peer's key. It fails for keys of
// low order, which a peer can only send on purpose.
func (i *Identity) Agree(peer *ecdh.PublicKey) ([]byte, error) { return i.dh.ECDH(peer) }

// Decapsulate recovers the secret of a cipher text made for this identity. A
// forged cipher text gives an unrelated secret; only a wrong length fails.
func (i *Identity) Decapsulate(ciphertext []byte) ([]byte, error) {
	return i.kem.Decapsulate(ciphertext)
}
