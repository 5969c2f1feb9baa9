package feature

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"undertone/app/internal/prove/judge"
	"undertone/app/internal/prove/record"
	"undertone/transport/cell"
)

const period = 40 * time.Millisecond

// A line makes recordings of one client whose every datagram is known.
type line struct {
	record.Recording
	random *rand.Rand
	slots  int
	// late is by how much each slot leaves late; empty skips it, wrong makes it
	// longer.
	late  func(n int) time.Duration
	empty func(n int) bool
	wrong func(n int) bool
	// drift moves the grid.
	drift func(n int) time.Duration
	batch int
}

func never(int) bool          { return false }
func still(int) time.Duration { return 0 }

// newLine is 100 seconds long and has segments of two seconds from second 20 on,
// which do not begin with a slot.
func newLine() *line {
	l := &line{random: rand.New(rand.NewPCG(1, 1)), slots: 2500, late: still, empty: never, wrong: never, drift: still, batch: 1}
	l.Mode, l.Interval = cell.TMIX, cell.Interval40
	for at := 20 * time.Second; at < 90*time.Second; at += 2500 * time.Millisecond {
		l.Segments = append(l.Segments, record.Segment{Label: "idle", From: at + 11*time.Millisecond, To: at + 2011*time.Millisecond})
	}
	return l
}

// noise is what a machine is late by: mostly little.
func (l *line) noise() time.Duration {
	return time.Duration(l.random.ExpFloat64() * float64(100*time.Microsecond))
}

func (l *line) record() *record.Recording {
	const back = 17 * time.Millisecond // what comes, comes so long after what leaves
	for n := range l.slots {
		at := 3*time.Second + time.Duration(n)*period + l.drift(n)
		size := 197
		if l.wrong(n) {
			size = 198
		}
		if !l.empty(n) {
			for k := range l.batch {
				l.add(at+l.late(n)+time.Duration(k)*100*time.Microsecond, true, size, record.Data)
			}
		}
		l.add(at+back, false, 197, record.Data)
		if n%2 == 0 {
			l.add(at+back+300*time.Microsecond, true, 65, record.Control)
			l.add(at+l.late(n)+500*time.Microsecond, false, 65, record.Control)
		}
		if n%50 == 7 {
			l.add(at+time.Millisecond, true, 112, record.STUN)
			l.add(at+3*time.Millisecond, false, 64, record.STUN)
		}
	}
	slices.SortStableFunc(l.Datagrams, func(a, b record.Datagram) int { return int(a.At - b.At) })
	return &l.Recording
}

func (l *line) add(at time.Duration, out bool, size int, k record.Kind) {
	l.Datagrams = append(l.Datagrams, record.Datagram{At: at, Out: out, Size: size, Kind: k})
}

// slotsOf are those of a segment, whatever the grid.
func (l *line) slotsOf(segment int) (from, to int) {
	s := l.Segments[segment]
	return int((s.From - 3*time.Second) / period), int((s.To - 3*time.Second) / period)
}

func within(l *line, segment int) func(n int) bool {
	from, to := l.slotsOf(segment)
	return func(n int) bool { return n >= from-1 && n <= to+1 }
}

func measure(t *testing.T, r *record.Recording) *Measured {
	t.Helper()
	m, err := Measure(r)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func index(m *Measured, name string) (k int, ok bool) {
	k = slices.IndexFunc(m.Features, func(f judge.Feature) bool { return f.Name == name })
	return k, k >= 0
}

func value(t *testing.T, m *Measured, segment int, name string) float64 {
	t.Helper()
	k, ok := index(m, name)
	if !ok {
		t.Fatalf("there is no feature %q among %v", name, m.Features)
	}
	return m.Segments[segment].Values[k]
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v instead of %v", what, got, want)
	}
}

// On a line that is never late every segment has the same values, and they can be
// reckoned by hand.
func TestPerfectLine(t *testing.T) {
	m := measure(t, newLine().record())
	if len(m.Segments) != 28 {
		t.Fatalf("%d segments", len(m.Segments))
	}
	for name, want := range map[string]float64{
		"wrong sizes, sent": 0, "lateness, median, sent": 0, "lateness, MAD, sent": 0, "lateness, 95th percentile, sent": 0,
		"empty slots, sent": 0, "further messages, sent": 0, "gaps, mean, sent": 40, "gaps, variance, sent": 0, "gaps, entropy, sent": 0,
		"acknowledgements, median delay, sent": 0.3, "acknowledgements, MAD of the delay, sent": 0,
		"acknowledgements, median delay, received": 0.5, "lateness, median, received": 0, "empty slots, received": 0,
		"round trip of the checks": 2, "several again, sent": 0,
	} {
		for i := range m.Segments {
			if name == "round trip of the checks" && value(t, m, i, "checks of the line") == 0 {
				continue
			}
			near(t, name, value(t, m, i, name), want, 1e-6)
		}
	}
	for i := range m.Segments {
		near(t, "acknowledgements", value(t, m, i, "acknowledgements, sent"), 24, 0)
	}
}

// 1.5 ms in one segment are seen in it, and in no other, whichever way the grid
// moves meanwhile. Where it turns the fit is a little off.
func TestLatenessOnAGridThatMoves(t *testing.T) {
	for name, drift := range map[string]func(int) time.Duration{
		"not": still,
		"200 ppm": func(n int) time.Duration {
			return time.Duration(n) * period / 5000
		},
		"later for 20 s": func(n int) time.Duration {
			return time.Duration(max(0, min(n-900, 500))) * period / 5000
		},
	} {
		l := newLine()
		late := within(l, 9)
		l.drift = drift
		l.late = func(n int) time.Duration {
			if late(n) {
				return 1500*time.Microsecond + l.noise()
			}
			return l.noise()
		}
		m := measure(t, l.record())
		for i := range m.Segments {
			want, tolerance := 0.04, 0.45 // Of the median, above the lower quartile.
			if i == 9 {
				want = 1.54
			}
			near(t, name+": median", value(t, m, i, "lateness, median, sent"), want, tolerance)
			near(t, name+": MAD", value(t, m, i, "lateness, MAD, sent"), 0.05, 0.15)
			near(t, name+": received", value(t, m, i, "lateness, median, received"), 0, 0.45)
		}
	}
}

// The known quantiles of known lateness.
func TestQuantiles(t *testing.T) {
	l := newLine()
	l.late = func(n int) time.Duration { return time.Duration(n%10) * 100 * time.Microsecond }
	m := measure(t, l.record())
	for i := range m.Segments {
		// Above the lower quartile, which is 0.2 ms.
		near(t, "median", value(t, m, i, "lateness, median, sent"), 0.25, 0.11)
		near(t, "MAD", value(t, m, i, "lateness, MAD, sent"), 0.25, 0.06)
		near(t, "95th percentile", value(t, m, i, "lateness, 95th percentile, sent"), 0.7, 0.11)
		// Nine gaps of 40.1 ms follow each of 39.1.
		near(t, "variance of gaps", value(t, m, i, "gaps, variance, sent"), 0.09, 0.02)
		near(t, "entropy of gaps", value(t, m, i, "gaps, entropy, sent"), 0.469, 0.1)
	}
}

// A skipped slot, a message that was sent again, a size that is wrong: each is
// counted in its segment, and nowhere else.
func TestCounts(t *testing.T) {
	l := newLine()
	middle := func(segment int) int {
		from, to := l.slotsOf(segment)
		return (from + to) / 2
	}
	empty, again, wrong := middle(3), middle(5), middle(7)
	l.empty = func(n int) bool { return n == empty }
	l.wrong = func(n int) bool { return n == wrong }
	l.add(3*time.Second+time.Duration(again)*period+9*time.Millisecond, true, 197, record.Data)
	l.add(3*time.Second+time.Duration(again)*period+10*time.Millisecond, true, 345, record.Resend)
	m := measure(t, l.record())
	for i := range m.Segments {
		for name, in := range map[string]int{
			"empty slots, sent": 3, "further messages, sent": 5, "several again, sent": 5, "wrong sizes, sent": 7, "wrong sizes, received": -1,
		} {
			want := 0.0
			if i == in {
				want = 1
			}
			if got := value(t, m, i, name); got != want {
				t.Errorf("segment %d: %s is %v", i, name, got)
			}
		}
	}
}

// Where a segment begins within a slot does not change what is counted.
func TestWindowsHaveWholeSlots(t *testing.T) {
	l := newLine()
	l.Segments = nil
	for k := range 80 {
		from := 20*time.Second + time.Duration(k)*(700*time.Millisecond+500*time.Microsecond)
		l.Segments = append(l.Segments, record.Segment{Label: "idle", From: from, To: from + 2*time.Second + time.Duration(k%7)*time.Millisecond})
	}
	r := l.record()
	f := newFlow(r.Datagrams, true, period)
	m := measure(t, r)
	if len(m.Segments) != 80 {
		t.Errorf("%d segments", len(m.Segments))
	}
	for _, s := range r.Segments {
		w, ok := f.window(s.From, s.To)
		if !ok || w.length != 48 || len(w.slots) != 48 || w.from < s.From || w.to > s.To+40*time.Millisecond {
			t.Errorf("%v to %v: %d of %d slots, from %v to %v", s.From, s.To, len(w.slots), w.length, w.from, w.to)
		}
	}
}

// Messages that come by the batch are one slot each; an sMIX has two in an interval.
func TestBatchesAndHalves(t *testing.T) {
	l := newLine()
	l.batch = 13
	m := measure(t, l.record())
	for i := range m.Segments {
		near(t, "batch", value(t, m, i, "batch, median length, sent"), 1.2, 1e-6)
		near(t, "further messages", value(t, m, i, "further messages, sent"), 0, 0)
		near(t, "lateness", value(t, m, i, "lateness, median, sent"), 0, 1e-6)
	}
	half := newLine()
	half.Mode, half.Interval = cell.SMIX, cell.Interval(2*period)
	m = measure(t, half.record())
	near(t, "empty slots", value(t, m, 0, "empty slots, sent"), 0, 0)
	near(t, "gaps", value(t, m, 0, "gaps, mean, sent"), 40, 1e-6)
}

// A segment in which the line was lost is left out, and those before and after the
// recording.
func TestLostLine(t *testing.T) {
	l := newLine()
	from, _ := l.slotsOf(4)
	l.empty = func(n int) bool { return n > from+20 && n < from+60 }
	l.Segments = append(l.Segments, record.Segment{Label: "idle", From: 2500 * time.Millisecond, To: 4500 * time.Millisecond},
		record.Segment{Label: "idle", From: 101 * time.Second, To: 105 * time.Second})
	m := measure(t, l.record())
	if slices.Contains(m.Sources, 4) || len(m.Segments) != 27 {
		t.Errorf("segments %v", m.Sources)
	}
	l.Segments = l.Segments[28:]
	if _, err := Measure(&l.Recording); !errors.Is(err, ErrNothing) {
		t.Error(err)
	}
}

// Two clients on one machine that is late for both at a time, and two that have
// nothing to do with each other.
func TestTwoSidesGoTogether(t *testing.T) {
	for _, shared := range []bool{false, true} {
		a, b := newLine(), newLine()
		b.random = rand.New(rand.NewPCG(2, 2))
		noise := make([]time.Duration, a.slots)
		for n := range noise {
			noise[n] = a.noise()
		}
		a.late = func(n int) time.Duration { return noise[n] }
		b.late = func(n int) time.Duration { return b.noise() }
		if shared {
			b.late = func(n int) time.Duration { return noise[max(0, n-2)] }
		}
		r := a.record()
		r.Partner = b.record().Datagrams
		m := measure(t, r)
		var all []float64
		for i := range m.Segments {
			all = append(all, value(t, m, i, "sent goes with what the other sends"))
			near(t, "with what never varies", value(t, m, i, "sent goes with what the other receives"), 0, 0.6)
		}
		if shared {
			near(t, "median of what is shared", quantile(all, 0.5), 1, 0.01)
		} else if got := quantile(all, 0.5); got > 0.5 {
			t.Errorf("median of what is not: %v", got)
		}
	}
}

// A bystander whom the server serves later while others are in a call, and in one
// segment with another size, is seen.
func TestBystander(t *testing.T) {
	l, idle := newLine(), newLine()
	idle.random = rand.New(rand.NewPCG(3, 3))
	l.Segments[2].Label, l.Segments[2].Call = "talk", true
	inCall := within(l, 2)
	idle.late = func(n int) time.Duration {
		if inCall(n) {
			return 2 * time.Millisecond
		}
		return idle.noise()
	}
	idle.wrong = within(l, 4)
	r := l.record()
	if _, ok := index(measure(t, r), "lateness, median, sent by a bystander"); ok {
		t.Error("there is a bystander whom nobody recorded")
	}
	r.Bystander = idle.record().Datagrams
	m := measure(t, r)
	for i := range m.Segments {
		want := 0.07
		if i == 2 {
			want = 2
		}
		near(t, "lateness", value(t, m, i, "lateness, median, sent by a bystander"), want, 0.2)
		if wrong := value(t, m, i, "wrong sizes, sent by a bystander"); (wrong > 0) != (i == 4) {
			t.Errorf("segment %d has %v wrong sizes", i, wrong)
		}
		near(t, "empty slots", value(t, m, i, "empty slots, received by a bystander"), 0, 0)
	}
	// Where his line was not recorded, nothing is known of it.
	r.Bystander = r.Bystander[:len(r.Bystander)/2]
	m = measure(t, r)
	last := len(m.Segments) - 1
	if late := value(t, m, last, "lateness, median, sent by a bystander"); !math.IsNaN(late) {
		t.Errorf("lateness %v where nothing was recorded", late)
	}
	if wrong := value(t, m, last, "wrong sizes, sent by a bystander"); wrong != 0 {
		t.Errorf("%v wrong sizes where nothing was recorded", wrong)
	}
}

// The features are the same for every segment, few are primary, and sizes alone are
// exact.
func TestWhatIsPrimary(t *testing.T) {
	l := newLine()
	l.Segments[1].Label, l.Segments[1].Call = "talk", true
	m := measure(t, l.record())
	names := map[string]bool{}
	primary := 0
	for _, f := range m.Features {
		names[f.Name] = true
		if f.Primary {
			primary++
		}
		if f.Exact != strings.HasPrefix(f.Name, "wrong sizes") {
			t.Errorf("%+v", f)
		}
	}
	if len(names) != len(m.Features) || primary != 5 {
		t.Errorf("%d of %d names, %d primary", len(names), len(m.Features), primary)
	}
	if got := m.Labels(); !slices.Equal(got, []string{"idle", "talk"}) {
		t.Errorf("labels %v", got)
	}
	again := measure(t, &l.Recording)
	for i, s := range m.Segments {
		if len(s.Values) != len(m.Features) || !slices.EqualFunc(s.Values, again.Segments[i].Values, func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }) {
			t.Errorf("segment %d: %v, then %v", i, s.Values, again.Segments[i].Values)
		}
	}
}
