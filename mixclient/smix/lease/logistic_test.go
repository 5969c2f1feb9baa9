package lease

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// A sample is what was seen, and which of two cases it was.
type sample struct {
	seen  []float64
	label bool
}

// A logistic is a logistic regression over standardised features.
type logistic struct{ mean, scale, weight []float64 }

// fit trains on the samples, with a ridge, by Newton's method.
func fit(train []sample) *logistic {
	d := len(train[0].seen)
	l := &logistic{make([]float64, d), make([]float64, d), make([]float64, d+1)}
	for k := range d {
		sum, sq := 0.0, 0.0
		for _, s := range train {
			sum += s.seen[k]
			sq += s.seen[k] * s.seen[k]
		}
		n := float64(len(train))
		l.mean[k] = sum / n
		if v := sq/n - l.mean[k]*l.mean[k]; v > 1e-9 {
			l.scale[k] = 1 / math.Sqrt(v)
		}
	}
	for range 8 {
		l.newton(train)
	}
	return l
}

// newton is one step of Newton's method.
func (l *logistic) newton(train []sample) {
	d := len(l.weight)
	h, g := mat.NewSymDense(d, nil), mat.NewVecDense(d, nil)
	for k := range d {
		h.SetSym(k, k, ridge)
		g.SetVec(k, -ridge*l.weight[k])
	}
	x := mat.NewVecDense(d, nil)
	for _, s := range train {
		l.features(s.seen, x)
		p := 1 / (1 + math.Exp(-mat.Dot(x, mat.NewVecDense(d, l.weight))))
		y := 0.0
		if s.label {
			y = 1
		}
		g.AddScaledVec(g, y-p, x)
		h.SymRankOne(h, p*(1-p), x)
	}
	var c mat.Cholesky
	var step mat.VecDense
	if c.Factorize(h) && c.SolveVecTo(&step, g) == nil {
		for k := range d {
			l.weight[k] += step.AtVec(k)
		}
	}
}

// ridge holds weights of features that say little near zero.
const ridge = 5

// features writes the standardised features, and a constant, into x.
func (l *logistic) features(seen []float64, x *mat.VecDense) {
	for k := range seen {
		x.SetVec(k, (seen[k]-l.mean[k])*l.scale[k])
	}
	x.SetVec(len(seen), 1)
}

// score is greater the more the sample looks like one of label true.
func (l *logistic) score(seen []float64) float64 {
	x := mat.NewVecDense(len(l.weight), nil)
	l.features(seen, x)
	return mat.Dot(x, mat.NewVecDense(len(l.weight), l.weight))
}

// A rated is a sample with its score.
type rated struct {
	score float64
	label bool
}

// auc is the probability that a sample of label true has a greater score than one
// of label false. It sorts what it gets.
func auc(rs []rated) float64 {
	slices.SortFunc(rs, func(a, b rated) int {
		switch {
		case a.score < b.score:
			return -1
		case a.score > b.score:
			return 1
		}
		return 0
	})
	sum, pos, neg := 0.0, 0.0, 0.0
	for i := 0; i < len(rs); {
		j, p, n := i, 0.0, 0.0
		for ; j < len(rs) && rs[j].score == rs[i].score; j++ { //nolint:revive // the body is below
			if rs[j].label {
				p++
			} else {
				n++
			}
		}
		sum += p * (neg + n/2)
		pos, neg, i = pos+p, neg+n, j
	}
	if pos == 0 || neg == 0 {
		return 0.5
	}
	return sum / (pos * neg)
}

// An advantage is an area under the curve, with its bootstrap interval of 95 %.
type advantage struct{ auc, low, high float64 }

// judge trains on the first half of the samples and tests on the second.
func judge(samples []sample) advantage {
	r := rand.New(rand.NewPCG(7, 7))
	r.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
	half := len(samples) / 2
	l := fit(samples[:half])
	test := make([]rated, 0, len(samples)-half)
	for _, s := range samples[half:] {
		test = append(test, rated{l.score(s.seen), s.label})
	}
	a := advantage{auc: auc(slices.Clone(test))}
	var boots []float64
	again := make([]rated, len(test))
	for range 300 {
		for i := range again {
			again[i] = test[r.IntN(len(test))]
		}
		boots = append(boots, auc(again))
	}
	slices.Sort(boots)
	a.low, a.high = boots[7], boots[292]
	return a
}

// The area of two normal distributions that lie d apart is known: Φ(d/√2).
func TestClassifierOnKnownData(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, d := range []float64{0, 1, 2} {
		var samples []sample
		for i := range 4000 {
			s := sample{make([]float64, 20), i%2 == 0}
			for k := range s.seen {
				s.seen[k] = r.NormFloat64()
			}
			if s.label {
				s.seen[3] += d * 0.6
				s.seen[9] -= d * 0.8
			}
			samples = append(samples, s)
		}
		got, want := judge(samples), 0.5*(1+math.Erf(d/2))
		if got.low > want+0.01 || got.high < want-0.02 || math.Abs(got.auc-want) > 0.03 {
			t.Errorf("%.0f apart: area %.3f (%.3f to %.3f), want %.3f", d, got.auc, got.low, got.high, want)
		}
	}
}

func TestAreaCountsPairs(t *testing.T) {
	rs := []rated{{1, true}, {0, false}, {0.5, true}, {0.5, false}, {2, false}}
	// Three pairs are in order, two are not, and one is even.
	if got := auc(rs); math.Abs(got-3.5/6) > 1e-12 {
		t.Errorf("area %v, want %v", got, 3.5/6)
	}
}
