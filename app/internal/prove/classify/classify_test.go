package classify

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"undertone/app/internal/prove/stats"
)

// made draws n rows of the given number of features, half of them calls, and lets
// change make of each call's row what it likes.
func made(seed uint64, n, features int, change func(r *rand.Rand, row []float64)) ([][]float64, []bool) {
	r := rand.New(rand.NewPCG(seed, 1))
	rows, calls := make([][]float64, n), make([]bool, n)
	for i := range rows {
		rows[i] = make([]float64, features)
		for f := range rows[i] {
			rows[i][f] = r.NormFloat64()
		}
		if calls[i] = r.IntN(2) == 1; calls[i] {
			change(r, rows[i])
		}
	}
	return rows, calls
}

// judged returns the AUC of the scores of rows from the given one on.
func judged(scores []float64, calls []bool, from int) float64 {
	groups := make(stats.Groups, len(scores))
	for i := range groups {
		switch {
		case math.IsNaN(scores[i]) || i < from:
			groups[i] = stats.Left
		case calls[i]:
			groups[i] = 1
		}
	}
	return stats.Rank(scores, groups).AUCs()[stats.Pooled]
}

func nothing(*rand.Rand, []float64) {}

// What is in the data, and the AUC of the best that anybody could do.
func TestFinds(t *testing.T) {
	normal := distuv.UnitNormal
	for _, c := range []struct {
		name     string
		features int
		change   func(r *rand.Rand, row []float64)
		// least is what has to be found; best is what there is.
		least, best float64
	}{
		{"one shift", 5, func(_ *rand.Rand, row []float64) { row[0]++ }, 0.72, normal.CDF(1 / math.Sqrt2)},
		{"a shift that separates", 5, func(_ *rand.Rand, row []float64) { row[0] += 10 }, 0.99, 1},
		{"many small shifts", 5, func(_ *rand.Rand, row []float64) {
			for f := range row {
				row[f] += 0.42
			}
		}, 0.7, normal.CDF(0.42 * math.Sqrt(5) / math.Sqrt2)},
		{"another variance", 5, func(_ *rand.Rand, row []float64) { row[0] *= 2 }, 0.64, 0.705},
		{"only two together", 4, func(_ *rand.Rand, row []float64) { row[1] = math.Copysign(row[1], row[0]) }, 0.65, 0.75},
		{"one in five", 5, func(r *rand.Rand, row []float64) {
			if r.IntN(5) == 0 {
				row[0] = 8
			}
		}, 0.56, 0.6},
		{"what is missing", 5, func(r *rand.Rand, row []float64) {
			if r.IntN(2) == 0 {
				row[0] = math.NaN()
			}
		}, 0.7, 0.75},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, calls := made(3, 900, c.features, c.change)
			// The latter half: what is found once something has been learnt.
			if auc := judged(Scores(rows, calls, 1), calls, 450); auc < c.least || auc > c.best+0.04 {
				t.Errorf("AUC %.3f; it should be at least %.3f, and %.3f is the best there is", auc, c.least, c.best)
			} else {
				t.Logf("AUC %.3f of %.3f", auc, c.best)
			}
		})
	}
}

// Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, equation
// 10.2: ten normal features, and the label is whether their squares sum to more
// than the median. There a single stump errs in 45.8 % of cases, a full tree in
// 24.7 %, and 400 boosted stumps in 5.8 %.
func TestPublished(t *testing.T) {
	rows, calls := made(4, 2200, 10, nothing)
	for i, row := range rows {
		squares := 0.0
		for _, x := range row {
			squares += x * x
		}
		calls[i] = squares > 9.34
	}
	task := &task{calls: calls, standard: standardise(rows), bins: sortIntoBins(rows)}
	learn, judge := make([]int, 1600), make([]int, 600)
	for i := range learn {
		learn[i] = i
	}
	for i := range judge {
		judge[i] = len(learn) + i
	}
	wrong := func(l learner) float64 {
		errors := 0
		// Ranks, since half of the labels are of either kind.
		for k, r := range rank(l.scores(task, learn, judge, rand.New(rand.NewPCG(1, 1)))) {
			if (r > 0) != calls[judge[k]] {
				errors++
			}
		}
		return float64(errors) / float64(len(judge))
	}
	boosted, squares := wrong(boosting{}), wrong(logistic{})
	t.Logf("wrong: trees %.3f, logistic regression with squares %.3f", boosted, squares)
	// 120 trees are not 400 yet, and outdo the full tree by far; in the squares the
	// label is linear.
	if boosted > 0.16 || squares > 0.04 {
		t.Errorf("wrong: trees %.3f, logistic regression with squares %.3f", boosted, squares)
	}
}

// Where there is nothing to find, the AUC is spread as that of any feature: that
// is what makes its interval true.
func TestNoiseStaysNoise(t *testing.T) {
	const runs, n = 12, 160
	var off []float64
	for seed := range uint64(runs) {
		rows, calls := made(100+seed, n, 3, nothing)
		auc := judged(Scores(rows, calls, seed), calls, 0)
		off = append(off, (auc-0.5)/stats.Spread(n*9/20, n*9/20))
	}
	// Chances of one in a thousand, were it spread more.
	mean, deviation := stat.MeanStdDev(off, nil)
	if math.Abs(mean) > 3.3/math.Sqrt(runs) || deviation > 1.6 || deviation < 0.5 {
		t.Errorf("in deviations: mean %.2f, deviation %.2f", mean, deviation)
	}
}

// The labels of what is judged, and of what comes after, must not count.
func TestLearnsFromThePastAlone(t *testing.T) {
	rows, calls := made(5, 300, 4, func(_ *rand.Rand, row []float64) { row[0]++ })
	scores := Scores(rows, calls, 1)
	other := slices.Clone(calls)
	parts := cut(calls)
	// Two of the last fold change places, so that all folds stay what they are.
	last := parts[folds-1]
	a, b := last[0], last[len(last)-1]
	rows[a], rows[b] = rows[b], rows[a]
	swapped := Scores(rows, other, 1)
	for _, part := range parts[:folds-1] {
		for _, i := range part {
			if scores[i] != swapped[i] && !(math.IsNaN(scores[i]) && math.IsNaN(swapped[i])) {
				t.Fatal("the score of", i, "depends on what came later")
			}
		}
	}
	for _, i := range parts[0] {
		if !math.IsNaN(scores[i]) {
			t.Fatal("the first fold is judged by something")
		}
	}
}

func TestNobodyLearnsFromNeighbours(t *testing.T) {
	got := apart([]int{0, 1, 2, 3, 4, 9}, []int{6, 7}, 10)
	if !slices.Equal(got, []int{0, 1, 2}) {
		t.Error(got)
	}
}

// Calls that were all recorded at the end still are in every fold.
func TestClumpedCalls(t *testing.T) {
	rows, calls := made(6, 400, 3, nothing)
	for i := range calls {
		if calls[i] = i >= 360; calls[i] {
			rows[i][1] += 4
		}
	}
	if auc := judged(Scores(rows, calls, 1), calls, 0); auc < 0.95 {
		t.Error("AUC", auc)
	}
}

func TestTooFew(t *testing.T) {
	rows, calls := made(7, 30, 3, nothing)
	for _, s := range [][]float64{Scores(rows, calls, 1), Scores(rows, make([]bool, 30), 1)} {
		if len(s) != 30 || slices.ContainsFunc(s, func(x float64) bool { return !math.IsNaN(x) }) {
			t.Error("scores out of too few:", s)
		}
	}
	if len(Scores(nil, nil, 1)) != 0 {
		t.Error("scores of nothing")
	}
}

// Features that never change, are never measured, or are beyond all measure.
func TestOddFeatures(t *testing.T) {
	rows, calls := made(8, 200, 5, nothing)
	for i, row := range rows {
		row[0], row[1], row[2] = 7, math.NaN(), math.Inf(1-2*(i%2))
		if calls[i] {
			row[4] += 3
		}
	}
	if auc := judged(Scores(rows, calls, 1), calls, 60); !(auc > 0.9) {
		t.Error("AUC", auc)
	}
	for _, row := range rows {
		for f := range row {
			row[f] = 1
		}
	}
	if auc := judged(Scores(rows, calls, 1), calls, 0); auc != 0.5 {
		t.Error("AUC of nothing", auc)
	}
}

func TestBins(t *testing.T) {
	rows := [][]float64{{3}, {math.NaN()}, {1}, {2}, {2}}
	if got := sortIntoBins(rows)[0]; !slices.Equal(got, []uint8{3, 0, 1, 2, 2}) {
		t.Error(got)
	}
	many, _ := made(9, 1000, 1, nothing)
	counts := make([]int, manyBins)
	for i, b := range sortIntoBins(many)[0] {
		counts[b]++
		if other := sortIntoBins([][]float64{many[i], {0}})[0]; (many[i][0] > 0) != (other[0] > other[1]) {
			t.Fatal("bins out of order")
		}
	}
	if counts[0] != 0 || slices.Min(counts[1:]) < 30 || slices.Max(counts) > 35 {
		t.Error(counts)
	}
}

func BenchmarkScores(b *testing.B) {
	rows, calls := made(1, 2600, 60, nothing)
	for b.Loop() {
		Scores(rows, calls, 1)
	}
}
