package cell

import "testing"

// TestPlace walks through all places: none is another's, and each comes back.
func TestPlace(t *testing.T) {
	seen := map[byte]bool{}
	for p := range 4 {
		for k := range MaxPlaces {
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
