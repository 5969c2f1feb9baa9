package feature

import (
	"math"
	"slices"
	"sort"
	"time"

	"gonum.org/v1/gonum/stat"

	"undertone/app/internal/prove/stats"
)

// A window is a segment in one direction: so many slots, and the time that they
// take.
type window struct {
	from, to time.Duration
	slots    []slot // those with a message
	first    int    // number of the first slot
	length   int    // how many there are
}

// window returns the slots of a segment, or false if they are not all in one run.
func (f *flow) window(from, to time.Duration) (w window, ok bool) {
	// One less than would fit, so that they fit wherever the segment begins. What is
	// rounded is by how much a timer was late. And as many pairs: every second message
	// is acknowledged at once, and one more or less of those would tell nothing but in
	// which slot the segment begins. That may go with what was done before it, since
	// calls move in slots.
	w.length = (int((to-from+f.period/4)/f.period) - 1) &^ 1
	for i := range f.runs {
		r := &f.runs[i]
		first, last := r.slots[0].n, r.slots[len(r.slots)-1].n
		w.first = int((from-r.base)/f.period) - 1
		for w.first <= last && (w.first < first || r.due(w.first) < from+f.period/4) {
			w.first++
		}
		if w.first == first && r.due(first) > from+2*f.period || w.first+w.length-1 > last || w.length < 2 {
			continue
		}
		// What is late by up to three quarters of the period still belongs to it.
		w.from, w.to = r.due(w.first)-f.period/4, r.due(w.first+w.length-1)+f.period*3/4
		begin := sort.Search(len(r.slots), func(i int) bool { return r.slots[i].n >= w.first })
		end := sort.Search(len(r.slots), func(i int) bool { return r.slots[i].n >= w.first+w.length })
		w.slots = r.slots[begin:end]
		return w, true
	}
	return w, false
}

// lateness returns that of all slots with a message.
func (w *window) lateness() []float64 {
	all := make([]float64, len(w.slots))
	for i, s := range w.slots {
		all[i] = s.late
	}
	return all
}

// series is the lateness of every slot, NaN where there was no message.
func (w *window) series() []float64 {
	all := slices.Repeat([]float64{math.NaN()}, w.length)
	for _, s := range w.slots {
		all[s.n-w.first] = s.late
	}
	return all
}

// sum adds up something of all slots.
func (w *window) sum(of func(*slot) int) float64 {
	total := 0
	for i := range w.slots {
		total += of(&w.slots[i])
	}
	return float64(total)
}

// quantile returns the value below which a part of all lie, NaN without any. It
// changes the order of all.
func quantile(all []float64, part float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	slices.Sort(all)
	return stat.Quantile(part, stat.LinInterp, all, nil)
}

// spread is the median of the absolute deviations from the median.
func spread(all []float64) float64 {
	middle := quantile(all, 0.5)
	deviations := make([]float64, len(all))
	for i, v := range all {
		deviations[i] = math.Abs(v - middle)
	}
	return quantile(deviations, 0.5)
}

// entropy is that of a histogram with bins of the given width, in bits.
func entropy(all []float64, width float64) float64 {
	bins := map[int]int{}
	for _, v := range all {
		bins[int(math.Floor(v/width+0.5))]++
	}
	// In a fixed order, since sums of floating point numbers depend on it.
	counts := make([]int, 0, len(bins))
	for _, n := range bins {
		counts = append(counts, n)
	}
	slices.Sort(counts)
	h := 0.0
	for _, n := range counts {
		p := float64(n) / float64(len(all))
		h -= p * math.Log2(p)
	}
	return h
}

// gaps returns the times between messages, in milliseconds.
func gaps(all []time.Duration) []float64 {
	var between []float64
	for i := range all[min(1, len(all)):] {
		between = append(between, milliseconds(all[i+1]-all[i]))
	}
	return between
}

// after returns how long after the last of the other times each time is.
func after(all, others []time.Duration) []float64 {
	var delays []float64
	for _, at := range all {
		if i, _ := slices.BinarySearch(others, at+1); i > 0 {
			delays = append(delays, milliseconds(at-others[i-1]))
		}
	}
	return delays
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// reach is the largest lag, in slots, at which two sides are compared: from one
// client to the other a slot's message takes so many.
const reach = 4

// together is how much the lateness of two sides goes together.
func together(a, b *window) float64 { return stats.MaxCorrelation(a.series(), b.series(), reach) }
