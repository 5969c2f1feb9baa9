package stats

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// An Interval is where a figure lies with a stated confidence.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Within reports whether all of i lies in bounds.
func (i Interval) Within(bounds Interval) bool { return i.Low >= bounds.Low && i.High <= bounds.High }

// Beside reports whether all of i lies on one side of bounds, outside.
func (i Interval) Beside(bounds Interval) bool { return i.Low > bounds.High || i.High < bounds.Low }

// An Estimate is an AUC and how sure it is.
type Estimate struct {
	AUC      float64
	Interval Interval
	// Error is the standard error: how far results of other such runs are spread.
	Error float64
	// Freedom is how well Error is known, in degrees of freedom: how many blocks there
	// are, or how many runs of the label if those are fewer. It is infinite where
	// segments were drawn one by one.
	Freedom float64
}

// Bootstrap is how resamples are drawn.
type Bootstrap struct {
	Replicates int     // how many; a thousand or more for an interval
	Block      int     // how many neighbours are drawn together; see BlockLength
	Confidence float64 // of the intervals, such as 0.9
	Seed       uint64
}

// BlockLength returns how many neighbours should be drawn together: one, if labels
// change as often as if each had been drawn alone, since then it does not matter how
// much neighbours resemble each other. Otherwise the cube root of the number of
// segments, the usual choice where nothing else is known (Hall, Horowitz and Jing
// 1995), or four times the mean run of neighbours that are all in calls or all idle,
// which covers most runs with what stands on both sides of them. Where runs of one
// kind are shorter it is them that count: 2 / (1/calls + 1/idle).
func BlockLength(groups Groups) int {
	segments, calls, runs, last := 0, 0, 0, -1
	for _, g := range groups {
		if g < 0 {
			continue
		}
		segments++
		kind := min(g, 1)
		calls += kind
		if kind != last {
			runs++
			last = kind
		}
	}
	if calls == 0 || calls == segments {
		return 1
	}
	// Of labels drawn alone, this share differs from the one before.
	share := 2 * float64(calls) * float64(segments-calls) / (float64(segments) * float64(segments))
	if float64(runs) >= 0.8*share*float64(segments) {
		return 1
	}
	cube := int(math.Ceil(math.Cbrt(float64(segments))))
	perKind := float64(runs) / 2
	run := 2 / (perKind/float64(calls) + perKind/float64(segments-calls))
	// A few blocks would say nothing of how different blocks are.
	return max(1, min(max(cube, int(4*run)), segments/10))
}

// Run resamples the segments of groups, and returns the estimates of each column
// by group, the pooled one first. All columns see the same resamples. A column
// may leave out segments that others have.
func (b Bootstrap) Run(groups Groups, columns []*Column) [][]Estimate {
	results := make([][][]float64, len(columns)) // by column, group, replicate
	for k, c := range columns {
		for range c.groups {
			results[k] = append(results[k], make([]float64, 0, b.Replicates))
		}
	}
	draw := b.drawer(groups)
	tallies, out := []tally(nil), []float64(nil)
	for range b.Replicates {
		weights := draw()
		for k, c := range columns {
			tallies, out = slices.Grow(tallies[:0], c.groups)[:c.groups], slices.Grow(out[:0], c.groups)[:c.groups]
			c.weighted(weights, tallies, out)
			for g, auc := range out {
				// A small group may have no segment in a resample, which then says
				// nothing of it.
				if !math.IsNaN(auc) {
					results[k][g] = append(results[k][g], auc)
				}
			}
		}
	}
	estimates := make([][]Estimate, len(columns))
	for k, c := range columns {
		freedom := b.freedom(c)
		for g, auc := range c.AUCs() {
			estimates[k] = append(estimates[k], b.estimate(auc, results[k][g], freedom[g]))
		}
	}
	return estimates
}

// estimate sums up what the resamples gave. Without any, all is possible.
//
// Few blocks know too little of how different blocks are, so that the plain interval
// is too short. It is expanded as Student's t expands that of a mean (Hesterberg
// 2015, What Teachers Should Know About the Bootstrap).
func (b Bootstrap) estimate(auc float64, resampled []float64, freedom float64) Estimate {
	if len(resampled) < 2 || math.IsNaN(auc) {
		return Estimate{AUC: 0.5, Interval: Interval{0, 1}, Error: 0.5, Freedom: 1}
	}
	slices.Sort(resampled)
	out := (1 - b.Confidence) / 2
	if !math.IsInf(freedom, 1) {
		out = distuv.UnitNormal.CDF(student(freedom).Quantile(out) * math.Sqrt((freedom+1)/freedom))
	}
	return Estimate{
		AUC: auc,
		Interval: Interval{
			Low:  stat.Quantile(out, stat.LinInterp, resampled, nil),
			High: stat.Quantile(1-out, stat.LinInterp, resampled, nil),
		},
		Error:   stat.StdDev(resampled, nil),
		Freedom: freedom,
	}
}

// student is Student's t distribution.
func student(freedom float64) distuv.StudentsT {
	return distuv.StudentsT{Sigma: 1, Nu: freedom}
}

// freedom returns the degrees of freedom of each group.
func (b Bootstrap) freedom(c *Column) []float64 {
	freedom := make([]float64, c.groups)
	runs, idle := c.runs()
	for g := range freedom {
		if freedom[g] = math.Inf(1); b.Block > 1 {
			blocks := float64(len(c.entries)) / float64(b.Block)
			freedom[g] = max(1, min(blocks-1, float64(2*min(runs[g], idle)-2)))
		}
	}
	return freedom
}

// runs returns how often segments of each group begin after others, in the order of
// time; the first is that of all calls. For idle segments it is the second result.
func (c *Column) runs() (runs []int, idle int) {
	order := slices.SortedFunc(slices.Values(c.entries), func(a, b entry) int { return cmp.Compare(a.segment, b.segment) })
	runs = make([]int, c.groups)
	last := int16(-1)
	for _, e := range order {
		if e.group == last {
			continue
		}
		if e.group == 0 {
			idle++
		} else if runs[e.group]++; last <= 0 {
			runs[Pooled]++
		}
		last = e.group
	}
	return runs, idle
}

// drawer returns a function that draws a resample: how often each segment stands
// in it. The next call overwrites it.
func (b Bootstrap) drawer(groups Groups) func() []int32 {
	var taking []int // the segments that take part, in the order of time
	for i, g := range groups {
		if g >= 0 {
			taking = append(taking, i)
		}
	}
	random := rand.New(rand.NewPCG(b.Seed, uint64(len(groups))))
	weights := make([]int32, len(groups))
	block := max(1, b.Block)
	return func() []int32 {
		clear(weights)
		for drawn := 0; drawn < len(taking); drawn += block {
			start := random.IntN(len(taking))
			for k := range min(block, len(taking)-drawn) {
				weights[taking[(start+k)%len(taking)]]++ // The end is followed by the start.
			}
		}
		return weights
	}
}
