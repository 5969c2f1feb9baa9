package superpose

import (
	"bytes"
	"crypto/rand"
	"testing"

	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/trickle"
)

var pin = [32]byte{5}

func member(tb testing.TB) ([]byte, *Keys) {
	tb.Helper()
	id, err := key.NewIdentity()
	if err != nil {
		tb.Fatal(err)
	}
	var conn key.Connection
	_, _ = rand.Read(conn[:])
	b, k, err := NewRecord(id, pin, conn)
	if err != nil {
		tb.Fatal(err)
	}
	return b, k
}

// Both ends of a pair come to one secret, from a record and a short one.
func TestPairsAgree(t *testing.T) {
	elderBytes, elderKeys := member(t)
	newBytes, newKeys := member(t)
	elder, err := ParseRecord(elderBytes, pin)
	if err != nil {
		t.Fatal(err)
	}
	newcomer, err := ParseRecord(newBytes, pin)
	if err != nil {
		t.Fatal(err)
	}
	short, err := ParseShort(newcomer.Short(), pin)
	if err != nil || !short.Equal(newcomer) || short.Account != newcomer.Account {
		t.Fatalf("the short record is another: %v", err)
	}
	a, cipher, ok := newKeys.Encapsulate(elder)
	if !ok {
		t.Fatal("not encapsulated")
	}
	b, ok := elderKeys.Decapsulate(short, cipher)
	if !ok || !a.Equal(&b) {
		t.Error("the two ends have different secrets")
	}
	cipher[0] ^= 1
	if c, _ := elderKeys.Decapsulate(short, cipher); a.Equal(&c) {
		t.Error("a forged cipher text leads to the same secret")
	}
	if _, _, ok := newKeys.Encapsulate(short); ok {
		t.Error("encapsulated to a record without a key")
	}
}

// Every bit of a record is covered by its signature, and the server's pin is.
func TestRecordsAreWhole(t *testing.T) {
	b, _ := member(t)
	if len(b) != RecordSize {
		t.Fatalf("a record has %d bytes", len(b))
	}
	if _, err := ParseRecord(b, [32]byte{6}); err == nil {
		t.Error("a record of another server was read")
	}
	for i := 0; i < len(b); i += 11 {
		c := bytes.Clone(b)
		c[i] ^= 1
		if r, err := ParseRecord(c, pin); err == nil {
			t.Errorf("a record with a changed byte %d was read: %v", i, r.Account.Handle())
		}
	}
	if _, err := ParseRecord(b[:len(b)-1], pin); err == nil {
		t.Error("a short record was read as a full one")
	}
}

// Whoever signs a key on which nobody can agree is refused: there would be no pads
// with him.
func TestKeysOfLowOrderAreRefused(t *testing.T) {
	id, err := key.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	head := append([]byte{recordVersion}, id.Account().Bytes()...)
	head = append(head, make([]byte, connSize+dhSize)...)
	var ek [32]byte
	b := append(append(bytes.Clone(head), ek[:]...), id.Sign(signed(head, ek, pin))...)
	if _, err := ParseShort(b, pin); err == nil {
		t.Error("a key of low order was taken")
	}
}

func TestItems(t *testing.T) {
	record, short, cipher := make([]byte, RecordSize), make([]byte, ShortSize), make([]byte, CipherSize)
	for _, c := range []struct {
		kind  Kind
		parts [][]byte
		ok    bool
	}{
		{Welcome, nil, true}, {Gone, nil, true}, {Welcome, [][]byte{{1}}, false},
		{Elder, [][]byte{record}, true}, {Elder, [][]byte{short}, false},
		{Cipher, [][]byte{cipher}, true}, {Cipher, nil, false},
		{Newcomer, [][]byte{short, cipher}, true}, {Newcomer, [][]byte{short}, false},
		{Kind(77), nil, false}, {Kind(0), nil, false},
	} {
		i, ok := ParseItem(FrameItem(c.kind, 300, c.parts...)[2:])
		if ok != c.ok || ok && (i.Kind != c.kind || i.Number != 300) {
			t.Errorf("kind %d: %+v %v", c.kind, i.Kind, ok)
		}
	}
	e := Epoch{Counter: 7, Start: 9, Members: []Number{1, 2}}
	i, ok := ParseItem(FrameEntry(&e, seal.Epoch{})[2:])
	var got Epoch
	if _, listed := got.ParseList(i.List); !ok || !listed || got.Counter != 7 {
		t.Error("an entry did not come back")
	}
	if _, ok := ParseItem(FrameItem(Gone, 0)[2:]); ok {
		t.Error("nobody's number was read")
	}
}

// FuzzParsers feeds strangers' bytes to everything that reads them.
func FuzzParsers(f *testing.F) {
	b, _ := member(f)
	f.Add(b)
	f.Add(FrameItem(Elder, 3, b)[2:])
	e := Epoch{Counter: 1, Start: 2, Members: []Number{1, 5, 9}}
	f.Add(e.List(make([]byte, 400), seal.Epoch{}))
	n := NewsOf([]Number{1, 2}, &e, seal.Epoch{})
	news := make([]byte, trickle.Grain)
	n.Put(news)
	f.Add(news)
	f.Add(make([]byte, Size))
	f.Fuzz(func(t *testing.T, in []byte) {
		_, _ = ParseRecord(in, pin)
		_, _ = ParseShort(in, pin)
		_, _ = ParseItem(in)
		_, _ = ParseUp(in)
		_, _ = ParseDown(in)
		var e Epoch
		if _, ok := e.ParseList(in); ok {
			if len(e.Members) > MaxMembers {
				t.Fatalf("an epoch of %d", len(e.Members))
			}
			for i, m := range e.Members {
				if m == 0 || m > MaxNumber || i > 0 && m <= e.Members[i-1] {
					t.Fatalf("members %v", e.Members)
				}
			}
		}
		if n, ok := ParseNews(in); ok {
			var next Epoch
			n.Apply(&next, e.Members, 5)
			if len(next.Members) > MaxMembers {
				t.Fatalf("an epoch of %d", len(next.Members))
			}
		}
	})
}
