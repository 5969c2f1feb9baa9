package codec

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"undertone/transport/cell"
)

// A gappy line loses slots and delays none.
type gappy struct {
	j    *Jitter
	n    cell.Slot
	next cell.Slot // to be taken
	// mute says that what is lost is a voice: its slot comes without.
	mute bool
	// How many were not there when they were taken, and of how many of those the
	// next was.
	lost, saved int
}

// run sends slots, in a call, and loses those that lose says.
func (g *gappy) run(slots int, lose func(n cell.Slot) bool) {
	var f Frame
	for range slots {
		at := time.Unix(1000, 0).Add(g.j.interval.Duration() * time.Duration(g.n)) //nolint:gosec // small
		for due, ok := g.j.Due(g.next); ok && due.Before(at); due, ok = g.j.Due(g.next) {
			g.next = g.j.Back(g.next)
			more := g.j.Stretch(g.next)
			if !g.j.Take(g.next, 0, &f) {
				g.lost++
				if g.j.Peek(g.next+1, 0, &f) && f[0] == byte(g.next+1) {
					g.saved++
				}
			}
			g.j.Stretched(min(more, g.j.interval.Samples()*stretchMost/stretchPiece))
			g.next++
		}
		lost := lose(g.n)
		if !lost && g.n%2 == 0 { // before the arrival is noted, or after it
			g.j.Put(g.n, 0, &Frame{byte(g.n)})
		}
		if !lost || g.mute {
			g.j.Arrived(g.n, at)
		}
		if !lost && g.n%2 == 1 {
			g.j.Put(g.n, 0, &Frame{byte(g.n)})
		}
		g.n++
	}
}

// TestJitterCopy: where a frame has a copy in the next one, the ear waits for it
// when cells are lost here and there, and only then; what can be saved is saved.
func TestJitterCopy(t *testing.T) {
	share := func(percent int) func(cell.Slot) bool {
		rng := rand.New(rand.NewPCG(1, 2))
		return func(cell.Slot) bool { return rng.IntN(100) < percent }
	}
	for name, c := range map[string]struct {
		interval cell.Interval
		lose     func(cell.Slot) bool
		mute     bool
		waits    bool
	}{
		"none":             {cell.Interval20, share(0), false, false},
		"1 %":              {cell.Interval20, share(1), false, false},
		"5 %":              {cell.Interval20, share(5), false, true},
		"10 %":             {cell.Interval20, share(10), false, true},
		"1 % on his way":   {cell.Interval20, share(1), true, false},
		"5 % on his way":   {cell.Interval20, share(5), true, true},
		"long holes":       {cell.Interval20, func(n cell.Slot) bool { return n%200 > 180 }, false, false},
		"no copy, 10 %":    {cell.Interval40, share(10), false, false},
		"no copy, at 100 ": {cell.Interval100, share(10), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := &gappy{j: NewJitter(c.interval, 1), mute: c.mute}
			g.run(600, c.lose)
			g.lost, g.saved = 0, 0
			g.run(2000, c.lose)
			if waits := g.j.Allowance() >= c.interval.Duration(); waits != c.waits {
				t.Fatalf("the ear waits %v", g.j.Allowance())
			}
			if c.waits && g.saved < g.lost*4/5 {
				t.Errorf("of %d lost frames the next was there for %d", g.lost, g.saved)
			}
			g.run(3000, share(0))
			if c.interval == cell.Interval20 && g.j.Allowance() > jitterHeadroom+time.Millisecond {
				t.Errorf("a minute after the loss was over the ear waits %v", g.j.Allowance())
			}
		})
	}
}

// TestJitterHoles: the holes that are counted are those between the slots that
// came, in whatever order they did. The oracle looks at all of them.
func TestJitterHoles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j, at := NewJitter(cell.Interval100, 1), time.Unix(1000, 0)
		slots := rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}).Draw(t, "order")
		came := map[cell.Slot]bool{}
		for round := range 6 {
			for _, s := range slots[:rapid.IntRange(0, len(slots)).Draw(t, "came")] {
				n := cell.Slot(100 + 10*round + s) //nolint:gosec // small
				if len(came) == 0 {
					n = 100 // nothing is missing before the first
				}
				j.Arrived(n, at.Add(cell.Interval100.Duration()*time.Duration(n))) //nolint:gosec // small
				came[n] = true
			}
		}
		holes := 0
		for n := range came {
			if n > 100 && !came[n-1] {
				holes++
			}
		}
		if j.holes != holes {
			t.Fatalf("%d holes are counted, %d are there", j.holes, holes)
		}
	})
}

// TestPeek: looking at a frame does not take it, and what is not there is not
// seen.
func TestPeek(t *testing.T) {
	j := NewJitter(cell.Interval20, 2)
	j.Arrived(7, time.Unix(1, 0))
	j.Put(7, 1, &Frame{42})
	var f Frame
	for range 2 {
		if !j.Peek(7, 1, &f) || f[0] != 42 {
			t.Error("the frame is not seen")
		}
	}
	if j.Peek(7, 0, &f) || j.Peek(6, 1, &f) || j.Peek(7+jitterDepth, 1, &f) || j.Peek(7, 2, &f) || j.Peek(7, -1, &f) {
		t.Error("a frame is seen that is not there")
	}
	if !j.Take(7, 1, &f) || j.Peek(7, 1, &f) {
		t.Error("the frame was not taken, or is seen after that")
	}
	if n := testing.AllocsPerRun(100, func() { j.Peek(7, 1, &f) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
