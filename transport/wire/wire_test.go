package wire

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"undertone/transport/cell"
	"undertone/transport/key"
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
		{Type: Knock, Call: id, Key: k, Slot: 1, Hour: 2, Several: true},
		{Type: Welcome, Call: id, Generation: 0x0304, Place: 2, Since: [Places]uint16{1, 0, 0x0304, 7: 0x0201}, Key: k},
		{Type: Member, Call: id, Generation: 0x0304, Place: 7, Handle: key.Handle(bytes.Repeat([]byte{8}, 16)), Name: PutName("Zoë")},
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
		"01" + "0102030405060708" + nines + "0000000000000001" + "0000000000000002" + "01",
		"07" + "0102030405060708" + "0304" + "02" + "0001" + "0000" + "0304" + "00000000" + "00000000" + "0201" + nines,
		"08" + "0102030405060708" + "0304" + "07" + strings.Repeat("08", 16) + "5a6fc3ab",
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

// What a host may not say is refused, whatever else stands in the letter.
func TestLettersOfAGroupThatMakeNoSense(t *testing.T) {
	who := key.Handle{1}
	ok := CallLetter{Type: Welcome, Generation: 5, Place: 1, Since: [Places]uint16{1, 5}}
	for name, bad := range map[string]CallLetter{
		"no generation":              {Type: Welcome, Place: 1, Since: ok.Since},
		"the host's place":           {Type: Welcome, Generation: 5, Place: 0, Since: ok.Since},
		"a place that is free":       {Type: Welcome, Generation: 5, Place: 2, Since: ok.Since},
		"a place that is not":        {Type: Welcome, Generation: 5, Place: Places, Since: ok.Since},
		"no host":                    {Type: Welcome, Generation: 5, Place: 1, Since: [Places]uint16{0, 5}},
		"somebody of times to come":  {Type: Welcome, Generation: 5, Place: 1, Since: [Places]uint16{1, 5, 6}},
		"a member nowhere":           {Type: Member, Generation: 5, Place: Places, Handle: who},
		"a member for the host":      {Type: Member, Generation: 5, Place: 0, Handle: who},
		"a member of no time":        {Type: Member, Place: 1, Handle: who},
		"nobody":                     {Type: Member, Generation: 5, Place: 1},
		"a name that is not UTF-8":   {Type: Member, Generation: 5, Place: 1, Handle: who, Name: [NameSize]byte{0xff}},
		"a name with a line in it":   {Type: Member, Generation: 5, Place: 1, Handle: who, Name: [NameSize]byte{'a', '\n'}},
		"a name after the name":      {Type: Member, Generation: 5, Place: 1, Handle: who, Name: [NameSize]byte{'a', 0, 'b'}},
		"a name cut inside a letter": {Type: Member, Generation: 5, Place: 1, Handle: who, Name: [NameSize]byte{32: 0xc3}},
	} {
		var p Plain
		bad.Put(&p)
		if l, ok := ParseCall(&p); ok {
			t.Errorf("%s was accepted: %+v", name, l)
		}
	}
	var p Plain
	if ok.Put(&p); !parsesCall(&p) {
		t.Error("a welcome that makes sense was refused")
	}
}

func parsesCall(p *Plain) bool {
	_, ok := ParseCall(p)
	return ok
}

// Any name fits into a letter, and comes out as one that can be shown.
func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"":                            "",
		"Ann":                         "Ann",
		"a\x00b\nc\xffd":              "abcd",
		strings.Repeat("a", 50):       strings.Repeat("a", NameSize),
		"x" + strings.Repeat("é", 20): "x" + strings.Repeat("é", 16),
	} {
		l := CallLetter{Type: Member, Generation: 1, Place: 1, Handle: key.Handle{1}, Name: PutName(name)}
		var p Plain
		l.Put(&p)
		if got, ok := ParseCall(&p); !ok || got.NameString() != want {
			t.Errorf("%q became %q, %v", name, got.NameString(), ok)
		}
	}
}

// A head says for which generation its sender is ready; no other head does.
func TestHeads(t *testing.T) {
	for g := range uint16(300) {
		for _, all := range []bool{false, true} {
			h := HeadReady(g, all)
			if ready, complete := ReadyFor(h, g); h == HeadVoice || h == HeadHangup || !ready || complete != all {
				t.Errorf("the head %d of generation %d says %v, %v", h, g, ready, complete)
			}
			for _, other := range []byte{HeadReady(g+1, all), HeadReady(g-1, all), HeadVoice, HeadHangup} {
				if ready, complete := ReadyFor(other, g); ready || complete {
					t.Errorf("the head %d is for generation %d", other, g)
				}
			}
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
