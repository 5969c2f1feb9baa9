package classify

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// standardise returns for each row its features and their squares, each with mean
// 0 and deviation 1 over all rows. Outliers are cut, since one of them would
// outweigh a thousand others. A value that was not measured is a mean one, and a
// feature that never changes is left out.
func standardise(rows [][]float64) [][]float64 {
	out := make([][]float64, len(rows))
	column, square := make([]float64, len(rows)), make([]float64, len(rows))
	for f := range rows[0] {
		middle, scale := location(rows, f)
		if scale == 0 {
			continue
		}
		const most = 5
		for i, row := range rows {
			column[i] = max(-most, min(most, (row[f]-middle)/scale))
			square[i] = column[i] * column[i]
		}
		for _, c := range [][]float64{column, square} {
			if !center(c) {
				continue
			}
			for i := range out {
				out[i] = append(out[i], c[i])
			}
		}
	}
	return out
}

// location returns the middle of a feature and how far it is spread: by its
// quartiles, or by its deviation if half of the values are the same.
func location(rows [][]float64, feature int) (middle, scale float64) {
	values := measured(rows, feature)
	if len(values) == 0 {
		return 0, 0
	}
	q := func(p float64) float64 { return stat.Quantile(p, stat.LinInterp, values, nil) }
	const quartiles = 1.349 // of a normal distribution, in deviations
	scale = (q(0.75) - q(0.25)) / quartiles
	if scale == 0 || math.IsInf(scale, 0) || math.IsNaN(scale) {
		scale = stat.StdDev(values, nil)
	}
	if math.IsInf(scale, 0) || math.IsNaN(scale) {
		scale = 0
	}
	return q(0.5), scale
}

// center gives the column mean 0 and deviation 1. It reports false for one that
// never changes.
func center(column []float64) bool {
	sum, n := 0.0, 0.0
	for _, x := range column {
		if !math.IsNaN(x) {
			sum += x
			n++
		}
	}
	squares := 0.0
	for i, x := range column {
		if column[i] = x - sum/n; math.IsNaN(x) {
			column[i] = 0
		}
		squares += column[i] * column[i]
	}
	deviation := math.Sqrt(squares / float64(len(column)))
	if deviation < 1e-9 {
		return false
	}
	for i := range column {
		column[i] /= deviation
	}
	return true
}

// measured returns the values of a feature, sorted, without what is missing.
func measured(rows [][]float64, feature int) []float64 {
	var values []float64
	for _, row := range rows {
		if !math.IsNaN(row[feature]) {
			values = append(values, row[feature])
		}
	}
	slices.Sort(values)
	return values
}

// manyBins is how finely trees see a feature.
const manyBins = 32

// sortIntoBins returns for each feature the bin of each row: 0 if it was not
// measured, and bins of about as many rows each from 1 up.
func sortIntoBins(rows [][]float64) [][]uint8 {
	bins := make([][]uint8, len(rows[0]))
	for f := range bins {
		edges := edges(measured(rows, f))
		bins[f] = make([]uint8, len(rows))
		for i, row := range rows {
			if !math.IsNaN(row[f]) {
				place, found := slices.BinarySearch(edges, row[f])
				if found {
					place++
				}
				bins[f][i] = uint8(1 + place)
			}
		}
	}
	return bins
}

// edges returns the lowest value of each bin but the first.
func edges(sorted []float64) []float64 {
	distinct := slices.Compact(slices.Clone(sorted))
	const most = manyBins - 1 // bins besides the one of what is missing
	if len(distinct) <= most {
		return distinct[min(1, len(distinct)):]
	}
	var out []float64
	for b := 1; b < most; b++ {
		e := sorted[len(sorted)*b/most]
		if e > sorted[0] && (len(out) == 0 || e > out[len(out)-1]) {
			out = append(out, e)
		}
	}
	return out
}
