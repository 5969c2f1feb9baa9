package cell

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The paper's cell is one kilobit, and every part of it is accounted for.
func TestGeometry(t *testing.T) {
	if Size*8 != 1024 {
		t.Errorf("a cell has %d bits, not one kilobit", Size*8)
	}
	for name, sum := range map[string]int{
		"cell":   ClearSize + HeadSize + BodySize + TagSize,
		"stream": ClearSize + HeadSize + CounterSize + StreamHeadSize + VoiceSize + TagSize + TagSize,
		"letter": ClearSize + HeadSize + AddressSize + ClassSize + NonceSize + LetterSize + TagSize + TagSize,
	} {
		if sum != Size {
			t.Errorf("the parts of a %s add up to %d bytes, not %d", name, sum, Size)
		}
	}
}

func TestExtend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := Slot(rapid.Uint64Range(40_000, 1<<40).Draw(t, "slot"))
		off := rapid.Int64Range(-32767, 32767).Draw(t, "offset")
		if got := Extend(n+Slot(off), n.Low()); got != n {
			t.Fatalf("Extend gave %d for %d, %d away", got, n, off)
		}
	})
}

func TestIntervals(t *testing.T) {
	want := map[Interval]struct{ samples, bitrate int }{
		Interval20:  {960, 38400},
		Interval40:  {1920, 19200},
		Interval100: {4800, 7680},
	}
	for _, i := range Intervals() {
		if w := want[i]; i.Samples() != w.samples || i.Bitrate() != w.bitrate {
			t.Errorf("%s: %d samples and %d bit/s, want %+v", i, i.Samples(), i.Bitrate(), w)
		}
		if p, err := ParseInterval(i.String()); err != nil || p != i {
			t.Errorf("ParseInterval(%q) = %v, %v", i, p, err)
		}
		now := time.Unix(1_790_000_000, 123_456_789)
		n := i.At(now)
		if i.Start(n).After(now) || !i.Start(n+1).After(now) {
			t.Errorf("%s: slot %d does not hold %s", i, n, now)
		}
		if got := i.Slots(time.Second + 1); got != Slot(1000/i.Milliseconds())+1 {
			t.Errorf("%s: a second and a bit has %d slots", i, got)
		}
	}
	for _, bad := range []string{"", "40", "30ms", "40 ms", "-40ms"} {
		if _, err := ParseInterval(bad); err == nil {
			t.Errorf("ParseInterval accepted %q", bad)
		}
	}
}

func TestModes(t *testing.T) {
	for _, m := range []Mode{TMIX, BMIX, SMIX} {
		if p, err := ParseMode(m.String()); err != nil || p != m {
			t.Errorf("ParseMode(%q) = %v, %v", m, p, err)
		}
	}
	if _, err := ParseMode("mix"); err == nil {
		t.Error("ParseMode accepted a mode that does not exist")
	}
}

func TestKindString(t *testing.T) {
	seen := map[string]bool{}
	for k := Cover; k <= Control+1; k++ {
		if seen[k.String()] {
			t.Errorf("two kinds are called %q", k)
		}
		seen[k.String()] = true
	}
}
