package pairing

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"undertone/transport/key"
	"undertone/transport/wire"
)

type pair struct {
	a, b   *Session
	ia, ib *key.Identity
}

func identity(t testing.TB) *key.Identity {
	t.Helper()
	i, err := key.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// meet begins a pairing of two identities. posing takes the place of the
// responder's identity, if it is not nil.
func meet(t testing.TB, posing *key.Identity) pair {
	t.Helper()
	p := pair{ia: identity(t), ib: identity(t)}
	var intro key.Secret
	intro.Bytes()[0] = 1
	a, err := Initiate(Config{Self: p.ia, Name: "ann", Peer: p.ib.Fingerprint().Handle(), Expect: p.ib.Fingerprint(), Intro: &intro, Hour: 7})
	if err != nil {
		t.Fatal(err)
	}
	self := p.ib
	if posing != nil {
		self = posing
	}
	p.a = a
	p.b = Respond(Config{Self: self, Name: "bob", Peer: p.ia.Fingerprint().Handle(), Intro: &intro, Hour: 7})
	return p
}

// run passes letters between both until neither has anything new to say, and
// returns how many went.
func (p pair) run(lost func() bool, change func(*wire.Fragment)) int {
	letters := 0
	for range 2000 {
		for _, d := range []struct{ from, to *Session }{{p.a, p.b}, {p.b, p.a}} {
			if f, ok := d.from.Next(); ok && !lost() {
				letters++
				change(&f)
				d.to.Handle(f)
			}
			d.to.Step()
		}
		if p.a.Done() && p.b.Done() || p.a.Err() != nil || p.b.Err() != nil {
			break
		}
	}
	return letters
}

func never() bool         { return false }
func same(*wire.Fragment) {}

func TestPairing(t *testing.T) {
	p := meet(t, nil)
	p.run(never, same)
	if !p.a.Done() || !p.b.Done() {
		t.Fatalf("not done: %v, %v", p.a.Err(), p.b.Err())
	}
	pb, nameB, ka, ha := p.a.Result()
	pa, nameA, kb, hb := p.b.Result()
	if pb.Fingerprint() != p.ib.Fingerprint() || pa.Fingerprint() != p.ia.Fingerprint() {
		t.Error("the identities are not those that paired")
	}
	if nameA != "ann" || nameB != "bob" || ha != 7 || hb != 7 {
		t.Errorf("names %q and %q, hours %d and %d", nameA, nameB, ha, hb)
	}
	if !ka.Equal(kb) || ka.IsZero() {
		t.Error("both sides must have the same key")
	}
	if other := meet(t, nil); other.run(never, same) > 0 {
		if _, _, k, _ := other.a.Result(); k.Equal(ka) {
			t.Error("two pairings gave one key")
		}
	}
}

// The figure of the package comment.
func TestPairingTakes81Letters(t *testing.T) {
	p := meet(t, nil)
	n := 0
	for !p.a.Done() {
		for _, d := range []struct{ from, to *Session }{{p.a, p.b}, {p.b, p.a}} {
			for !d.to.Due() && !d.to.Done() {
				f, ok := d.from.Next()
				if !ok {
					break
				}
				n++
				d.to.Handle(f)
			}
			d.to.Step()
		}
	}
	if n != 81 {
		t.Errorf("pairing took %d letters", n)
	}
}

func TestPairingWithLoss(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		percent := rapid.IntRange(0, 30).Draw(t, "loss")
		p := meet(testing.TB(nilTB{}), nil)
		p.run(func() bool { return rnd.IntN(100) < percent }, same)
		if !p.a.Done() || !p.b.Done() {
			t.Fatalf("at %d %% loss not done: %v, %v", percent, p.a.Err(), p.b.Err())
		}
	})
}

// nilTB lets meet be used where only a rapid.T is at hand; identities are made
// without failing.
type nilTB struct{ testing.TB }

func (nilTB) Helper() {}

// A server that puts its own identity in the place of the one of the contact
// link is found out, even if it knows the introduction secret.
func TestSwappedIdentityIsDetected(t *testing.T) {
	p := meet(t, identity(t))
	p.run(never, same)
	if !errors.Is(p.a.Err(), ErrIdentity) || p.a.Done() || p.b.Done() {
		t.Errorf("the initiator accepted another identity: %v", p.a.Err())
	}
}

// Whoever shows somebody's public identity but does not hold its keys cannot
// prove it.
func TestStolenPublicIdentity(t *testing.T) {
	thief := identity(t)
	p := meet(t, nil)
	p.run(never, func(f *wire.Fragment) {
		// The thief answers with Bob's identity (fragments 0 to 19 hold it
		// whole) and a fresh key and cipher text of his own.
		if f.Message == 2 && f.Index >= 21 {
			copy(f.Data[:], thief.Public().Bytes()[100:])
		}
	})
	if p.a.Done() || p.b.Done() {
		t.Error("paired with whoever does not hold the keys")
	}
}

// Any change of any byte of any message ends the pairing or changes nothing;
// it never leads to two different keys.
func TestTamperedPairing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		message := uint8(rapid.IntRange(1, 4).Draw(t, "message"))
		index := uint8(rapid.IntRange(0, 38).Draw(t, "index"))
		at := rapid.IntRange(0, wire.FragmentSize-1).Draw(t, "byte")
		p := meet(testing.TB(nilTB{}), nil)
		p.run(never, func(f *wire.Fragment) {
			if f.Message == message && f.Index == index {
				f.Data[at] ^= 0x40
			}
		})
		if p.a.Done() && p.b.Done() {
			_, _, ka, _ := p.a.Result()
			_, _, kb, _ := p.b.Result()
			if !ka.Equal(kb) {
				t.Fatal("both are done with different keys")
			}
		}
	})
}

// Whatever letters come in, a session neither panics nor gets done.
func FuzzHandle(f *testing.F) {
	f.Add([]byte{1, 0, 1, 0, 2, 2, 3, 9, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		p := meet(t, nil)
		for s := script; len(s) >= 3; s = s[3:] {
			fr := wire.Fragment{Session: p.a.Number(), Message: s[0] % 6, Index: s[1] % 40, Count: s[1]%40 + 1 + s[2]%2}
			copy(fr.Data[:], bytes.Repeat(s[:3], 20))
			for _, x := range []*Session{p.a, p.b} {
				x.Handle(fr)
				x.Step()
			}
		}
		if p.a.Done() || p.b.Done() {
			t.Error("made-up letters ended in a pairing")
		}
	})
}

func BenchmarkDummyStep(b *testing.B) {
	d, err := NewDummy(identity(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		d.Step()
	}
}
