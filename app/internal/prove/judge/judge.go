// Package judge comes from a table of segments to a verdict: whether a line shows
// when its user is in a call.
//
//	Table: a row per segment        one primary endpoint: all calls against idle,
//	labels, features            --> by every primary feature and by the classifier  \
//	segments of positive        --> single labels, further features: detection       > Report
//	controls                    --> exact features: equal in every segment          /
//	                            --> each control: judged in the same way, and caught
//
// A segment is some seconds of traffic, recorded while the user was doing what its
// label says. What is computed from it are its features. The judge knows nothing of
// what they mean.
//
// # Verdicts
//
//	void          a positive control was not caught: what was measured with cannot see
//	leak          a difference between calls and idle was found
//	pass          it was shown that there is none larger than the bounds
//	inconclusive  neither; most often since the run was too short
//
// They are tried in this order. What tells a pass from a run that merely found
// nothing is equivalence, and why 0.45 and 0.55 and intervals of 90 %: see package
// stats. All primary features and the classifier have to be equal. An endpoint
// whose interval lies wholly outside the bounds is a leak; if, since a short run
// has crude intervals, its difference is also no matter of chance: among all
// endpoints, one of 1 %.
//
// The rest are further looks: at each label against idle, and at features that are
// not primary. A difference there need not show in all calls pooled: of a label
// that is a tenth of them, certainty moves the pooled AUC by 0.05 only. They are
// tested for any difference at all. Holm's correction keeps the chance that even
// one of them is a false alarm at 1 %.
//
// A quick run can only find what is gross, and never passes.
//
// Positive controls are segments recorded with a known leak built in. They are
// held against the idle segments of the same run as calls are. One that is not
// caught shows that a real leak of that size would not be either.
//
// Simulated (go test -args -runs N; five endpoints, thirty looks, labels in random
// order): an honest line passes with 1,300 segments of each kind in 94 of 100 runs, and
// is called a leak in one. With 800, a leak of AUC 0.6 in one feature is found in 99 of
// 100, and one that is exactly at the bound passes in 27 of 600. With 45, an honest line
// is called a leak in 29 of 2,000, and never passes. In quick runs by a plan, on a
// machine half of whose lateness is moods of two minutes, none of 300 is.
//
// Pure functions: the same table and options give the same report.
package judge

import (
	"fmt"

	"undertone/app/internal/prove/stats"
)

// A Feature is something that was measured of every segment.
type Feature struct {
	Name string `json:"name"`
	// Exact features must be equal in every segment: the sizes of data messages.
	// Not their counts: a machine that stands still skips a slot, in a call or not.
	Exact bool `json:"exact,omitempty"`
	// Primary features are those whose equality is to be shown.
	Primary bool `json:"primary,omitempty"`
}

// A Segment is one row.
type Segment struct {
	Label string `json:"label"`
	// Call is set if what the label says is to be indistinguishable from idle.
	Call bool `json:"call"`
	// Control is empty, or the name of the positive control that was switched on.
	Control string `json:"control,omitempty"`
	// Values are those of the features; NaN is one that could not be measured.
	Values []float64 `json:"-"`
}

// A Table holds what was measured.
type Table struct {
	Features []Feature
	Segments []Segment // in the order of time
}

// Options are how to judge.
type Options struct {
	// Quick runs are known to be too short for a pass.
	Quick bool
	// Controls that must have been recorded. Those recorded besides must be caught
	// as well, and there must be one.
	Controls []string
	// Replicates of the bootstrap; 2,000 if zero.
	Replicates int
	// Seed of all that is drawn.
	Seed uint64
}

// What decides.
const (
	// Confidence of the intervals: that of two one-sided tests at 5 %.
	Confidence = 0.9
	// Chance of any false alarm among the further looks.
	Chance = 0.01
	// Power is how likely an honest line passes with the segments that are Needed.
	Power = 0.9

	manyReplicates = 2000
)

// Bounds are those of equality.
var Bounds = stats.Interval{Low: 0.45, High: 0.55}

// Needed returns how many segments of calls, and as many idle ones, it takes to
// show with Power that so many primary features, and the classifier, are equal. The
// classifier judges nine segments of ten.
func Needed(primary int) int {
	return stats.Needed(Bounds, Confidence, primary+1, Power) * 10 / 9
}

// fewest segments of either kind that can pass: with them one endpoint would with
// Power. Fewer pass only if the features hardly vary, in a line too short to tell.
func fewest() int { return stats.Needed(Bounds, Confidence, 1, Power) }

// Judge comes to a verdict. It fails only if the table is malformed.
func Judge(t Table, o Options) (Report, error) {
	for i, s := range t.Segments {
		if len(s.Values) != len(t.Features) {
			return Report{}, fmt.Errorf("segment %d has %d values of %d features", i, len(s.Values), len(t.Features))
		}
	}
	if o.Replicates == 0 {
		o.Replicates = manyReplicates
	}
	r := Report{Quick: o.Quick, Bounds: Bounds, Confidence: Confidence, Chance: Chance}
	groups, labels := t.clean()
	r.count(t, groups)
	a := t.analyse(groups, labels, false, o)
	r.Block, r.Primary, r.Further, r.Exact = a.block, a.primary, a.further, append([]Violation{}, a.exact...)
	r.Needed, r.Fewest = Needed(len(a.primary)-1), fewest()
	r.Controls = t.controls(groups, o)
	r.decide()
	r.explain()
	return r, nil
}

// clean returns the groups of the segments without a control, and the label of each
// group; that of the first, idle, is empty.
func (t Table) clean() (stats.Groups, []string) {
	labels := []string{""}
	numbers := map[string]int{}
	groups := make(stats.Groups, len(t.Segments))
	for i, s := range t.Segments {
		switch {
		case s.Control != "":
			groups[i] = stats.Left
		case s.Call:
			if numbers[s.Label] == 0 {
				numbers[s.Label] = len(labels)
				labels = append(labels, s.Label)
			}
			groups[i] = numbers[s.Label]
		}
	}
	return groups, labels
}
