package superpose

import (
	"bytes"
	"testing"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"

	"pgregory.net/rapid"
)

// A message has room for 8 cells, 8 reservations and 68 bytes, and is one datagram.
func TestGeometry(t *testing.T) {
	if BodyAt+8*cell.Size+8*TokenSize != Size || BodyAt != 68 || Reservations != 8 || OpenReservations != 136 {
		t.Errorf("a body of %d bytes at %d, %d and %d reservations", Size-BodyAt, BodyAt, Reservations, OpenReservations)
	}
	if trailing := BulkSize % ChunkSize; trailing != 0 || BulkSize/ChunkSize != 34 {
		t.Errorf("a body has %d grains and %d bytes", BulkSize/ChunkSize, trailing)
	}
	if Messages(1) != 1 || Messages(8) != 1 || Messages(9) != 2 || Messages(32) != 4 {
		t.Error("channels and messages do not match")
	}
}

func TestHeads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := rapid.Uint16()
		h := Head{
			Slot: u.Draw(t, "slot"), Part: rapid.IntRange(0, 1).Draw(t, "part"), K: rapid.IntRange(0, 3).Draw(t, "k"),
			Flags: rapid.Byte().Draw(t, "flags"), Epoch: u.Draw(t, "epoch"), Ack: u.Draw(t, "ack"),
			Grain: u.Draw(t, "grain"), Count: rapid.IntRange(0, 34).Draw(t, "count"),
		}
		b := make([]byte, Size)
		up, down := h, h
		up.Seen, down.Feedback = u.Draw(t, "seen"), rapid.Int8().Draw(t, "feedback")
		up.PutUp(b)
		if got, ok := ParseUp(b); !ok || got != up {
			t.Errorf("up: %+v became %+v", up, got)
		}
		if !bytes.Equal(Body(b), make([]byte, seal.ShareSize)) {
			t.Error("the head is in the body")
		}
		clear(b)
		down.PutDown(b)
		if got, ok := ParseDown(b); !ok || got != down {
			t.Errorf("down: %+v became %+v", down, got)
		}
		if !bytes.Equal(Map(b), make([]byte, 24)) || !bytes.Equal(DownChunk(b), make([]byte, ChunkSize)) {
			t.Error("the head is in the map or in the chunk")
		}
	})
	if _, ok := ParseUp(make([]byte, Size-1)); ok {
		t.Error("a short message was read")
	}
}

// Section 10, reservation: a token is found as what it is, for its slot and epoch
// only, and the sum of two is not.
func TestTokens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, n := seal.Epoch{rapid.Byte().Draw(t, "epoch")}, cell.Slot(rapid.Uint32().Draw(t, "slot"))
		a := NewToken(&e, n, [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "a")))
		b := NewToken(&e, n, [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "b")))
		other := seal.Epoch{e[0] + 1}
		if !a.Check(&e, n) || a.Check(&e, n+1) || a.Check(&other, n) {
			t.Error("a token is not what it is")
		}
		sum := a
		for i := range sum {
			sum[i] ^= b[i]
		}
		if sum.Check(&e, n) {
			t.Error("the sum of two tokens is a token")
		}
		if a.Name(&e, n) == (Name{}) || a != b && a.Name(&e, n) == b.Name(&e, n) {
			t.Error("two tokens have one name, or one has none")
		}
	})
	var empty Token
	if e := (seal.Epoch{}); empty.Check(&e, 5) {
		t.Error("an empty place is a token")
	}
}

func numbers(t *rapid.T, label string) (m []Number) {
	for i, in := range rapid.SliceOfN(rapid.Bool(), 0, 60).Draw(t, label) {
		if in {
			m = append(m, Number(i*100+1))
		}
	}
	return m
}

// An epoch comes back from its list, and from the news that lead to it.
func TestEpochs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := numbers(t, "from")
		e := Epoch{
			Counter: rapid.Uint32().Draw(t, "counter"), Start: cell.Slot(rapid.Uint32Range(1000, 1<<31).Draw(t, "start")),
			Lapse: rapid.Bool().Draw(t, "lapse"), Members: numbers(t, "members"),
		}
		conn := func(n Number) (key.Connection, bool) { return key.Connection{byte(n), byte(n >> 8)}, true }
		name, _ := e.Name(8, conn)
		var got Epoch
		check, ok := got.ParseList(e.List(make([]byte, seal.ShareSize), name))
		if again, _ := got.Name(8, conn); !ok || again != name || !bytes.Equal(check[:], name[:8]) {
			t.Fatal("the list does not lead to the epoch")
		}
		var b [ChunkSize]byte
		news := NewsOf(from, &e, name)
		news.Put(b[:])
		read, ok := ParseNews(b[:])
		if !ok || read != news {
			t.Fatalf("%+v became %+v", news, read)
		}
		changes := 0
		for i := range 60 {
			n := Number(i*100 + 1)
			if e.Has(n) != (&Epoch{Members: from}).Has(n) {
				changes++
			}
		}
		applied := read.Apply(&got, from, e.Start+cell.Slot(rapid.IntRange(-200, 200).Draw(t, "ref"))) //nolint:gosec // modular arithmetic is meant
		if applied != (changes <= MaxChanges) {
			t.Fatalf("%d changes, applied is %v", changes, applied)
		}
		if again, _ := got.Name(8, conn); applied && again != name {
			t.Fatal("the news do not lead to the epoch")
		}
	})
}

// The name of an epoch depends on all that members must agree on.
func TestNameOfAnEpochDependsOnAll(t *testing.T) {
	conn := func(n Number) (key.Connection, bool) { return key.Connection{byte(n)}, true }
	base := Epoch{Counter: 1, Start: 2, Members: []Number{1, 2}}
	name, _ := base.Name(8, conn)
	for i, e := range []Epoch{
		{Counter: 2, Start: 2, Members: []Number{1, 2}}, {Counter: 1, Start: 3, Members: []Number{1, 2}},
		{Counter: 1, Start: 2, Lapse: true, Members: []Number{1, 2}}, {Counter: 1, Start: 2, Nonce: [8]byte{1}, Members: []Number{1, 2}},
		{Counter: 1, Start: 2, Members: []Number{1, 2, 3}}, {Counter: 1, Start: 2, Members: []Number{1, 3}},
	} {
		if n, _ := e.Name(8, conn); n == name {
			t.Errorf("epoch %d has the name of another", i)
		}
	}
	if n, _ := base.Name(9, conn); n == name {
		t.Error("the name does not depend on the channels")
	}
	if n, _ := base.Name(8, func(n Number) (key.Connection, bool) { return key.Connection{byte(n), 1}, true }); n == name {
		t.Error("the name does not depend on the connections")
	}
	if _, ok := base.Name(8, func(Number) (key.Connection, bool) { return key.Connection{}, false }); ok {
		t.Error("there is a name with unknown members")
	}
}

// Only the first slots of an epoch in which all leases lapse are open, and a token
// of any of them is made for the first.
func TestOpening(t *testing.T) {
	e := Epoch{Start: 100, Lapse: true}
	for n := cell.Slot(98); n < 106; n++ {
		open := n >= 100 && n < 100+OpeningSlots
		if e.Opening(n) != open || open && e.TokenSlot(n) != 100 || !open && e.TokenSlot(n) != n {
			t.Errorf("slot %d: opening is %v, token slot %d", n, e.Opening(n), e.TokenSlot(n))
		}
	}
	if e.Lapse = false; e.Opening(100) {
		t.Error("an epoch without a lapse is opened")
	}
}
