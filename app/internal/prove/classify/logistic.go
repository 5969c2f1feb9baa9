package classify

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// logistic is logistic regression with a ridge.
type logistic struct{}

const (
	// ridge pulls weights to zero. A feature of deviation 1 that deserves a place
	// has a weight of some 0.2; so strong a ridge expects no more of any.
	ridge = 30
	// steps of the descent. Its error falls by a constant factor with each; ranks
	// stop changing long before.
	steps = 25
)

func (logistic) scores(t *task, learn, judge []int, _ *rand.Rand) []float64 {
	scores := make([]float64, len(judge))
	d := len(t.standard[0])
	if d == 0 || len(learn) == 0 {
		return scores
	}
	weights := t.weights(learn)
	rows := make([]float64, 0, len(learn)*d)
	for _, i := range learn {
		rows = append(rows, t.standard[i]...)
	}
	beta := descend(rows, d, t.targets(learn), weights)
	for k, i := range judge {
		scores[k] = floats.Dot(beta, t.standard[i])
	}
	return scores
}

// targets returns 1 for each call and 0 for each idle row.
func (t *task) targets(rows []int) []float64 {
	y := make([]float64, len(rows))
	for k, i := range rows {
		y[k] = float64(kind(t.calls, i))
	}
	return y
}

// descend finds the weights that explain y best. Newton's method would need a new
// matrix in every step. Instead of its own curvature each step takes the largest
// that there can be, which is the same for all steps, and so never goes too far
// (Böhning and Lindsay 1988). There is no constant: the two kinds count the same.
func descend(rows []float64, d int, y, weights []float64) []float64 {
	curvature := mat.NewSymDense(d, nil)
	scaled := make([]float64, len(rows))
	for k, w := range weights {
		for f := range d {
			scaled[k*d+f] = rows[k*d+f] * math.Sqrt(w/4)
		}
	}
	blas64.Syrk(blas.Trans, 1, blas64.General{Rows: len(y), Cols: d, Stride: d, Data: scaled}, 0, curvature.RawSymmetric())
	for f := range d {
		curvature.SetSym(f, f, curvature.At(f, f)+ridge)
	}
	var solver mat.Cholesky
	beta, gradient, step := make([]float64, d), mat.NewVecDense(d, nil), mat.NewVecDense(d, nil)
	if !solver.Factorize(curvature) {
		return beta // Not with a ridge, unless a value is no number.
	}
	for range steps {
		g := gradient.RawVector().Data
		for f := range g {
			g[f] = -ridge * beta[f]
		}
		for k := range y {
			row := rows[k*d : (k+1)*d]
			off := weights[k] * (y[k] - 1/(1+math.Exp(-floats.Dot(beta, row))))
			floats.AddScaled(g, off, row)
		}
		if solver.SolveVecTo(step, gradient) != nil {
			return beta
		}
		floats.Add(beta, step.RawVector().Data)
	}
	return beta
}
