package pacer

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"undertone/transport/cell"
)

// TestGridBounds asks a Grid for anything, in any order. Ticks keep their
// distance within the bounds, slots go up, and what was asked for is reached.
func TestGridBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.SampledFrom(cell.Intervals()).Draw(t, "interval")
		g := NewGrid(i, 1000, time.Unix(1000, 0))
		part := time.Duration(acquiringPart)
		for range rapid.IntRange(1, 200).Draw(t, "ticks") {
			at, n := g.Next()
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				g.Slew(time.Duration(rapid.Int64().Draw(t, "slew")) / 4)
			case 1:
				g.Relabel(cell.Slot(rapid.Uint32().Draw(t, "relabel")))
			case 2:
				g.Lock()
			}
			if g.Locked() {
				part = lockedPart
			}
			g.Step()
			next, m := g.Next()
			if d := (next.Sub(at) - i.Duration()).Abs(); d > i.Duration()/part {
				t.Fatalf("the tick moved by %v", d)
			}
			if m <= n {
				t.Fatalf("slot %d after %d", m, n)
			}
		}
	})
}

func TestGridSlewArrives(t *testing.T) {
	for _, want := range []time.Duration{0, 1, -1, 7 * time.Millisecond, -93 * time.Millisecond} {
		g := NewGrid(cell.Interval40, 1, time.Unix(0, 0))
		g.Slew(want)
		for range g.ticks(want) {
			g.Step()
		}
		at, n := g.Next()
		if got := at.Sub(time.Unix(0, 0)) - time.Duration(n-1)*40*time.Millisecond; got != want || g.Slewing() != 0 {
			t.Errorf("moved by %v, not %v; %v are left", got, want, g.Slewing())
		}
	}
}

func TestGridLocksByItself(t *testing.T) {
	g := NewGrid(cell.Interval100, 1, time.Unix(0, 0))
	g.SkipTo(time.Unix(0, 0).Add(acquireFor - cell.Interval100.Duration()))
	if g.Locked() {
		t.Fatal("locked too soon")
	}
	g.SkipTo(time.Unix(0, 0).Add(acquireFor))
	if !g.Locked() {
		t.Fatal("not locked")
	}
}

func TestGridSkip(t *testing.T) {
	g := NewGrid(cell.Interval20, 5, time.Unix(0, 0))
	if n := g.SkipTo(time.Unix(3, 1)); n != 151 {
		t.Fatalf("skipped %d", n)
	}
	at, n := g.Next()
	if n != 156 || !at.Equal(time.Unix(3, 20e6)) {
		t.Fatalf("slot %d at %v", n, at)
	}
}
