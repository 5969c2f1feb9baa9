package demo

import (
	"errors"
	"fmt"
	"time"

	"undertone/app/internal/profile"
	"undertone/mixclient/contact"
	"undertone/mixclient/pairing"
	"undertone/transport/key"
)

// Befriend makes two users contacts who have exchanged their keys before, as
// people have who call each other for the second time: the real handshake, but
// from hand to hand instead of in cells, where it takes half a minute. Neither
// must be online yet.
func Befriend(a, b *User) error {
	if err := errors.Join(a.Knows(b), b.Knows(a)); err != nil {
		return err
	}
	ia, err := a.identity()
	if err != nil {
		return err
	}
	ib, err := b.identity()
	if err != nil {
		return err
	}
	hour := uint64(time.Now().Unix() / 3600) //nolint:gosec // after 1970
	sa, err := pairing.Initiate(pairing.Config{
		Self: ia, Name: a.Name, Peer: ib.Fingerprint().Handle(), Expect: ib.Fingerprint(), Intro: &b.link.Intro, Hour: hour,
	})
	if err != nil {
		return err
	}
	sb := pairing.Respond(pairing.Config{Self: ib, Name: b.Name, Peer: ia.Fingerprint().Handle(), Intro: &b.link.Intro, Hour: hour})
	for !sa.Done() {
		for _, d := range [][2]*pairing.Session{{sa, sb}, {sb, sa}} {
			if f, ok := d[0].Next(); ok {
				d[1].Handle(f)
			}
			d[1].Step()
		}
		if err := errors.Join(sa.Err(), sb.Err()); err != nil {
			return fmt.Errorf("%s and %s cannot pair: %w", a.Name, b.Name, err)
		}
	}
	return errors.Join(a.paired(ia, b, sa), b.paired(ib, a, sb))
}

func (u *User) identity() (*key.Identity, error) {
	c := u.profile.Snapshot()
	defer c.Wipe()
	return key.IdentityFromSeed(&c.Seed)
}

// paired keeps the key of a pairing in the user's profile.
func (u *User) paired(self *key.Identity, with *User, s *pairing.Session) error {
	peer, _, pair, hour := s.Result()
	x := contact.New(self.Fingerprint().Handle(), with.Name, peer.Fingerprint())
	x.Pair(pair, hour, true)
	return u.profile.Update(func(c *profile.Content) error {
		k, err := c.Contact(with.Name)
		if err == nil {
			k.State = x.State()
		}
		return err
	})
}
