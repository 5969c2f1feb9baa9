package meter

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Buckets cover all numbers without a gap, and none is wider than one part in 32.
func TestBuckets(t *testing.T) {
	if got := bucketOf(1<<widest - 1); got != buckets-1 {
		t.Errorf("the longest is in bucket %d of %d", got, buckets)
	}
	var next uint64
	for i := range buckets {
		from, to := next, upper(i)
		if bucketOf(from) != i || bucketOf(to) != i {
			t.Fatalf("bucket %d is from %d to %d, which are in %d and %d", i, from, to, bucketOf(from), bucketOf(to))
		}
		if width := to - from + 1; width > max(from/fine, 1) {
			t.Errorf("bucket %d from %d is %d wide", i, from, width)
		}
		next = to + 1
	}
}

// A quantile is the one of the sorted list, to the width of a bucket.
func TestQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var all []time.Duration
	for range 20_000 {
		d := time.Duration(r.ExpFloat64() * float64(time.Millisecond))
		all = append(all, d)
		h.Add(d)
	}
	slices.Sort(all)
	for _, q := range []float64{0.001, 0.5, 0.99, 0.999, 1} {
		want := all[max(int(q*float64(len(all)))-1, 0)]
		if got := h.Quantile(q); got < want || got > want+want/fine+1 {
			t.Errorf("quantile %v is %v, and by the list %v", q, got, want)
		}
	}
	if h.Count() != 20_000 || h.Max() != all[len(all)-1] || h.Quantile(1) != h.Max() {
		t.Errorf("%d, at most %v", h.Count(), h.Max())
	}
	tail := h.Tail()
	if last := tail[len(tail)-1]; last.Above != 0 {
		t.Errorf("beyond the last there is %v", last.Above)
	}
	for i := 1; i < len(tail); i++ {
		if tail[i].Above >= tail[i-1].Above || tail[i].Late <= tail[i-1].Late {
			t.Fatalf("the curve does not fall at %d: %v", i, tail[i-1:i+1])
		}
	}
}

func TestEmpty(t *testing.T) {
	var h Histogram
	h.Add(-time.Second)
	if h.Count() != 1 || h.Max() != 0 {
		t.Errorf("what is negative is %v", h.Max())
	}
	if s := new(Histogram).Summary(); s != (Summary{}) {
		t.Errorf("nothing sums up to %+v", s)
	}
}

// Lateness is found wherever the beat is, however late the first arrival was, and by
// more than an interval.
func TestGrid(t *testing.T) {
	const interval = 20 * time.Millisecond
	late := []time.Duration{45 * time.Millisecond, 0, 3 * time.Millisecond, time.Microsecond}
	var beats Spread
	if beats.Span() != nil {
		t.Errorf("no line spreads over %v", beats.Span())
	}
	for _, place := range []time.Duration{7 * time.Millisecond, interval, 2 * time.Millisecond, 33 * time.Millisecond} {
		var g Grid
		var h Histogram
		for n := range 3 * chunk {
			g.Add(place+late[n%len(late)], &h, &beats)
		}
		if h.Count() != 3*chunk {
			t.Errorf("%d of %d counted", h.Count(), 3*chunk)
		}
		for i, q := range []float64{0.25, 0.5, 0.75, 1} {
			want := []time.Duration{0, time.Microsecond, 3 * time.Millisecond, 45 * time.Millisecond}[i]
			if got := h.Quantile(q); got < want || got > want+want/fine+1 {
				t.Errorf("with a beat at %v: quantile %v is %v, not %v", place, q, got, want)
			}
		}
	}
	if got := beats.Span(); got == nil || *got != (Span{First: 2, Last: 33}) {
		t.Errorf("beats from 2 ms to 33 ms are said to be %+v", got)
	}
}

// A beat that moves is late for one chunk, and then is the beat.
func TestGridMoves(t *testing.T) {
	const by = 4 * time.Millisecond
	for _, by := range []time.Duration{by, -by} {
		var g Grid
		var h Histogram
		for n := range 4 * chunk {
			after := 6 * time.Millisecond
			if n >= chunk+chunk/2 {
				after += by
			}
			g.Add(after, &h, new(Spread))
		}
		if got := h.Quantile(0.85); got != 0 {
			t.Errorf("after a move by %v, %v late for more than a chunk", by, got)
		}
		if h.Max() != by.Abs() {
			t.Errorf("the move was by %v, and is seen as %v", by, h.Max())
		}
	}
}

// Too few arrivals say nothing of the beat: they are left out, and are not of the
// next chunk either.
func TestGridOfFew(t *testing.T) {
	var g Grid
	var h Histogram
	var beats Spread
	for range 2 {
		for range fewest - 1 {
			g.Add(time.Millisecond, &h, &beats)
		}
		g.Fold(&h, &beats)
	}
	if h.Count() != 0 || beats.Span() != nil {
		t.Errorf("%d were judged", h.Count())
	}
}

func TestMean(t *testing.T) {
	var m Mean
	if m.Value() != 0 {
		t.Errorf("the mean of nothing is %v", m.Value())
	}
	for _, v := range []float64{1, 2, 6} {
		m.Add(v)
	}
	if m.Value() != 3 {
		t.Errorf("the mean of 1, 2 and 6 is %v", m.Value())
	}
}
