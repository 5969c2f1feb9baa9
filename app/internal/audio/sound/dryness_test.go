package sound

import "testing"

func TestDryness(t *testing.T) {
	for _, c := range []struct {
		name string
		late []uint64 // in each second
		want bool
	}{
		{"never", []uint64{0, 0, 0, 0}, false},
		{"a stumble", []uint64{0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0}, false},
		{"once a second", []uint64{1, 1, 1, 1, 1, 1}, false},
		{"twice a second", []uint64{2, 2}, true},
		{"a bad second", []uint64{0, 5}, true},
		{"a mad helper", []uint64{1 << 63, 1 << 63}, true},
	} {
		d, count, got := dryness{}, uint64(0), false
		for _, n := range c.late {
			count += n
			got = d.look(count) || got
		}
		if got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
	d := dryness{}
	if d.look(9); d.look(9) {
		t.Error("the same dry second is counted twice")
	}
}
