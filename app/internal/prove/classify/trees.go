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
	b.said = make([]float64, len(learn))
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
	rows      []int
	y, weight []float64
	said      []float64 // by all trees so far
	sample    []sampled // that the next tree sees
	random    *rand.Rand
}

// sampled is a row on its way through a tree.
type sampled struct {
	sum  // what the row still lacks
	row  int
	node int // that it has come to
}

func (t *tree) say(bins [][]uint8, row int) float64 {
	k := 0
	for range depth {
		k = t.next(bins, k, row)
	}
	return t.leaf[k-inner]
}

// next returns the node that a node leads the row to.
func (t *tree) next(bins [][]uint8, node, row int) int {
	if bins[t.feature[node]][row] < t.below[node] {
		return 2*node + 1
	}
	return 2*node + 2
}

// grow makes the next tree.
func (b *booster) grow() *tree {
	b.sample = b.sample[:0]
	for k, row := range b.rows {
		if b.random.Float64() < rowShare {
			p := 1 / (1 + math.Exp(-b.said[k]))
			b.sample = append(b.sample, sampled{sum: sum{b.weight[k] * (b.y[k] - p), b.weight[k] * p * (1 - p)}, row: row})
		}
	}
	features := b.random.Perm(len(b.bins))
	features = features[:int(math.Ceil(featureShare*float64(len(features))))]
	t := &tree{}
	for level := range depth {
		b.split(t, 1<<level-1, 1<<level, features)
		for k := range b.sample {
			r := &b.sample[k]
			r.node = t.next(b.bins, r.node, r.row)
		}
	}
	var ends [leaves]sum
	for _, r := range b.sample {
		ends[r.node-inner].add(r.sum)
	}
	for l, end := range ends {
		t.leaf[l] = end.gradient / (end.curvature + damping)
	}
	return t
}

// A sum is of the rows in a bin, or on a side of a cut.
type sum struct{ gradient, curvature float64 }

func (s *sum) add(other sum) {
	s.gradient += other.gradient
	s.curvature += other.curvature
}

// worth is how much the rows gain if they get a leaf of their own.
func (s sum) worth() float64 { return s.gradient * s.gradient / (s.curvature + damping) }

// split finds the best cut for each of the nodes of a level, from first on. A node
// without any good one leads all rows to one side, since no bin is below 0.
func (b *booster) split(t *tree, first, nodes int, features []int) {
	var best [leaves]float64
	var bins [leaves][manyBins]sum
	for _, f := range features {
		clear(bins[:nodes])
		column := b.bins[f]
		for k := range b.sample {
			r := &b.sample[k]
			bins[r.node-first][column[r.row]].add(r.sum)
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
		all.add(b)
	}
	for k, b := range bins[:manyBins-1] {
		low.add(b)
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
