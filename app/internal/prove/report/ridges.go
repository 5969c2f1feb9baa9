package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"
)

// ridges are the distributions of some labels, one above the other on one axis.
type ridges struct {
	Height float64
	Bottom string
	Rows   []ridge
	Ticks  []tick
}

// A ridge is one label.
type ridge struct {
	Y, Path        string
	Label, Figures string
	Median         string
	MedianTop      string
	Class          string // call or idle
}

const (
	ridgeHigh = 46
	ridgeBins = 80
	// ridgeTail of all values is cut off on each side: the axis would be all tail.
	ridgeTail = 0.005
)

// lay draws the distributions, idle ones first.
func lay(all []Distribution) *ridges {
	var pool []float64
	var rows []Distribution
	for _, d := range all {
		d.Values = slices.DeleteFunc(slices.Clone(d.Values), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
		if len(d.Values) > 0 {
			slices.Sort(d.Values)
			pool, rows = append(pool, d.Values...), append(rows, d)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	slices.SortStableFunc(rows, func(a, b Distribution) int { return strings.Compare(class(a.Call), class(b.Call)) * -1 })
	slices.Sort(pool)
	x := axis{low: quantile(pool, ridgeTail), high: quantile(pool, 1-ridgeTail), from: namesTo + 10, to: figuresAt - 10}
	if x.high-x.low < 1e-6 {
		x.low, x.high = x.low-0.5, x.high+0.5
	}
	r := &ridges{}
	for k, d := range rows {
		bottom := float64(ridgeHigh * (k + 1))
		median := quantile(d.Values, 0.5)
		r.Rows = append(r.Rows, ridge{
			Y: coordinate(bottom), Path: outline(d.Values, x, bottom), Label: d.Label, Class: class(d.Call),
			Median: coordinate(x.at(median)), MedianTop: coordinate(bottom - ridgeHigh/2),
			Figures: fmt.Sprintf("%.2f, to %.2f ms", median, quantile(d.Values, 0.95)),
		})
	}
	bottom := float64(ridgeHigh*len(rows)) + 6
	r.Bottom, r.Height = coordinate(bottom), bottom+rowHigh
	r.Ticks = ticks(x, "ms")
	return r
}

func class(call bool) string {
	if call {
		return "call"
	}
	return "idle"
}

func quantile(sorted []float64, p float64) float64 {
	return stat.Quantile(p, stat.LinInterp, sorted, nil)
}

// outline is the path around a histogram. Its highest bin is as high as a row.
func outline(values []float64, x axis, bottom float64) string {
	counts := make([]float64, ridgeBins)
	for _, v := range values {
		if v >= x.low && v <= x.high {
			counts[min(ridgeBins-1, int((v-x.low)/(x.high-x.low)*ridgeBins))]++
		}
	}
	most := max(1, slices.Max(counts))
	var path strings.Builder
	fmt.Fprintf(&path, "M%s %s", coordinate(x.from), coordinate(bottom))
	step := (x.to - x.from) / ridgeBins
	for k, n := range counts {
		fmt.Fprintf(&path, "V%s H%s", coordinate(bottom-n/most*(ridgeHigh-8)), coordinate(x.from+float64(k+1)*step))
	}
	fmt.Fprintf(&path, "V%s Z", coordinate(bottom))
	return path.String()
}

// ticks puts at most seven round numbers on an axis.
func ticks(x axis, unit string) (all []tick) {
	const most = 6
	least := (x.high - x.low) / most
	power := math.Pow(10, math.Floor(math.Log10(least)))
	step := 10 * power
	for _, by := range []float64{5, 2, 1} {
		if by*power >= least {
			step = by * power
		}
	}
	for k := math.Ceil(x.low / step); k*step <= x.high; k++ {
		all = append(all, tick{At: coordinate(x.at(k * step)), Text: fmt.Sprintf("%.4g %s", k*step+0, unit)}) // There is a -0, and -0+0 is 0.
	}
	return all
}
