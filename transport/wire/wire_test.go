package wire

import (
	"bytes"
	"encoding/hex"
	"testing"

	"undertone/transport/cell"
)

func samples() []CallLetter {
	id := CallID{1, 2, 3, 4, 5, 6, 7, 8}
	k := [32]byte(bytes.Repeat([]byte{9}, 32))
	return []CallLetter{
		{Type: Knock, Call: id, Key: k, Slot: 0x0102030405060708, Hour: 0x1112131415161718},
		{Type: Answer, Call: id, Key: k},
		{Type: Over, Call: id},
		{Type: Tell, Call: id, Reason: Declined},
		{Type: Resume, Call: id},
	}
}

// The bytes of each letter, as the package comment lays them out.
func TestVectors(t *testing.T) {
	nines := hex.EncodeToString(bytes.Repeat([]byte{9}, 32))
	want := []string{
		"01" + "0102030405060708" + nines + "0102030405060708" + "1112131415161718",
		"02" + "0102030405060708" + nines,
		"03" + "0102030405060708",
		"04" + "0102030405060708" + "02",
		"05" + "0102030405060708",
	}
	for i, l := range samples() {
		var p Plain
		l.Put(&p)
		w, err := hex.DecodeString(want[i])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(p[:], append(w, make([]byte, len(p)-len(w))...)) {
			t.Errorf("%s is %x, want %s and zeros", l.Type, p, want[i])
		}
		if got, ok := ParseCall(&p); !ok || got != l {
			t.Errorf("%s became %+v, %v", l.Type, got, ok)
		}
	}
	var p Plain
	f := Fragment{Session: 0x01020304, Message: 3, Index: 4, Count: 5, Data: [FragmentSize]byte{6}}
	f.Put(&p)
	if got := hex.EncodeToString(p[:10]); got != "06010203040304050600" {
		t.Errorf("a fragment begins with %s", got)
	}
	if got, ok := ParseFragment(&p); !ok || got != f {
		t.Errorf("a fragment became %+v, %v", got, ok)
	}
}

func TestBadLetters(t *testing.T) {
	for _, l := range samples() {
		var p Plain
		l.Put(&p)
		p[len(p)-1] = 1
		if _, ok := ParseCall(&p); ok {
			t.Errorf("%s with a byte too many was accepted", l.Type)
		}
	}
	for _, p := range []Plain{{}, {99}, {byte(FragmentLetter)}, {byte(Tell), 9: 77}} {
		if _, ok := ParseCall(&p); ok {
			t.Errorf("%x was accepted", p[:10])
		}
	}
	for _, p := range []Plain{{}, {byte(FragmentLetter)}, {byte(FragmentLetter), 6: 5, 7: 5}, {byte(Knock), 7: 1}} {
		if _, ok := ParseFragment(&p); ok {
			t.Errorf("%x was accepted as a fragment", p[:10])
		}
	}
}

func TestFragmentsHoldTheMessage(t *testing.T) {
	for _, n := range []int{1, FragmentSize, FragmentSize + 1, 2401} {
		msg := bytes.Repeat([]byte{7}, n)
		var got []byte
		fs := Fragments(1, 2, msg)
		for i, f := range fs {
			if int(f.Index) != i || int(f.Count) != len(fs) {
				t.Errorf("fragment %d says %d of %d", i, f.Index, f.Count)
			}
			got = append(got, f.Data[:]...)
		}
		if !bytes.Equal(got[:n], msg) || !zero(got[n:]) {
			t.Errorf("a message of %d bytes changed", n)
		}
	}
}

// Whatever parses prints as the same bytes.
func FuzzParse(f *testing.F) {
	for _, l := range samples() {
		var p Plain
		l.Put(&p)
		f.Add(p[:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p, again Plain
		copy(p[:], b)
		if l, ok := ParseCall(&p); ok {
			if l.Put(&again); again != p {
				t.Errorf("%x became %x", p, again)
			}
		}
		if fr, ok := ParseFragment(&p); ok {
			if fr.Put(&again); again != p {
				t.Errorf("%x became %x", p, again)
			}
		}
		_ = LetterType(p[0]).String()
		_ = cell.Kind(p[0]).String()
	})
}
