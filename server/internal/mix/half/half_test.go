package half

import "testing"

// TestPlace walks through all places: none is another's, and each comes back.
func TestPlace(t *testing.T) {
	seen := map[byte]bool{}
	for p := range 4 {
		for k := range MaxMessages {
			b := Place(p, k)
			if gotP, gotK := ReadPlace(b); gotP != p || gotK != k || seen[b] {
				t.Fatalf("message %d of part %d has place %d, which is message %d of part %d", k, p, b, gotK, gotP)
			}
			seen[b] = true
		}
	}
	if Place(1, 3) != 0x43 {
		t.Errorf("message 3 of part 1 has place %#x", Place(1, 3))
	}
}

func TestShape(t *testing.T) {
	for s, placed := range map[Shape]bool{{1, 1, 128}: false, {2, 1, 1156}: true, {1, 13, 1156}: true} {
		if s.Placed() != placed {
			t.Errorf("%+v", s)
		}
	}
	if n := (Shape{Parts: 2, Messages: 4, Size: 1156}).Bytes(); n != 4624 {
		t.Errorf("a part has %d bytes", n)
	}
}
