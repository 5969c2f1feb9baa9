package stats

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// P returns the chance that guessing alone moves the AUC of a group (or Pooled)
// against idle as far from 0.5 as it is, to either side: the two-sided p of the
// Mann-Whitney test. It is 1 if a group is empty.
func (c *Column) P(group int) float64 {
	s := newShuffle(c.ties(group))
	if s.n == 0 || s.n == s.total {
		return 1
	}
	return s.twoSided()
}

// PWith is P where neighbours may depend on each other, as the estimate of that AUC
// by a block bootstrap has it. Its error may be larger than what shuffling gives, and
// is known only as well as there are blocks.
func (c *Column) PWith(group int, e Estimate) float64 {
	p := c.P(group)
	own := newShuffle(c.ties(group)).spread()
	if !(own > 0) { // Nothing varies, or there is nothing.
		return p
	}
	return slacken(p, max(1, e.Error/own), e.Freedom)
}

// slacken returns the p of a result that is spread by factor more than p assumes,
// where the factor is known with some freedom.
func slacken(p, factor, freedom float64) float64 {
	if p <= 0 || p >= 1 {
		return p
	}
	deviations := distuv.UnitNormal.Quantile(p/2) / factor
	if math.IsInf(freedom, 1) {
		return 2 * distuv.UnitNormal.CDF(deviations)
	}
	return max(p, 2*student(freedom).CDF(deviations))
}

// A shuffle is the distribution of the sum of ranks of n segments that are drawn
// from all without looking. Ranks are scaled to ±1 and centred, so that the
// expected sum is zero.
type shuffle struct {
	rank     []float64 // of each tie
	size     []float64 // how many are in the tie
	sum      float64   // that was seen
	step     float64   // the smallest distance of two ranks
	n, total float64
}

func newShuffle(sizes, members []int) *shuffle {
	s := &shuffle{step: math.Inf(1)}
	for i, size := range sizes {
		s.total += float64(size)
		s.n += float64(members[i])
	}
	below, last := 0.0, math.Inf(-1)
	for i, size := range sizes {
		// The mean rank of the tie, from 0 to total, put on -1 to 1.
		rank := (2*below+float64(size))/s.total - 1
		below += float64(size)
		s.rank, s.size = append(s.rank, rank), append(s.size, float64(size))
		s.sum += rank * float64(members[i])
		s.step = min(s.step, rank-last)
		last = rank
	}
	return s
}

// spread returns the standard deviation of the AUC when labels are shuffled.
func (s *shuffle) spread() float64 {
	variance := 0.0
	for i, r := range s.rank {
		variance += s.size[i] * r * r
	}
	variance *= s.n * (s.total - s.n) / (s.total * (s.total - 1))
	// The AUC is 0.5 + sum·total / (2·n·(total-n)).
	return math.Sqrt(variance) * s.total / (2 * s.n * (s.total - s.n))
}

// twoSided returns the chance of a sum as far from zero.
func (s *shuffle) twoSided() float64 {
	if len(s.rank) < 2 {
		return 1
	}
	if s.sum < 0 { // Look at it from the other side.
		s.sum = -s.sum
		for i := range s.rank {
			s.rank[i] = -s.rank[i]
		}
		slices.Reverse(s.rank)
		slices.Reverse(s.size)
	}
	// Sums come in steps. Half a step towards zero includes the one that was seen.
	if s.sum -= s.step / 2; s.sum <= 0 {
		return 1
	}
	return min(1, 2*s.tail())
}

// tail returns the chance of a sum of at least s.sum > 0: Skovgaard's double
// saddlepoint approximation, in the form for sums that come in steps.
//
// Imagine that each segment throws a coin for whether it is of the group, and
// that n of them are by chance: that is the shuffle, whatever the coins. Now bend
// the coins, each by its rank, until the sum that was seen is the expected one;
// how much has to be bent tells how rare it is.
func (s *shuffle) tail() float64 {
	level, bend, ok := s.bend()
	if !ok {
		return s.normalTail()
	}
	fair := math.Log(s.n / (s.total - s.n))
	at, before := s.coins(level, bend), s.coins(fair, 0)
	w := math.Sqrt(2 * max(0, (before.log-fair*s.n)-(at.log-level*s.n-bend*s.sum)))
	if w < 1e-3 { // Both terms below grow without bound, and cancel.
		return s.normalTail()
	}
	u := 2 / s.step * math.Sinh(s.step*bend/2) * math.Sqrt(at.determinant()/before.nn)
	// Barndorff-Nielsen's form, which is never below zero.
	return distuv.UnitNormal.CDF(-w - math.Log(u/w)/w)
}

func (s *shuffle) normalTail() float64 {
	deviation := s.spread() * 2 * s.n * (s.total - s.n) / s.total
	return distuv.UnitNormal.Survival(s.sum / deviation)
}

// bend finds by Newton's method the coins by which n members and the sum that was
// seen are expected. It fails only if the sum cannot be reached.
func (s *shuffle) bend() (level, bend float64, ok bool) {
	level = math.Log(s.n / (s.total - s.n))
	for range 200 {
		c := s.coins(level, bend)
		dn, ds := s.n-c.n, s.sum-c.sum
		if math.Abs(dn) < 1e-7*s.n && math.Abs(ds) < 1e-7*s.n {
			return level, bend, true
		}
		det := c.determinant()
		if det <= 0 || math.IsNaN(det) {
			return 0, 0, false
		}
		byLevel, byBend := (c.ss*dn-c.ns*ds)/det, (c.nn*ds-c.ns*dn)/det
		// Far out a whole step overshoots: go as far as the target improves.
		now, slope := c.log-level*s.n-bend*s.sum, dn*byLevel+ds*byBend
		size := 1.0
		for ; size > 1e-9; size /= 2 {
			l, b := level+size*byLevel, bend+size*byBend
			if s.coins(l, b).log-l*s.n-b*s.sum <= now-0.1*size*slope+1e-12*math.Abs(now) {
				break
			}
		}
		level, bend = level+size*byLevel, bend+size*byBend
	}
	return 0, 0, false
}

// coins is what bent coins give: the logarithm of the generating function, the
// expected number and sum, and their variances.
type coins struct{ log, n, sum, nn, ns, ss float64 }

func (c coins) determinant() float64 { return c.nn*c.ss - c.ns*c.ns }

func (s *shuffle) coins(level, bend float64) (c coins) {
	for i, r := range s.rank {
		x := level + bend*r
		e := math.Exp(-math.Abs(x))
		c.log += s.size[i] * (max(x, 0) + math.Log1p(e))
		p, v := 1/(1+e), s.size[i]*e/((1+e)*(1+e))
		if x < 0 {
			p = e / (1 + e)
		}
		c.n += s.size[i] * p
		c.sum += s.size[i] * p * r
		c.nn += v
		c.ns += v * r
		c.ss += v * r * r
	}
	return c
}

// Holm corrects the chances of many tests for their number: a test whose
// corrected chance is at most α may be taken for a finding, and the chance that
// any of those findings is false is at most α (Holm 1979).
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	corrected, largest := make([]float64, len(p)), 0.0
	for k, i := range order {
		largest = max(largest, min(1, p[i]*float64(len(p)-k)))
		corrected[i] = largest
	}
	return corrected
}
