package judge

import (
	"math"
	"slices"
	"strconv"

	"undertone/app/internal/prove/classify"
	"undertone/app/internal/prove/stats"
)

// An analysis holds groups of segments against idle.
type analysis struct {
	block   int
	primary []Endpoint
	further []Look
	exact   []Violation
}

// analyse looks at the segments in groups. The groups have these labels.
//
// The segments of a control stand in two or four places only, too few to tell by
// chances how much places differ. So its endpoints are found by their intervals,
// which are the wider for it, and by what shuffling single segments gives.
func (t Table) analyse(groups stats.Groups, labels []string, control bool, o Options) (a analysis) {
	a.block = stats.BlockLength(groups)
	var columns []*stats.Column
	var features []Feature
	for f, feature := range t.Features {
		values := make([]float64, len(t.Segments))
		for i, s := range t.Segments {
			values[i] = s.Values[f]
		}
		if feature.Exact {
			if v, broken := t.violation(feature.Name, values, groups); broken {
				a.exact = append(a.exact, v)
			}
			continue
		}
		columns, features = append(columns, stats.Rank(values, groups)), append(features, feature)
	}
	columns, features = append(columns, t.classifier(groups, len(labels), o)), append(features, Feature{Name: Classifier, Primary: true})
	b := stats.Bootstrap{Replicates: o.Replicates, Block: a.block, Confidence: Confidence, Seed: o.Seed}
	estimates := b.Run(groups, columns)
	for k, feature := range features {
		for g, e := range estimates[k] {
			if g != stats.Pooled && len(labels) == 2 {
				continue // The only label is all of them.
			}
			p := columns[k].PWith(g, e)
			if feature.Primary && g == stats.Pooled {
				if control {
					p = columns[k].P(g)
				}
				a.primary = append(a.primary, Endpoint{Name: feature.Name, AUC: e.AUC, Interval: e.Interval, P: p})
			} else {
				a.further = append(a.further, Look{Label: labels[g], Name: feature.Name, AUC: e.AUC, Interval: e.Interval, P: p})
			}
		}
	}
	a.correct()
	return a
}

// correct corrects chances for the number of tests, and decides.
func (a *analysis) correct() {
	p := make([]float64, len(a.primary))
	for i, e := range a.primary {
		p[i] = e.P
	}
	for i, corrected := range stats.Holm(p) {
		e := &a.primary[i]
		e.P = corrected
		switch {
		case e.Interval.Within(Bounds):
			e.Decision = Equal
		case e.Interval.Beside(Bounds) && corrected <= Chance:
			e.Decision = Differs
		default:
			e.Decision = Open
		}
	}
	p = make([]float64, len(a.further))
	for i, l := range a.further {
		p[i] = l.P
	}
	for i, corrected := range stats.Holm(p) {
		a.further[i].P, a.further[i].Found = corrected, corrected <= Chance
	}
}

// classifier is the column of what the classifier says of each segment. It leaves
// out those that it does not judge.
func (t Table) classifier(groups stats.Groups, labels int, o Options) *stats.Column {
	var taking []int
	var rows [][]float64
	var calls []bool
	for i, g := range groups {
		if g != stats.Left {
			taking, rows, calls = append(taking, i), append(rows, t.Segments[i].Values), append(calls, g > 0)
		}
	}
	values, judged := make([]float64, len(groups)), make(stats.Groups, len(groups))
	for i := range judged {
		judged[i] = stats.Left
	}
	for k, score := range classify.Scores(rows, calls, o.Seed) {
		if !math.IsNaN(score) {
			i := taking[k]
			values[i], judged[i] = score, groups[i]
		}
	}
	return stats.RankOf(values, judged, labels)
}

// violation looks whether all segments have the same value.
func (t Table) violation(name string, values []float64, groups stats.Groups) (v Violation, broken bool) {
	expected := common(values, groups)
	others := make([]float64, len(values))
	for i, g := range groups {
		if g == stats.Left || same(values[i], expected) {
			continue
		}
		// A call is the better example.
		if !broken || g > 0 && v.Calls == 0 {
			v.Example = Example{Segment: i, Label: t.Segments[i].Label, Value: written(values[i])}
		}
		broken, others[i] = true, 1
		if g > 0 {
			v.Calls++
		} else {
			v.Idle++
		}
	}
	v.Name, v.Expected = name, written(expected)
	v.P = stats.Rank(others, groups).P(stats.Pooled)
	return v, broken
}

// common returns the value that most idle segments have, or most of all segments if
// none is idle.
func common(values []float64, groups stats.Groups) (most float64) {
	idle := slices.Contains(groups, 0)
	counts, best := map[string]int{}, 0
	for i, g := range groups {
		if g == stats.Left || idle && g != 0 {
			continue
		}
		key := written(values[i])
		if counts[key]++; counts[key] > best {
			best, most = counts[key], values[i]
		}
	}
	return most
}

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// written is a value for a person, and for JSON, which has no NaN.
func written(v float64) string {
	if math.IsNaN(v) {
		return "not measured"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// controls judges each positive control: its segments are the calls.
func (t Table) controls(clean stats.Groups, o Options) (all []Control) {
	names := slices.Clone(o.Controls)
	for _, s := range t.Segments {
		if s.Control != "" && !slices.Contains(names, s.Control) {
			names = append(names, s.Control)
		}
	}
	for _, name := range names {
		c := Control{Name: name}
		groups := make(stats.Groups, len(clean))
		for i, s := range t.Segments {
			switch {
			case s.Control == name && s.Call:
				groups[i] = 1
				c.Segments++
			case clean[i] != 0:
				groups[i] = stats.Left
			}
		}
		if c.Segments > 0 {
			a := t.analyse(groups, []string{"", name}, true, o)
			// One slot that was skipped by chance must not pass for the control.
			a.exact = slices.DeleteFunc(a.exact, func(v Violation) bool {
				return v.P > Chance || v.Calls*(groups.Count()[0]) <= v.Idle*c.Segments
			})
			c.By = a.leaks()
			c.Caught = len(c.By) > 0
		}
		all = append(all, c)
	}
	return all
}
