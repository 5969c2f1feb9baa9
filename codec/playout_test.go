package codec

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"undertone/transport/cell"
)

// TestPlayoutJoins: whatever the line does in a call, what is played joins: the next
// slot is due when the one before has been played, as long or short as Stretch may
// make it, and no slot is heard twice or after a later one.
func TestPlayoutJoins(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.SampledFrom(cell.Intervals()).Draw(rt, "interval")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		r := newJitterRig(t, i)
		r.run(30, false, steady(20*time.Millisecond))
		r.run(10, true, steady(20*time.Millisecond))
		r.dues, r.slots = nil, nil
		for range rapid.IntRange(1, 5).Draw(rt, "times") {
			low := time.Duration(rapid.IntRange(0, 120).Draw(rt, "slower")) * time.Millisecond
			width := time.Duration(rapid.IntRange(1, 120).Draw(rt, "jitter")) * time.Millisecond
			r.run(rapid.IntRange(1, 60).Draw(rt, "slots"), true, func() time.Duration {
				if rng.IntN(10) == 0 {
					return lostCell
				}
				return low + time.Duration(rng.Int64N(int64(width)))
			})
		}
		slack := 2 * time.Millisecond // the creep of what came meanwhile
		for k := 1; k < len(r.dues); k++ {
			d := r.dues[k].Sub(r.dues[k-1])
			if d < i.Duration()-jitterSpare-slack || d > i.Duration()*13/8+slack {
				rt.Fatalf("due %v after the one before, slots are of %v", d, i.Duration())
			}
		}
		for k := 1; k < len(r.slots); k++ {
			if r.slots[k] <= r.slots[k-1] {
				rt.Fatalf("heard slot %d after slot %d", r.slots[k], r.slots[k-1])
			}
		}
		if a := r.j.Allowance(); a > jitterMax {
			rt.Fatalf("waits %v", a)
		}
	})
}

// TestPlayoutGoesBack: slots that were guessed, because all of them got slower, are
// heard after all once that is known. Lost for good are the first, which might have
// been stragglers, and one that came before a slot had been stretched for it.
func TestPlayoutGoesBack(t *testing.T) {
	for _, i := range cell.Intervals() {
		for _, later := range []time.Duration{80, 100, 150, 200} {
			r := newJitterRig(t, i)
			r.run(100, false, steady(20*time.Millisecond))
			r.run(20, true, steady(20*time.Millisecond))
			first := r.n
			r.slots = nil
			r.run(40, true, steady(20*time.Millisecond+later*time.Millisecond))
			lost := int(r.next - first)
			for _, n := range r.slots {
				if n >= first {
					lost--
				}
			}
			if lost > 3 {
				t.Errorf("%v, %d ms slower: %d slots were never heard", i, later, lost)
			}
			if a := r.j.Allowance(); a > (later+40)*time.Millisecond {
				t.Errorf("%v, %d ms slower: waits %v", i, later, a)
			}
		}
	}
}

// TestPlayoutStraggler: a single frame that came too late is no reason to go back
// for it, nor to wait longer.
func TestPlayoutStraggler(t *testing.T) {
	for _, i := range cell.Intervals() {
		r := newJitterRig(t, i)
		r.run(100, false, steady(20*time.Millisecond))
		k := 0
		r.run(100, true, func() time.Duration {
			if k++; k == 40 {
				return 25 * time.Millisecond
			}
			return 20 * time.Millisecond
		})
		if a := r.j.Allowance(); a > jitterHeadroom+time.Millisecond {
			t.Errorf("%v: waits %v", i, a)
		}
	}
}

// TestPlayoutIdle: while nobody listens nothing is stretched, and the offset is at
// once what the arrivals ask for.
func TestPlayoutIdle(t *testing.T) {
	r := newJitterRig(t, cell.Interval40)
	r.run(50, false, steady(20*time.Millisecond))
	r.run(5, false, steady(150*time.Millisecond))
	if r.j.offset != r.j.wish || r.j.Allowance() < 130*time.Millisecond {
		t.Errorf("waits %v, wish %v, offset %v", r.j.Allowance(), r.j.wish, r.j.offset)
	}
	if by, n := r.j.Stretch(r.next), r.j.Back(r.next); by != 0 || n != r.next {
		t.Errorf("stretches by %d, goes from slot %d to %d", by, r.next, n)
	}
}
