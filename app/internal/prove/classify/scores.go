package classify

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"undertone/app/internal/prove/stats"
)

const (
	folds = 10
	// fewest segments of each kind: less than two in a fold teach nothing.
	fewest = 2 * folds
	// gap is how near in time a segment may not be to one that is judged.
	gap = 3
)

// A learner scores the rows in judge, after learning from those in learn.
type learner interface {
	scores(t *task, learn, judge []int, random *rand.Rand) []float64
}

// A task is what the learners are given. Only calls of rows to learn from may be
// looked at; the rest is prepared without regard to labels.
type task struct {
	calls    []bool
	standard [][]float64 // by row: the features and their squares
	bins     [][]uint8   // by feature: the bin of each row
}

// Scores returns how much each row looks like a call, among the rows of its fold,
// and NaN for those of the first fold. Rows are segments in the order of time, all
// of one length; NaN is a value that was not measured. With too few rows of either
// kind all scores are NaN.
func Scores(rows [][]float64, calls []bool, seed uint64) []float64 {
	scores := make([]float64, len(rows))
	for i := range scores {
		scores[i] = math.NaN()
	}
	parts := cut(calls)
	if parts == nil {
		return scores
	}
	t := &task{calls: calls, standard: standardise(rows), bins: sortIntoBins(rows)}
	learners := []learner{logistic{}, boosting{}}
	right := make([]float64, len(learners)) // sums of how far AUCs were above 0.5
	var before []int
	for f, judge := range parts {
		if f > 0 {
			learn := apart(before, judge, len(rows))
			sum := make([]float64, len(judge))
			for l, learner := range learners {
				random := rand.New(rand.NewPCG(seed, uint64(f)))
				ranks := rank(learner.scores(t, learn, judge, random))
				const doubt = 0.01 // What has shown nothing yet has a small voice.
				trust := doubt + max(0, right[l]/float64(f))
				for k, r := range ranks {
					sum[k] += trust * r
				}
				right[l] += t.auc(judge, ranks) - 0.5
			}
			for k, r := range rank(sum) {
				scores[judge[k]] = r
			}
		}
		before = append(before, judge...)
	}
	return scores
}

// cut returns the rows of each fold, or nil if there are too few. Folds are of equal
// time: in one mood of the machine there are then calls as well as idle rows. Only if
// a fold would lack one of the two, since calls were recorded all at once, are both
// cut each for itself.
func cut(calls []bool) [][]int {
	var rows [3][]int // all, idle, calls
	for i := range calls {
		rows[0], rows[1+kind(calls, i)] = append(rows[0], i), append(rows[1+kind(calls, i)], i)
	}
	if min(len(rows[1]), len(rows[2])) < fewest {
		return nil
	}
	if parts := slice(rows[0]); !slices.ContainsFunc(parts, func(part []int) bool { return oneSided(calls, part) }) {
		return parts
	}
	parts := slice(rows[1])
	for f, part := range slice(rows[2]) {
		parts[f] = append(parts[f], part...)
	}
	return parts
}

// slice returns folds of equal length.
func slice(rows []int) [][]int {
	parts := make([][]int, folds)
	for f := range parts {
		parts[f] = slices.Clone(rows[len(rows)*f/folds : len(rows)*(f+1)/folds])
	}
	return parts
}

// oneSided reports whether fewer than two rows are calls, or idle.
func oneSided(calls []bool, rows []int) bool {
	of := 0
	for _, i := range rows {
		of += kind(calls, i)
	}
	return min(of, len(rows)-of) < 2
}

func kind(calls []bool, row int) int {
	if calls[row] {
		return 1
	}
	return 0
}

// apart returns those of the rows that are not near any that is judged.
func apart(rows, judge []int, all int) (far []int) {
	near := make([]bool, all)
	for _, j := range judge {
		for i := max(0, j-gap); i <= min(all-1, j+gap); i++ {
			near[i] = true
		}
	}
	for _, i := range rows {
		if !near[i] {
			far = append(far, i)
		}
	}
	return far
}

// rank returns the place of each score among all, spread evenly over -1 to 1. Equal
// scores have equal ranks.
func rank(scores []float64) []float64 {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	ranks := make([]float64, len(scores))
	for i := 0; i < len(order); {
		j := i + 1
		for j < len(order) && scores[order[j]] == scores[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			ranks[k] = float64(i+j)/float64(len(order)) - 1
		}
		i = j
	}
	return ranks
}

// auc tells how right the scores of judged rows were.
func (t *task) auc(judge []int, scores []float64) float64 {
	var calls, idle []float64
	for k, i := range judge {
		if t.calls[i] {
			calls = append(calls, scores[k])
		} else {
			idle = append(idle, scores[k])
		}
	}
	return stats.AUC(calls, idle)
}

// weights returns how much each row to learn from counts: calls and idle rows have
// the same sum, and the mean is one. Otherwise a fold with many calls would lower
// what is expected of the next.
func (t *task) weights(learn []int) []float64 {
	var counts [2]float64
	for _, i := range learn {
		counts[kind(t.calls, i)]++
	}
	weights := make([]float64, len(learn))
	for k, i := range learn {
		weights[k] = float64(len(learn)) / (2 * counts[kind(t.calls, i)])
	}
	return weights
}
