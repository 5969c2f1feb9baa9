package stats

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
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
}

// Bootstrap is how resamples are drawn.
type Bootstrap struct {
	Replicates int     // how many; a thousand or more for an interval
	Block      int     // how many neighbours are drawn together; see BlockLength
	Confidence float64 // of the intervals, such as 0.9
	Seed       uint64
}

// BlockLength returns how many neighbours should be drawn together. The cube root
// of the number of segments is the usual choice where nothing else is known (Hall,
// Horowitz and Jing 1995); four times the mean run of neighbours that are all in
// calls or all idle covers most runs with what stands on both sides of them.
func BlockLength(groups Groups) int {
	segments, runs, last := 0, 0, -1
	for _, g := range groups {
		if g < 0 {
			continue
		}
		segments++
		if kind := min(g, 1); kind != last {
			runs++
			last = kind
		}
	}
	if segments == 0 {
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
		for g, auc := range c.AUCs() {
			estimates[k] = append(estimates[k], b.estimate(auc, results[k][g]))
		}
	}
	return estimates
}

// estimate sums up what the resamples gave. Without any, all is possible.
func (b Bootstrap) estimate(auc float64, resampled []float64) Estimate {
	if len(resampled) < 2 || math.IsNaN(auc) {
		return Estimate{AUC: 0.5, Interval: Interval{0, 1}, Error: 0.5}
	}
	slices.Sort(resampled)
	out := (1 - b.Confidence) / 2
	return Estimate{
		AUC: auc,
		Interval: Interval{
			Low:  stat.Quantile(out, stat.LinInterp, resampled, nil),
			High: stat.Quantile(1-out, stat.LinInterp, resampled, nil),
		},
		Error: stat.StdDev(resampled, nil),
	}
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
