package stats

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// Spread returns the standard deviation of the AUC of n segments against m that
// do not differ, without ties (Hanley and McNeil 1982, at 0.5).
func Spread(n, m int) float64 {
	if n < 1 || m < 1 {
		return 0.5
	}
	return math.Sqrt(float64(n+m+1) / (12 * float64(n) * float64(m)))
}

// Needed returns how many segments of each of the two kinds it takes until a line
// without any leak passes with the given power: so that the intervals of that many
// endpoints all lie within bounds, each as if it were alone.
//
// An interval is Z(confidence) spreads long to each side, and its middle is off by
// chance; it still fits in if the middle is less than the rest of the way off.
func Needed(bounds Interval, confidence float64, endpoints int, power float64) int {
	room := min(0.5-bounds.Low, bounds.High-0.5)
	half := distuv.UnitNormal.Quantile((1 + confidence) / 2)
	each := math.Pow(power, 1/float64(max(1, endpoints)))
	const most = 1 << 24
	return sort.Search(most, func(n int) bool {
		spread := Spread(n, n)
		if spread <= 0 {
			return true
		}
		left := room/spread - half
		return left > 0 && 2*distuv.UnitNormal.CDF(left)-1 >= each
	})
}
