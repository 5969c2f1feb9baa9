package feature

import (
	"math"
	"slices"
	"sort"
	"time"

	"undertone/app/internal/prove/record"
)

// A slot is what was seen of one, in one direction.
type slot struct {
	n     int           // its number in the run
	at    time.Duration // the first message
	last  time.Duration // the last
	count int
	wrong int     // messages of another length
	late  float64 // of the first, in milliseconds
}

// A run is a time without a gap in one direction: a link, that is.
type run struct {
	period time.Duration
	base   time.Duration // slot n is due at base + n·period + drift
	slots  []slot        // those with a message
	drift  []float64     // of each of them, in nanoseconds: the fitted grid
}

// A flow is what one user sends, or gets.
type flow struct {
	period time.Duration
	runs   []run
	batch  int // how many messages a slot has, mostly
	// messages are the times of all, acks of acknowledgements, and again of datagrams
	// with several messages.
	messages, acks, again []time.Duration
}

// maxGap is the longest time without a message within a run: after a second a
// client gives a line up.
const maxGap = time.Second

// newFlow finds the slots of a direction.
func newFlow(all []record.Datagram, out bool, period time.Duration) *flow {
	f := &flow{period: period}
	var data []record.Datagram
	sizes := map[int]int{}
	for _, d := range all {
		if d.Out != out {
			continue
		}
		switch d.Kind {
		case record.Data:
			data = append(data, d)
			sizes[d.Size]++
			f.messages = append(f.messages, d.At)
		case record.Control:
			f.acks = append(f.acks, d.At)
		case record.Resend:
			f.again = append(f.again, d.At)
		}
	}
	usual := most(sizes)
	for len(data) > 0 {
		end := 1
		for end < len(data) && data[end].At-data[end-1].At <= maxGap {
			end++
		}
		f.runs = append(f.runs, newRun(data[:end], usual, period))
		data = data[end:]
	}
	counts := map[int]int{}
	for _, r := range f.runs {
		for _, s := range r.slots {
			counts[s.count]++
		}
	}
	f.batch = most(counts)
	return f
}

// most returns what was counted most, the least of several.
func most(counts map[int]int) (best int) {
	for v, n := range counts {
		if n > counts[best] || n == counts[best] && v < best {
			best = v
		}
	}
	return best
}

// newRun assigns messages to slots, following the phase slowly, and fits the grid.
func newRun(data []record.Datagram, usual int, period time.Duration) run {
	const (
		following = 0.02 // of a residual, of
		atMost    = 0.05 // of the period at most
	)
	r := run{period: period, base: firstPhase(data, period)}
	phase, p := 0.0, float64(period)
	for _, d := range data {
		since := float64(d.At-r.base) - phase
		n := int(math.Round(since / p))
		last := len(r.slots) - 1
		if last < 0 || n > r.slots[last].n {
			r.slots = append(r.slots, slot{n: n, at: d.At})
			last++
			residual := since - float64(n)*p
			phase += following * max(-atMost*p, min(atMost*p, residual))
		}
		s := &r.slots[last]
		s.last = d.At
		s.count++
		if d.Size != usual {
			s.wrong++
		}
	}
	r.fit()
	return r
}

// firstPhase returns a time that is on the grid, or nearly: the mean direction of
// the first messages on the circle of a period.
func firstPhase(data []record.Datagram, period time.Duration) time.Duration {
	const enough = 100
	var x, y float64
	for _, d := range data[:min(len(data), enough)] {
		angle := 2 * math.Pi * float64((d.At-data[0].At)%period) / float64(period)
		x, y = x+math.Cos(angle), y+math.Sin(angle)
	}
	return data[0].At + time.Duration(math.Atan2(y, x)/(2*math.Pi)*float64(period))
}

const (
	blockFor = time.Second      // a point of the fit is the lower quartile of so much
	fitFor   = 15 * time.Second // and the line is fitted to so much on either side
)

// fit finds the drift of the grid and the lateness of every slot.
func (r *run) fit() {
	length := max(4, int(blockFor/r.period))
	var at, value []float64
	for from := 0; from < len(r.slots); from += length {
		block := r.slots[from:min(from+length, len(r.slots))]
		if len(block) < length/2 && from > 0 {
			break // What is left says too little.
		}
		residuals := make([]float64, len(block))
		for i := range block {
			residuals[i] = r.residual(&block[i])
		}
		at, value = append(at, float64(block[len(block)/2].n)), append(value, quantile(residuals, 0.25))
	}
	fitted := smooth(at, value, int(fitFor/blockFor))
	r.drift = make([]float64, len(r.slots))
	for i := range r.slots {
		s := &r.slots[i]
		r.drift[i] = interpolate(at, fitted, float64(s.n))
		s.late = (r.residual(s) - r.drift[i]) / float64(time.Millisecond)
	}
}

func (r *run) residual(s *slot) float64 {
	return float64(s.at - r.base - time.Duration(s.n)*r.period)
}

// smooth returns for each point the value there of the line through its neighbours:
// those on both sides or, where the grid has just turned, those before it or those
// after it, if these lie on a line far better.
func smooth(at, value []float64, reach int) []float64 {
	fitted := make([]float64, len(at))
	for i := range at {
		from, to := max(0, i-reach), min(len(at), i+reach+1)
		var off float64
		fitted[i], off = theilSen(at[from:to], value[from:to], at[i])
		for _, side := range [][2]int{{from, i + 1}, {i, to}} {
			if side[1]-side[0] <= reach/2 {
				continue
			}
			const far = 0.5
			if here, o := theilSen(at[side[0]:side[1]], value[side[0]:side[1]], at[i]); o < far*off {
				fitted[i], off = here, o
			}
		}
	}
	return fitted
}

// theilSen returns the value at x of the line with the median of all slopes, and by
// how much points are off it: three of four by less.
func theilSen(at, value []float64, x float64) (here, off float64) {
	var slopes []float64
	for i := range at {
		for k := range i {
			slopes = append(slopes, (value[i]-value[k])/(at[i]-at[k]))
		}
	}
	slope := 0.0
	if len(slopes) > 0 {
		slope = quantile(slopes, 0.5)
	}
	moved := make([]float64, len(at))
	for i := range at {
		moved[i] = value[i] + slope*(x-at[i])
	}
	here = quantile(moved, 0.5)
	for i := range moved {
		moved[i] = math.Abs(moved[i] - here)
	}
	return here, quantile(moved, 0.75)
}

// interpolate reads a line through points, and goes on straight beyond its ends.
func interpolate(at, value []float64, x float64) float64 {
	if len(at) == 1 {
		return value[0]
	}
	i := min(max(1, sort.SearchFloat64s(at, x)), len(at)-1)
	share := (x - at[i-1]) / (at[i] - at[i-1])
	return value[i-1] + share*(value[i]-value[i-1])
}

// due returns when slot n of the run is due. It is for slots within the run.
func (r *run) due(n int) time.Duration {
	i := min(sort.Search(len(r.slots), func(i int) bool { return r.slots[i].n >= n }), len(r.slots)-1)
	return r.base + time.Duration(n)*r.period + time.Duration(r.drift[i])
}

// between returns the times in [from, to) of an ordered list.
func between(all []time.Duration, from, to time.Duration) []time.Duration {
	i, _ := slices.BinarySearch(all, from)
	k, _ := slices.BinarySearch(all, to)
	return all[i:max(i, k)]
}
