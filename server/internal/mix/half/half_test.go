package half

import "testing"

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
