package pairing

import (
	"crypto/ecdh"
	"crypto/rand"

	"undertone/transport/key"
)

// A Dummy does the arithmetic of a handshake to no purpose, in every slot that
// has none to do, so that pairing and calling cost what idling costs
// (invariant 3).
type Dummy struct {
	self  *key.Identity
	other *ecdh.PublicKey
}

// NewDummy returns a Dummy that works with the user's own public keys.
func NewDummy(self *key.Identity) (*Dummy, error) {
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return &Dummy{self: self, other: k.PublicKey()}, nil
}

// Step makes a fresh X25519 key, agrees with it, and encapsulates. The results
// are dropped.
func (d *Dummy) Step() {
	if k, err := ecdh.X25519().GenerateKey(rand.Reader); err == nil {
		_, _ = k.ECDH(d.other)
	}
	_, _ = d.self.Public().Encapsulate()
}
