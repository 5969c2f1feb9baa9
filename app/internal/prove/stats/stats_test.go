package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/integrate"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/combin"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

// bruteAUC compares every pair.
func bruteAUC(calls, idle []float64) float64 {
	wins := 0.0
	for _, x := range calls {
		for _, y := range idle {
			switch {
			case x > y:
				wins++
			case x == y:
				wins += 0.5
			}
		}
	}
	return wins / float64(len(calls)*len(idle))
}

func near(t *testing.T, what string, got, want, off float64) {
	t.Helper()
	if !(math.Abs(got-want) <= off) {
		t.Errorf("%s: %v, want %v ± %v", what, got, want, off)
	}
}

// fewValues draws values with many ties.
var fewValues = rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 5), func(i int) float64 { return float64(i) }), 1, 30)

func TestAUCIsThePairsWon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calls, idle := fewValues.Draw(t, "calls"), fewValues.Draw(t, "idle")
		if got, want := AUC(calls, idle), bruteAUC(calls, idle); math.Abs(got-want) > 1e-12 {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func TestAUCIsTheAreaUnderTheROC(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var values []float64
	var calls []bool
	groups := make(Groups, 500)
	for i := range groups {
		groups[i] = i % 2
		values, calls = append(values, random.NormFloat64()+float64(i%2)), append(calls, i%2 == 1)
	}
	got := Rank(values, groups).AUCs()[Pooled]
	stat.SortWeightedLabeled(values, calls, nil)
	tpr, fpr, _ := stat.ROC(nil, values, calls, nil)
	near(t, "AUC", got, integrate.Trapezoidal(fpr, tpr), 1e-9)
	near(t, "AUC of two Gaussians", got, distuv.UnitNormal.CDF(1/math.Sqrt2), 0.05)
}

func TestAUCOfLabelsAndOfWhatIsMissing(t *testing.T) {
	nan := math.NaN()
	c := Rank([]float64{1, 2, 3, nan, 5, 0, 9}, Groups{0, 1, 0, 2, 1, 2, Left})
	want := []float64{5.0 / 12, 0.75, 0.25 / 3}
	want[0] = (1.0 + 2 + 0 + 0) / 8 // 2 beats 1; 5 beats both; NaN and 0 beat nothing.
	want[2] = 0
	for g, auc := range c.AUCs() {
		near(t, "AUC", auc, want[g], 1e-12)
	}
	if got := Rank([]float64{1}, Groups{1}).AUCs(); !math.IsNaN(got[0]) {
		t.Error("an AUC without idle segments:", got)
	}
}

// A resample of weights is the same as the values written down as often.
func TestWeightsRepeatSegments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := fewValues.Draw(t, "values")
		groups, weights := make(Groups, len(values)), make([]int32, len(values))
		var sides [2][]float64
		for i, v := range values {
			groups[i] = rapid.IntRange(0, 1).Draw(t, "group")
			weights[i] = rapid.Int32Range(0, 3).Draw(t, "weight")
			for range weights[i] {
				sides[groups[i]] = append(sides[groups[i]], v)
			}
		}
		c := Rank(values, groups)
		out := make([]float64, c.groups)
		c.weighted(weights, make([]tally, c.groups), out)
		want := bruteAUC(sides[1], sides[0])
		if len(sides[0])*len(sides[1]) == 0 {
			want = math.NaN()
		}
		if got := out[Pooled]; math.IsNaN(got) != math.IsNaN(want) || math.Abs(got-want) > 1e-12 {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// exactP shuffles the labels in every possible way.
func exactP(values []float64, calls int) float64 {
	side := func(of []int) float64 {
		var a, b []float64
		for i, v := range values {
			if slices.Contains(of, i) {
				a = append(a, v)
			} else {
				b = append(b, v)
			}
		}
		return math.Abs(bruteAUC(a, b) - 0.5)
	}
	first := make([]int, calls)
	for i := range first {
		first[i] = i
	}
	seen, as, all := side(first)-1e-9, 0, 0
	for g := combin.NewCombinationGenerator(len(values), calls); g.Next(); all++ {
		if side(g.Combination(nil)) >= seen {
			as++
		}
	}
	return float64(as) / float64(all)
}

func pOf(calls, idle []float64) float64 {
	groups := make(Groups, len(calls)+len(idle))
	for i := range calls {
		groups[i] = 1
	}
	return Rank(slices.Concat(calls, idle), groups).P(Pooled)
}

func TestPIsThatOfAllShuffles(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	for range 30 {
		values := make([]float64, 13)
		for i := range values {
			values[i] = random.Float64()
			if i < 5 {
				values[i] += random.Float64()
			}
		}
		want := exactP(values, 5)
		got := pOf(values[:5], values[5:])
		// It is the coarsest where there is one way only to have so large a sum.
		if off := got / want; off < 0.75 || off > 1.25 || want > 0.002 && (off < 0.93 || off > 1.07) {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

// The table of Mann and Whitney (1947): with five against five, a U of 2 has a
// chance of 0.016 to one side, and one of 5 has 0.075.
func TestPOfTheTable(t *testing.T) {
	idle := []float64{1, 2, 3, 4, 5}
	near(t, "U = 2", pOf([]float64{4.5, 4.6, 5.5, 6, 7}, idle), 2*0.016, 0.002)
	near(t, "U = 5", pOf([]float64{2.5, 4.6, 4.7, 6, 7}, idle), 2*0.075, 0.01)
}

// A count that is nearly always zero: three of 1,460 segments have a one, all of
// them under a label of 160. The normal approximation says 0.000001.
func TestPOfWhatIsRare(t *testing.T) {
	for _, ones := range []int{1, 2, 3, 5, 20} {
		calls, idle := make([]float64, 160), make([]float64, 1300)
		exact := 1.0
		for i := range ones {
			calls[i] = 1
			exact *= float64(160-i) / float64(1460-i)
		}
		p := pOf(calls, idle)
		if p < exact || p > 2.6*exact {
			t.Errorf("%d ones: p is %.3g; one side has %.3g", ones, p, exact)
		}
	}
}

func TestPWithoutAnythingToSee(t *testing.T) {
	same := []float64{1, 1, 1}
	for _, p := range []float64{pOf(same, same), pOf(nil, same), pOf(same, nil), pOf([]float64{2}, []float64{1, 3})} {
		if p != 1 {
			t.Error("p is", p)
		}
	}
	many := make([]float64, 1000)
	for i := range many {
		many[i] = float64(i)
	}
	if p := pOf(many[600:], many[:600]); !(p >= 0 && p < 1e-100) {
		t.Error("of two that have nothing in common, p is", p)
	}
}

// Where nothing differs, p is below α in α of all runs.
func TestPIsHonest(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	const runs = 1000
	for _, levels := range []int{2, 5, 1 << 30} {
		low, veryLow := 0, 0
		for range runs {
			values := make([]float64, 90)
			for i := range values {
				values[i] = math.Floor(math.Pow(random.Float64(), 3) * float64(levels))
			}
			p := pOf(values[:30], values[30:])
			if p <= 0.05 {
				low++
			}
			if p <= 0.005 {
				veryLow++
			}
		}
		// Of steps, p may be too large; three deviations beyond is too small.
		if low > 71 || veryLow > 12 || levels > 5 && low < 29 {
			t.Errorf("%d levels: %d and %d of %d", levels, low, veryLow, runs)
		}
	}
}

// The example of R's p.adjust, by hand: 4·0.005, 3·0.01, 2·0.03, and no less.
func TestHolm(t *testing.T) {
	got := Holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		near(t, "corrected p", got[i], want, 1e-12)
	}
	if len(Holm(nil)) != 0 {
		t.Error("tests out of nothing")
	}
}

func TestNeeded(t *testing.T) {
	bounds := Interval{0.45, 0.55}
	// 0.05 = (1.960 + 1.645) spreads of sqrt(1 / 6n).
	near(t, "one endpoint, 95 %", float64(Needed(bounds, 0.95, 1, 0.9)), 866, 2)
	near(t, "eight endpoints, 95 %", float64(Needed(bounds, 0.95, 8, 0.9)), 1300, 40)
	near(t, "eight endpoints, 90 %", float64(Needed(bounds, 0.90, 8, 0.9)), 1125, 40)
}

func TestIntervalsAgainstBounds(t *testing.T) {
	bounds := Interval{0.45, 0.55}
	for _, c := range []struct {
		i              Interval
		within, beside bool
	}{
		{Interval{0.45, 0.55}, true, false}, {Interval{0.44, 0.5}, false, false}, {Interval{0.5, 0.56}, false, false},
		{Interval{0.55, 0.6}, false, false}, {Interval{0.56, 0.6}, false, true}, {Interval{0.3, 0.44}, false, true},
		{Interval{0, 1}, false, false},
	} {
		if c.i.Within(bounds) != c.within || c.i.Beside(bounds) != c.beside {
			t.Error("wrong for", c.i)
		}
	}
}

func TestMaxCorrelation(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	a, b, other := make([]float64, 100), make([]float64, 100), make([]float64, 100)
	for i := range a {
		a[i], other[i] = random.NormFloat64(), random.NormFloat64()
		if b[i] = math.NaN(); i >= 3 {
			b[i] = -2*a[i-3] + 7
		}
	}
	near(t, "three later", MaxCorrelation(a, b, 5), 1, 1e-9)
	near(t, "three earlier", MaxCorrelation(b, a, 5), 1, 1e-9)
	if r := MaxCorrelation(a, b, 2); r > 0.5 {
		t.Error("beyond the lag:", r)
	}
	if r := MaxCorrelation(a, other, 5); r < 0.02 || r > 0.5 {
		t.Error("of two that have nothing to do with each other:", r)
	}
	for _, series := range [][]float64{nil, a[:7], make([]float64, 100)} {
		if r := MaxCorrelation(a, series, 5); r != 0 {
			t.Error("with too little:", r)
		}
	}
}
