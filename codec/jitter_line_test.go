package codec

import (
	"testing"
	"time"

	"undertone/transport/cell"
)

// sometimes is a line on which every so many-th cell comes later.
func sometimes(every int, usual, later time.Duration) func() time.Duration {
	k := 0
	return func() time.Duration {
		if k++; k%every == 0 {
			return later
		}
		return usual
	}
}

// TestJitterOvertaken: the ear waits for what a path brings in another order, and
// not for what was lost and sent again.
func TestJitterOvertaken(t *testing.T) {
	const usual = 20 * time.Millisecond
	for _, i := range []cell.Interval{cell.Interval20, cell.Interval40} {
		r := newJitterRig(t, i)
		r.run(500, false, sometimes(20, usual, usual+50*time.Millisecond))
		r.heard = nil
		if r.run(500, true, sometimes(20, usual, usual+50*time.Millisecond)); r.missing() > 0.005 {
			t.Errorf("%v: %.3f lost of what came in another order", i, r.missing())
		}
		r = newJitterRig(t, i)
		r.run(500, false, sometimes(20, usual, usual+150*time.Millisecond))
		if a := r.j.Allowance(); a > i.Duration()+2*jitterHeadroom {
			t.Errorf("%v: waits %v for what was sent again", i, a)
		}
	}
}

// TestJitterSteps: a line that is much slower from one moment to the next is heard
// again soon, and when it is itself again the ear waits no longer than it may.
func TestJitterSteps(t *testing.T) {
	for _, i := range cell.Intervals() {
		seconds := func(n int) int { return n * int(i.Slots(time.Second)) }
		for _, step := range []time.Duration{300 * time.Millisecond, 900 * time.Millisecond} {
			r := newJitterRig(t, i)
			r.run(seconds(12), false, steady(20*time.Millisecond))
			r.run(seconds(3), true, steady(20*time.Millisecond))
			r.run(seconds(5), true, steady(20*time.Millisecond+step))
			r.heard = nil
			if r.run(seconds(10), true, steady(20*time.Millisecond+step)); r.missing() > 0.02 {
				t.Errorf("%v: five seconds after the line became %v slower, %.3f is lost", i, step, r.missing())
			}
			r.run(seconds(5), true, steady(20*time.Millisecond))
			if a := r.j.Allowance(); a > jitterMax {
				t.Errorf("%v: five seconds after the line was itself again, the ear waits %v", i, a)
			}
			r.heard = nil
			if r.run(seconds(5), true, steady(20*time.Millisecond)); r.missing() > 0.02 {
				t.Errorf("%v: then, %.3f is lost", i, r.missing())
			}
		}
	}
}
