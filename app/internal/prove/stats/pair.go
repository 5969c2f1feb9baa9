package stats

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// MaxCorrelation returns how much two series move together, 0 to 1, if one may
// come up to maxLag places after the other: the largest absolute correlation of
// all such lags. Given how late two parties were in every slot of a segment, it is
// a feature as any other: two in a call with each other should have no more of it
// than two that are not. The largest of many correlations is well above zero by
// chance alone, and more so in a short series; so compare it between segments of
// one length, and with nothing else.
//
// Places where one of the two has no value (NaN) are left out. Fewer than eight
// common places, or a series that never changes, correlate with nothing.
func MaxCorrelation(a, b []float64, maxLag int) float64 {
	largest := 0.0
	x, y := make([]float64, 0, len(a)), make([]float64, 0, len(a))
	for lag := -maxLag; lag <= maxLag; lag++ {
		x, y = x[:0], y[:0]
		for i := max(0, -lag); i < len(a) && i+lag < len(b); i++ {
			if !math.IsNaN(a[i]) && !math.IsNaN(b[i+lag]) {
				x, y = append(x, a[i]), append(y, b[i+lag])
			}
		}
		const fewest = 8
		if len(x) < fewest {
			continue
		}
		if r := math.Abs(stat.Correlation(x, y, nil)); r > largest { // Not for NaN.
			largest = r
		}
	}
	return min(1, largest)
}
