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
func Befriend(a, b *User) error { return Pair(a.profile, b.profile) }

// Pair does what Befriend does, for two profiles.
func Pair(a, b *profile.Profile) error {
	one, err := sideOf(a)
	if err != nil {
		return err
	}
	two, err := sideOf(b)
	if err != nil {
		return err
	}
	sa, err := pairing.Initiate(one.with(two, two.intro))
	if err != nil {
		return err
	}
	sb := pairing.Respond(two.with(one, two.intro))
	for !sa.Done() {
		for _, d := range [][2]*pairing.Session{{sa, sb}, {sb, sa}} {
			if f, ok := d[0].Next(); ok {
				d[1].Handle(f)
			}
			d[1].Step()
		}
		if err := errors.Join(sa.Err(), sb.Err()); err != nil {
			return fmt.Errorf("%s and %s cannot pair: %w", one.name, two.name, err)
		}
	}
	return errors.Join(one.keep(two, sa), two.keep(one, sb))
}

// A side is one of two who pair.
type side struct {
	profile *profile.Profile
	id      *key.Identity
	name    string
	intro   key.Secret
}

func sideOf(p *profile.Profile) (*side, error) {
	c := p.Snapshot()
	defer c.Wipe()
	s := &side{profile: p, name: c.Name}
	if i := c.Intro(); i != nil {
		s.intro = i.Secret
	}
	var err error
	s.id, err = key.IdentityFromSeed(&c.Seed)
	return s, err
}

// with is what a session with another needs to know.
func (s *side) with(o *side, intro key.Secret) pairing.Config {
	f := o.id.Fingerprint()
	hour := uint64(time.Now().Unix() / 3600) //nolint:gosec // after 1970
	return pairing.Config{Self: s.id, Name: s.name, Peer: f.Handle(), Expect: f, Intro: &intro, Hour: hour}
}

// keep makes the other a contact, with the key of a pairing.
func (s *side) keep(o *side, session *pairing.Session) error {
	peer, _, pair, hour := session.Result()
	x := contact.New(s.id.Fingerprint().Handle(), o.name, peer.Fingerprint())
	x.Pair(pair, hour, true)
	return s.profile.Update(func(c *profile.Content) error {
		return c.AddContact(profile.Contact{
			Name: o.name, Fingerprint: peer.Fingerprint(), Intro: o.intro, State: x.State(), Added: profile.DayOf(time.Now()),
		})
	})
}
