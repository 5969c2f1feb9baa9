package bare

import (
	"bytes"
	"testing"
)

func sealerOf(t *testing.T, seed string, user uint32) *sealer {
	t.Helper()
	s, err := newSealer([]byte(seed), user, 200)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Both ends have the same key; nobody else opens a datagram, and none that was
// changed opens.
func TestPacket(t *testing.T) {
	b := sealerOf(t, "seed", 7).seal(make([]byte, maxDatagram), 1<<40, 3, 128)
	if len(b) != headSize+128+16 {
		t.Errorf("a datagram of %d bytes", len(b))
	}
	if user, ok := userOf(b); user != 7 || !ok {
		t.Errorf("it is of %d, %v", user, ok)
	}
	if slot, which, ok := sealerOf(t, "seed", 7).open(b); slot != 1<<40 || which != 3 || !ok {
		t.Errorf("slot %d, which %d, %v", slot, which, ok)
	}
	for name, s := range map[string]*sealer{"another user": sealerOf(t, "seed", 8), "another run": sealerOf(t, "weed", 7)} {
		if _, _, ok := s.open(b); ok {
			t.Errorf("%s opens it", name)
		}
	}
	s := sealerOf(t, "seed", 7)
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if _, _, ok := s.open(bad); ok {
			t.Errorf("it opens with byte %d changed", i)
		}
	}
	for _, n := range []int{0, headSize - 1, headSize, len(b) - 1} {
		if _, _, ok := s.open(b[:n]); ok {
			t.Errorf("the first %d bytes open", n)
		}
	}
	if _, _, ok := s.open(make([]byte, maxDatagram)); ok {
		t.Error("what is too long opens")
	}
	if _, ok := userOf(b[:headSize-1]); ok {
		t.Error("half a head has a user")
	}
}
