package attack

import (
	"errors"
	"testing"

	"undertone/mixclient/pairing"
	"undertone/transport/key"
)

// A server that stands between two who meet, and pairs with each of them in the
// other's place, is found out by who has the contact link: even if it has come to
// know that link itself, with the secret in it.
func TestSwappedContactKey(t *testing.T) {
	found, paired := 0, 0
	for range tries {
		anna, berta, server := newIdentity(t), newIdentity(t), newIdentity(t)
		var intro key.Secret
		copy(intro.Bytes(), anna.Seed().Bytes())
		toBerta := pairing.Config{Self: anna, Name: "anna", Peer: berta.Account().Handle(), Expect: berta.Fingerprint(), Intro: &intro, Hour: 7}
		hers, err := pairing.Initiate(toBerta)
		if err != nil {
			t.Fatal(err)
		}
		posing := pairing.Respond(pairing.Config{Self: server, Name: "berta", Peer: anna.Account().Handle(), Intro: &intro, Hour: 7})
		pass(hers, posing)
		if errors.Is(hers.Err(), pairing.ErrIdentity) {
			found++
		}
		if hers.Done() {
			paired++
		}
		// What is refused is the key, and nothing else: with the right one it goes well.
		if hers, err = pairing.Initiate(toBerta); err != nil {
			t.Fatal(err)
		}
		his := pairing.Respond(pairing.Config{Self: berta, Name: "berta", Peer: anna.Account().Handle(), Intro: &intro, Hour: 7})
		pass(hers, his)
		if !hers.Done() || !his.Done() {
			t.Errorf("two honest ones did not meet: %v, %v", hers.Err(), his.Err())
		}
	}
	if paired > 0 {
		t.Errorf("paired %d times with the server", paired)
	}
	note(t, "contact's key swapped by the server", tries, found)
}

// pass carries letters between two until one of them has an end.
func pass(a, b *pairing.Session) {
	for range 2000 {
		for _, d := range [][2]*pairing.Session{{a, b}, {b, a}} {
			if f, ok := d[0].Next(); ok {
				d[1].Handle(f)
			}
			d[1].Step()
		}
		if a.Done() && b.Done() || a.Err() != nil || b.Err() != nil {
			return
		}
	}
}

func newIdentity(t *testing.T) *key.Identity {
	t.Helper()
	id, err := key.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}
