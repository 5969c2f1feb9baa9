package classify

import (
	"math"
	"math/rand/v2"
)

// boosting is gradient boosting: many small trees, each of which learns what the
// ones before it got wrong.
type boosting struct{}

const (
	trees = 120
	rate  = 0.1 // how much of what a tree says is believed
	depth = 3   // how many features one tree puts together
	// Each tree sees a random half of the rows and of the features, which makes
	// trees differ, and finds pairs of features neither of which says a thing alone.
	rowShare     = 0.5
	featureShare = 0.5
	// damping and least keep a leaf from learning a few rows by heart. Both are in
	// units of curvature, of which a row that is still undecided has a quarter.
	damping = 5.0
	least   = 2.5

	inner  = 1<<depth - 1
	leaves = 1 << depth
)

// A tree asks at each of its nodes whether a feature is in a low bin. Node k leads
// to 2k+1 if so, and else to 2k+2.
type tree struct {
	feature [inner]int
	below   [inner]uint8
	leaf    [leaves]float64
}

func (boosting) scores(t *task, learn, judge []int, random *rand.Rand) []float64 {
	b := &booster{task: t, rows: learn, y: t.targets(learn), weight: t.weights(learn), random: random}
	b.said, b.gradient, b.curvature = make([]float64, len(learn)), make([]float64, len(learn)), make([]float64, len(learn))
	b.node = make([]uint8, len(learn))
	scores := make([]float64, len(judge))
	for range trees {
		grown := b.grow()
		for k, i := range learn {
			b.said[k] += rate * grown.say(t.bins, i)
		}
		for k, i := range judge {
			scores[k] += rate * grown.say(t.bins, i)
		}
	}
	return scores
}

// booster is boosting at work. Slices are by place in rows.
type booster struct {
	*task
	rows                []int
	y, weight           []float64
	said                []float64 // by all trees so far
	gradient, curvature []float64
	node                []uint8 // that the row has come to
	random              *rand.Rand
}

func (t *tree) say(bins [][]uint8, row int) float64 {
	k := 0
	for range depth {
		if bins[t.feature[k]][row] < t.below[k] {
			k = 2*k + 1
		} else {
			k = 2*k + 2
		}
	}
	return t.leaf[k-inner]
}

// grow makes the next tree.
func (b *booster) grow() *tree {
	var sample []int
	for k := range b.rows {
		p := 1 / (1 + math.Exp(-b.said[k]))
		b.gradient[k], b.curvature[k] = b.weight[k]*(b.y[k]-p), b.weight[k]*p*(1-p)
		if b.node[k] = 0; b.random.Float64() < rowShare {
			sample = append(sample, k)
		}
	}
	features := b.random.Perm(len(b.bins))
	features = features[:int(math.Ceil(featureShare*float64(len(features))))]
	t := &tree{}
	for level := range depth {
		b.split(t, 1<<level-1, 1<<level, sample, features)
		for _, k := range sample {
			n := b.node[k]
			if b.bins[t.feature[n]][b.rows[k]] < t.below[n] {
				b.node[k] = 2*n + 1
			} else {
				b.node[k] = 2*n + 2
			}
		}
	}
	var ends [leaves]sum
	for _, k := range sample {
		ends[b.node[k]-inner].add(b.gradient[k], b.curvature[k])
	}
	for l, end := range ends {
		t.leaf[l] = end.gradient / (end.curvature + damping)
	}
	return t
}

// A sum is of the rows in a bin, or on a side of a cut.
type sum struct{ gradient, curvature float64 }

func (s *sum) add(gradient, curvature float64) {
	s.gradient += gradient
	s.curvature += curvature
}

// worth is how much the rows gain if they get a leaf of their own.
func (s sum) worth() float64 { return s.gradient * s.gradient / (s.curvature + damping) }

// split finds the best cut for each of the nodes of a level, from first on. A node
// without any good one leads all rows to one side, since no bin is below 0.
func (b *booster) split(t *tree, first, nodes int, sample, features []int) {
	var best [leaves]float64
	var bins [leaves][manyBins]sum
	for _, f := range features {
		clear(bins[:nodes])
		for _, k := range sample {
			bins[int(b.node[k])-first][b.bins[f][b.rows[k]]].add(b.gradient[k], b.curvature[k])
		}
		for n := range nodes {
			if below, gain := cutBins(&bins[n]); gain > best[n] {
				best[n], t.feature[first+n], t.below[first+n] = gain, f, below
			}
		}
	}
}

// cutBins returns between which bins a cut gains most.
func cutBins(bins *[manyBins]sum) (below uint8, gain float64) {
	var all, low sum
	for _, b := range bins {
		all.add(b.gradient, b.curvature)
	}
	for k, b := range bins[:manyBins-1] {
		low.add(b.gradient, b.curvature)
		high := sum{all.gradient - low.gradient, all.curvature - low.curvature}
		if low.curvature < least || high.curvature < least {
			continue
		}
		if g := low.worth() + high.worth() - all.worth(); g > gain {
			below, gain = uint8(k+1), g
		}
	}
	return below, gain
}
