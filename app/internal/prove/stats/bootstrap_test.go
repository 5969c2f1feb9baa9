package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// covered returns in how many of the runs the interval holds the truth, and the
// mean of its length.
func covered(runs, block int, truth float64, make func(*rand.Rand) ([]float64, Groups)) (share, length float64) {
	for run := range runs {
		values, groups := make(rand.New(rand.NewPCG(uint64(run), 5)))
		b := Bootstrap{Replicates: 150, Block: block, Confidence: 0.9, Seed: uint64(run)}
		if block == 0 {
			b.Block = BlockLength(groups)
		}
		i := b.Run(groups, []*Column{Rank(values, groups)})[0][Pooled].Interval
		if i.Low <= truth && truth <= i.High {
			share += 1 / float64(runs)
		}
		length += (i.High - i.Low) / float64(runs)
	}
	return share, length
}

// moody makes segments on a machine whose moods last, with calls of the given
// number of segments.
func moody(segments, run int, mood, shift float64) func(*rand.Rand) ([]float64, Groups) {
	return func(r *rand.Rand) ([]float64, Groups) {
		values, groups := make([]float64, segments), make(Groups, segments)
		state := r.NormFloat64()
		for i := range values {
			if groups[i] = r.IntN(2); i%run != 0 {
				groups[i] = groups[i-1]
			}
			state = 0.98*state + math.Sqrt(1-0.98*0.98)*r.NormFloat64()
			values[i] = mood*state + math.Sqrt(1-mood*mood)*r.NormFloat64() + shift*float64(groups[i])
		}
		return values, groups
	}
}

func TestIntervalHoldsTheTruth(t *testing.T) {
	share, _ := covered(150, 1, distuv.UnitNormal.CDF(1/math.Sqrt2), moody(200, 1, 0, 1))
	near(t, "share of two Gaussians", share, 0.9, 0.06)
	share, length := covered(100, 0, 0.5, moody(300, 1, 0, 0))
	near(t, "share where nothing differs", share, 0.9, 0.08)
	near(t, "length of it", length, 2*1.645*Spread(150, 150), 0.01)
}

// Moods do no harm to labels that are drawn one by one, and blocks do not take
// them for uncertainty.
func TestMoodsHitBothLabels(t *testing.T) {
	share, length := covered(60, 0, 0.5, moody(400, 1, 0.9, 0))
	near(t, "share", share, 0.9, 0.1)
	near(t, "length", length, 2*1.645*Spread(200, 200), 0.012)
}

// Calls of several segments on a moody machine: single segments claim too much,
// blocks do not.
func TestBlocksForCallsThatLast(t *testing.T) {
	single, _ := covered(60, 1, 0.5, moody(500, 5, 0.9, 0))
	blocks, _ := covered(60, 0, 0.5, moody(500, 5, 0.9, 0))
	if single > 0.75 || blocks < 0.8 {
		t.Errorf("the truth is in %v of the intervals by single segments, in %v of those by blocks", single, blocks)
	}
}

func TestBlockLength(t *testing.T) {
	one, five, alone := make(Groups, 2600), make(Groups, 2600), make(Groups, 2600)
	random := rand.New(rand.NewPCG(6, 6))
	rare := make(Groups, 1300) // four runs of four
	for i := range 16 {
		rare[i/4*300+i%4] = 1
	}
	for i := range one {
		one[i], five[i], alone[i] = i%2, i/5%2, max(0, random.IntN(5)-2)
	}
	for _, c := range []struct {
		groups Groups
		want   int
	}{{one, 1}, {alone, 1}, {five, 20}, {rare, 31}, {five[:30], 3}, {five[:5], 1}, {Groups{Left}, 1}, {nil, 1}} {
		if got := BlockLength(c.groups); got != c.want {
			t.Errorf("%d segments: %d, want %d", len(c.groups), got, c.want)
		}
	}
}

func TestDependenceRaisesP(t *testing.T) {
	values, groups := moody(600, 5, 0.9, 0.3)(rand.New(rand.NewPCG(9, 5)))
	c := Rank(values, groups)
	b := Bootstrap{Replicates: 500, Block: BlockLength(groups), Confidence: 0.9}
	alone, blocks := c.P(1), c.PWith(1, b.Run(groups, []*Column{c})[0][1])
	if blocks < 3*alone {
		t.Errorf("p is %v, and %v with what the blocks say", alone, blocks)
	}
	near(t, "p of 2 deviations that are 1", slacken(2*distuv.UnitNormal.CDF(-2), 2, math.Inf(1)), 2*distuv.UnitNormal.CDF(-1), 1e-12)
	// The table of Student: with 9 degrees of freedom 2.262 has 5 %.
	near(t, "p with ten blocks", slacken(2*distuv.UnitNormal.CDF(-2*2.262), 2, 9), 0.05, 1e-4)
}

func TestRuns(t *testing.T) {
	groups := Groups{0, 0, 1, 2, 2, Left, 2, 0, 1, 1, 0, 2}
	runs, idle := Rank(make([]float64, len(groups)), groups).runs()
	if want := []int{3, 2, 2}; !slices.Equal(runs, want) || idle != 3 {
		t.Error(runs, idle)
	}
}

func TestSameSeedSameResult(t *testing.T) {
	values, groups := moody(100, 2, 0.5, 0.5)(rand.New(rand.NewPCG(1, 1)))
	groups[3] = 2
	columns := []*Column{Rank(values, groups)}
	b := Bootstrap{Replicates: 100, Block: 5, Confidence: 0.9, Seed: 7}
	first, second := b.Run(groups, columns)[0], b.Run(groups, columns)[0]
	b.Seed++
	third := b.Run(groups, columns)[0]
	for g := range first {
		if first[g] != second[g] {
			t.Error("two results of one seed")
		}
	}
	if first[Pooled].Interval == third[Pooled].Interval {
		t.Error("one result of two seeds")
	}
}

// What cannot be told has the widest interval there is.
func TestNothingToResample(t *testing.T) {
	groups := Groups{1, 1, 1}
	b := Bootstrap{Replicates: 10, Block: 1, Confidence: 0.9}
	if got := b.Run(groups, []*Column{Rank([]float64{1, 2, 3}, groups)})[0][Pooled]; got.Interval != (Interval{0, 1}) {
		t.Error(got)
	}
}

// A whole run: 2,600 segments of nine labels, 60 features.
func BenchmarkBootstrap(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	groups, columns := make(Groups, 2600), []*Column(nil)
	for i := range groups {
		groups[i] = max(0, random.IntN(16)-7)
	}
	for range 60 {
		values := make([]float64, len(groups))
		for i := range values {
			values[i] = random.NormFloat64()
		}
		columns = append(columns, Rank(values, groups))
	}
	for b.Loop() {
		Bootstrap{Replicates: 2000, Block: 14, Confidence: 0.9}.Run(groups, columns)
	}
}
