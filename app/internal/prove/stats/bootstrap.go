package stats

import (
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
	// Freedom is how well Error is known: the number of blocks that the smaller side
	// makes, and as many of the other, less one (degrees of freedom).
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
// which covers most runs with what stands on both sides of them.
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
	// A few blocks would say nothing of how different blocks are.
	return max(1, min(max(cube, 4*segments/runs), segments/10))
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
		sizes := c.sizes()
		for g, auc := range c.AUCs() {
			blocks := 2 * float64(min(sizes[g], c.idle())) / float64(max(1, b.Block))
			estimates[k] = append(estimates[k], b.estimate(auc, results[k][g], max(1, blocks-1)))
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
	reach := student(freedom).Quantile((1+b.Confidence)/2) * math.Sqrt((freedom+1)/freedom)
	out := distuv.UnitNormal.CDF(-reach)
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

// sizes returns the number of segments of each group, the first that of all calls.
func (c *Column) sizes() []int {
	sizes := make([]int, c.groups)
	for _, e := range c.entries {
		if e.group != 0 {
			sizes[e.group]++
			sizes[Pooled]++
		}
	}
	return sizes
}

func (c *Column) idle() int { return len(c.entries) - c.sizes()[Pooled] }

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
