package profile

import (
	"crypto/rand"
	"slices"

	"undertone/transport/key"
)

// RenewIntro makes a fresh introduction secret, of which contact links are made from
// now on, and revokes those before: links given away so far introduce nobody any more.
func (c *Content) RenewIntro(today Day) error {
	for i := range c.Intros {
		if c.Intros[i].Revoked == 0 {
			c.Intros[i].Revoked = today
		}
	}
	if excess := len(c.Intros) + 1 - MaxIntros; excess > 0 {
		c.Intros = slices.Delete(c.Intros, 0, excess) // They are all revoked.
	}
	var b [key.SecretSize]byte
	_, _ = rand.Read(b[:]) // Never fails: the program ends if the system has no randomness.
	defer clear(b[:])
	secret, err := key.NewSecret(b[:])
	if err != nil {
		return err
	}
	defer secret.Wipe()
	c.AddIntro(&secret, today)
	return nil
}
