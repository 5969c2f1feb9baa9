package veil

import (
	"bytes"
	"testing"

	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
)

func secret(b byte) *key.Secret {
	s, _ := key.NewSecret(bytes.Repeat([]byte{b}, key.SecretSize))
	return &s
}

var (
	ann, bob = key.Handle{1}, key.Handle{2}
	conns    = [...]key.Connection{{10}, {20}, {30}}
)

// two returns the books of ann, on seat 0, and of bob, on seat 1, who have a key.
func two() (a, b *Book) {
	a, b = New(ann, conns[0]), New(bob, conns[1])
	for _, x := range []*Book{a, b} {
		x.Seat(0, ann, conns[0])
		x.Seat(1, bob, conns[1])
	}
	a.Keys(&half.Keyring{Intro: secret(5), Peers: []half.Peer{{Handle: bob, Pair: secret(1)}}})
	b.Keys(&half.Keyring{Intro: secret(6), Peers: []half.Peer{{Handle: ann, Pair: secret(1)}}})
	return a, b
}

// heard seals a word of one for the other, and returns what the other makes of it.
func heard(from, to *Book, n cell.Slot, extra []byte) (half.Found, []byte) {
	var veiled cell.Cell
	from.Seal(veiled[:], n, &half.Say{Kind: cell.Stream, To: to.self}, extra)
	var f half.Found
	got := to.Open(n, veiled[:], &f)
	return f, got
}

// What a mode has to add to a cell comes through with it, and is empty in garbage.
func TestExtra(t *testing.T) {
	a, b := two()
	f, extra := heard(a, b, 5, []byte("12345678"))
	if f.Kind != cell.Stream || f.From != ann || string(extra) != "12345678" {
		t.Errorf("found %+v, %q", f, extra)
	}
	if f, _ := heard(a, b, 5, nil); f.Kind != cell.Cover {
		t.Errorf("a slot was used for two words: %+v", f)
	}
}

// Somebody who comes back before his old line was given up sits twice for a while.
// He is reached where he came last, and still when either seat is given up.
func TestTwoSeatsOfOne(t *testing.T) {
	for _, leaves := range []int{1, 2} {
		a, b := two()
		back := New(bob, conns[2])
		back.Seat(0, ann, conns[0])
		back.Keys(&half.Keyring{Intro: secret(6), Peers: []half.Peer{{Handle: ann, Pair: secret(1)}}})
		a.Seat(2, bob, conns[2])
		if f, _ := heard(a, back, 5, nil); f.Kind != cell.Stream {
			t.Error("he is not reached where he came last")
		}
		a.Seat(leaves, key.Handle{}, key.Connection{})
		stays := map[int]*Book{1: back, 2: b}[leaves]
		if f, _ := heard(a, stays, 6, nil); f.Kind != cell.Stream {
			t.Errorf("he is not reached any more when seat %d is given up", leaves)
		}
	}
}

// Keys that have not changed are not derived again, and those that have are.
func TestKeysAgain(t *testing.T) {
	a, b := two()
	same := &half.Keyring{Intro: secret(5), Peers: []half.Peer{{Handle: bob, Pair: secret(1)}}}
	before := a.seats[1].contact
	if a.Keys(same); a.seats[1].contact != before {
		t.Error("the same keys were derived again")
	}
	same.Peers[0].Pair = secret(2)
	if a.Keys(same); a.seats[1].contact == before {
		t.Error("new keys were not derived")
	}
	if f, _ := heard(a, b, 5, nil); f.Kind != cell.Cover {
		t.Error("a cell under another key was found")
	}
	if all, known := a.Members(); all != 1 || known != 1 {
		t.Errorf("%d members, %d known", all, known)
	}
}
