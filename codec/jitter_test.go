package codec

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"undertone/transport/cell"
)

// A jitterRig is a line in simulated time: cells leave on the grid, arrive with
// the delay it is told, and are taken when due.
type jitterRig struct {
	t     testing.TB
	j     *Jitter
	i     cell.Interval
	epoch time.Time
	n     cell.Slot   // the next slot to send
	next  cell.Slot   // the next slot to take
	ppm   float64     // how much faster than the server the local clock runs
	pend  []arrival   // sent, not arrived
	heard []bool      // per slot taken
	slots []cell.Slot // of which a frame was heard
	dues  []time.Time
}

type arrival struct {
	n  cell.Slot
	at time.Time
}

func newJitterRig(t testing.TB, i cell.Interval) *jitterRig {
	const start = 1_000_000
	return &jitterRig{t: t, j: NewJitter(i, 1), i: i, epoch: time.Unix(1_000_000, 0), n: start, next: start}
}

// start is the local time at which the server sends slot n.
func (r *jitterRig) start(n cell.Slot) time.Time {
	d := float64(n-1_000_000) * float64(r.i.Duration()) * (1 + r.ppm/1e6)
	return r.epoch.Add(time.Duration(d))
}

const lostCell = time.Duration(-1)

// run sends slots cells, delayed by what delay says; live says whether they
// carry voice and somebody listens.
func (r *jitterRig) run(slots int, live bool, delay func() time.Duration) {
	var f Frame
	for range slots {
		if d := delay(); d != lostCell {
			r.pend = append(r.pend, arrival{r.n, r.start(r.n).Add(d)})
		}
		r.n++
		for r.step(live, &f) {
		}
	}
}

// step does whatever is next before slot r.n is sent: an arrival or a take.
func (r *jitterRig) step(live bool, f *Frame) bool {
	horizon := r.start(r.n)
	k := -1
	for i, a := range r.pend {
		if a.at.Before(horizon) && (k < 0 || a.at.Before(r.pend[k].at)) {
			k = i
		}
	}
	if due, ok := r.j.Due(r.next); ok && due.Before(horizon) && (k < 0 || due.Before(r.pend[k].at)) {
		r.dues = append(r.dues, due)
		r.next = r.j.Back(r.next)
		if live {
			ok := r.j.Take(r.next, 0, f)
			if ok && cell.Slot(f[0]) != r.next%256 {
				r.t.Fatalf("slot %d: got the frame of another slot", r.next)
			}
			if r.heard = append(r.heard, ok); ok {
				r.slots = append(r.slots, r.next)
			}
		}
		by := r.j.Stretch(r.next)
		r.j.Stretched(min(by, r.i.Samples()*stretchMost/stretchPiece))
		r.next++
		return true
	}
	if k < 0 {
		return false
	}
	a := r.pend[k]
	r.pend = append(r.pend[:k], r.pend[k+1:]...)
	r.j.Arrived(a.n, a.at)
	if live {
		r.j.Put(a.n, 0, &Frame{byte(a.n)})
	}
	return true
}

// missing is the share of slots taken that had no frame.
func (r *jitterRig) missing() float64 {
	n := 0
	for _, ok := range r.heard {
		if !ok {
			n++
		}
	}
	return float64(n) / float64(len(r.heard))
}

func steady(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

// uniform is a line whose delay is anywhere in a range.
func uniform(seed uint64, low, width time.Duration) func() time.Duration {
	rng := rand.New(rand.NewPCG(seed, 5))
	return func() time.Duration { return low + time.Duration(rng.Int64N(int64(width))) }
}

// TestJitterQuiet: on a line without jitter every frame is heard, and the ear
// waits no longer than the headroom, whatever the delay and the clocks.
func TestJitterQuiet(t *testing.T) {
	for _, i := range cell.Intervals() {
		for _, ppm := range []float64{-200, 0, 200} {
			r := newJitterRig(t, i)
			r.ppm = ppm
			r.run(500, false, steady(70*time.Millisecond))
			r.run(3000, true, steady(70*time.Millisecond))
			if m := r.missing(); m > 0.001 { // the slot under way at the start
				t.Errorf("%v at %v ppm: %.4f of the frames missing", i, ppm, m)
			}
			if a := r.j.Allowance(); a > jitterHeadroom+3*time.Millisecond {
				t.Errorf("%v at %v ppm: waits %v", i, ppm, a)
			}
		}
	}
}

// TestJitterUniform: with jitter the ear waits for nearly all, not for more.
func TestJitterUniform(t *testing.T) {
	for _, i := range cell.Intervals() {
		for _, width := range []time.Duration{10, 30, 60, 150} {
			width *= time.Millisecond
			r := newJitterRig(t, i)
			r.run(500, false, uniform(1, 30*time.Millisecond, width))
			r.run(5000, true, uniform(2, 30*time.Millisecond, width))
			if m := r.missing(); m > 0.03 {
				t.Errorf("%v, jitter of %v: %.3f of the frames missing", i, width, m)
			}
			if a := r.j.Allowance(); a > width+jitterHeadroom {
				t.Errorf("%v, jitter of %v: waits %v", i, width, a)
			}
		}
	}
}

// TestJitterGrows: when the line becomes worse in a call, the ear has learnt it
// after a few frames.
func TestJitterGrows(t *testing.T) {
	for _, i := range cell.Intervals() {
		r := newJitterRig(t, i)
		r.run(500, false, steady(20*time.Millisecond))
		r.run(100, true, steady(20*time.Millisecond))
		r.heard = nil
		r.run(100, true, steady(90*time.Millisecond))
		lost := int(r.missing()*float64(len(r.heard)) + 0.5)
		if lost > 3+int(70*time.Millisecond/i.Duration()) {
			t.Errorf("%v: %d frames lost before the ear waited for them", i, lost)
		}
	}
}

// TestJitterShrinks: when the line becomes better the wait goes down slowly in
// a call and at once outside of one.
func TestJitterShrinks(t *testing.T) {
	const i = cell.Interval40
	r := newJitterRig(t, i)
	r.run(500, false, uniform(1, 20*time.Millisecond, 100*time.Millisecond))
	r.run(1, true, steady(20*time.Millisecond))
	before := r.j.Allowance()
	r.run(int(i.Slots(60*time.Second)), true, steady(20*time.Millisecond))
	if a := r.j.Allowance(); a > 5*time.Millisecond {
		t.Errorf("waits %v a minute after the jitter of %v was over", a, before)
	}
	call := r.dues[501:]
	second := int(i.Slots(time.Second))
	for k := second; k < len(call); k++ {
		if d := call[k].Sub(call[k-1]); d < i.Duration()-jitterSpare-time.Millisecond {
			t.Fatalf("slot %d of the call is due %v after the one before", k, d)
		}
		if d := call[k].Sub(call[k-second]); d < time.Second-jitterShrink-jitterSpare-time.Millisecond {
			t.Fatalf("slot %d of the call is due %v after that of a second before", k, d)
		}
	}

	r = newJitterRig(t, i)
	r.run(500, false, uniform(1, 20*time.Millisecond, 100*time.Millisecond))
	r.run(300, false, steady(20*time.Millisecond))
	if a := r.j.Allowance(); a > 5*time.Millisecond {
		t.Errorf("idle waits %v after ten quiet seconds", a)
	}
}

// TestJitterBounded: no line makes the ear wait for ever.
func TestJitterBounded(t *testing.T) {
	r := newJitterRig(t, cell.Interval20)
	r.run(500, true, uniform(1, 0, 1500*time.Millisecond))
	if a := r.j.Allowance(); a > jitterMax {
		t.Errorf("waits %v, at most %v is allowed", a, jitterMax)
	}
}

// TestJitterStraggler: one late cell among many costs itself only.
func TestJitterStraggler(t *testing.T) {
	r := newJitterRig(t, cell.Interval40)
	r.run(300, false, steady(20*time.Millisecond))
	before := r.j.Allowance()
	k := 0
	r.run(300, true, func() time.Duration {
		if k++; k%100 == 50 {
			return 120 * time.Millisecond
		}
		return 20 * time.Millisecond
	})
	if a := r.j.Allowance(); a > before+time.Millisecond {
		t.Errorf("three stragglers in 300 made the ear wait %v, was %v", a, before)
	}
	if s := r.j.Stats(); s.Late != 3 {
		t.Errorf("%d late frames, want 3", s.Late)
	}
}

// TestJitterReorder: frames that overtake each other are heard in order, and
// a second copy is not heard again.
func TestJitterReorder(t *testing.T) {
	j := NewJitter(cell.Interval20, 1)
	at := time.Unix(5, 0)
	for _, n := range []cell.Slot{103, 100, 102, 101, 101} {
		j.Arrived(n, at)
		if !j.Put(n, 0, &Frame{byte(n)}) {
			t.Errorf("frame %d refused", n)
		}
	}
	var f Frame
	for n := cell.Slot(100); n < 104; n++ {
		if !j.Take(n, 0, &f) || f[0] != byte(n) {
			t.Errorf("slot %d: got frame %d", n, f[0])
		}
	}
	if j.Take(102, 0, &f) || j.Put(103, 0, &Frame{}) {
		t.Error("a slot was heard twice")
	}
}

// TestJitterRestart: after the server or this machine was away the old grid is
// forgotten at once.
func TestJitterRestart(t *testing.T) {
	for _, away := range []time.Duration{-time.Hour, 5 * time.Second, time.Hour} {
		j := NewJitter(cell.Interval40, 1)
		at := time.Unix(1000, 0)
		for n := range cell.Slot(300) {
			j.Arrived(n, at.Add(cell.Interval40.Duration()*time.Duration(n))) //nolint:gosec // small
		}
		at = at.Add(away)
		j.Arrived(300, at.Add(300*cell.Interval40.Duration()))
		j.Put(300, 0, &Frame{7})
		due, ok := j.Due(301)
		want := at.Add(301 * cell.Interval40.Duration())
		if d := due.Sub(want); !ok || d < 0 || d > 10*time.Millisecond {
			t.Errorf("%v away: the next slot is due %v after its expected arrival", away, d)
		}
		var f Frame
		if !j.Take(300, 0, &f) || f[0] != 7 {
			t.Errorf("%v away: the first frame after it was lost", away)
		}
	}
}

// TestJitterEmpty: before anything came there is nothing to say.
func TestJitterEmpty(t *testing.T) {
	j := NewJitter(cell.Interval40, 1)
	var f Frame
	if _, ok := j.Due(5); ok || j.Take(5, 0, &f) || j.Allowance() != 0 {
		t.Error("an empty buffer knows something")
	}
	j.Arrived(6, time.Unix(1, 0))
	j.Put(6, 0, &f)
	j.Reset()
	if _, ok := j.Due(6); ok || j.Take(6, 0, &f) {
		t.Error("a reset buffer knows something")
	}
}

func TestJitterAllocs(t *testing.T) {
	slot := jitterSlots(MaxSpeakers)
	if a := testing.AllocsPerRun(2000, slot); a != 0 {
		t.Errorf("%v allocations in a slot", a)
	}
}

// jitterSlots returns a function that does all of one slot: it arrives and is
// taken, with a frame of each speaker.
func jitterSlots(speakers int) func() {
	j := NewJitter(cell.Interval20, speakers)
	delay := uniform(1, 0, 50*time.Millisecond)
	n, at := cell.Slot(1), time.Unix(1, 0)
	var f Frame
	return func() {
		j.Arrived(n, at.Add(delay()))
		for s := range speakers {
			j.Put(n, s, &f)
		}
		j.Due(n)
		for s := range speakers {
			j.Take(n, s, &f)
		}
		n++
		at = at.Add(cell.Interval20.Duration())
	}
}

// BenchmarkJitter is the cost of one slot: one arrival, a frame taken of each.
func BenchmarkJitter(b *testing.B) {
	for _, speakers := range []int{1, MaxSpeakers} {
		b.Run(strconv.Itoa(speakers), func(b *testing.B) {
			slot := jitterSlots(speakers)
			b.ReportAllocs()
			for b.Loop() {
				slot()
			}
		})
	}
}
