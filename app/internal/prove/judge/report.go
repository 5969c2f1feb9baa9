package judge

import (
	"slices"

	"undertone/app/internal/prove/stats"
)

// A Verdict is what the run says.
type Verdict string

// The verdicts; see the package comment.
const (
	Pass         Verdict = "pass"
	Leak         Verdict = "leak"
	Inconclusive Verdict = "inconclusive"
	Void         Verdict = "void"
)

// A Decision is what an interval says of one endpoint.
type Decision string

// The decisions.
const (
	Equal   Decision = "equal"   // all of the interval is within the bounds
	Differs Decision = "differs" // all of it is outside
	Open    Decision = "open"
)

// A Report is all that was found. All of it can be printed as JSON.
type Report struct {
	Verdict   Verdict  `json:"verdict"`
	Sentences []string `json:"sentences"` // the verdict and its reasons, for a person
	Quick     bool     `json:"quick"`

	Calls  int     `json:"calls"` // segments, without those of controls
	Idle   int     `json:"idle"`
	Labels []Count `json:"labels"`
	Needed int     `json:"needed"` // of calls, and of idle, for an honest line to pass
	Fewest int     `json:"fewest"` // of either that can pass

	Bounds     stats.Interval `json:"bounds"`
	Confidence float64        `json:"confidence"`
	Chance     float64        `json:"chance"`
	Block      int            `json:"block"` // how many neighbours the bootstrap draws together

	Primary  []Endpoint  `json:"primary"` // the features, and last the classifier
	Further  []Look      `json:"further"`
	Exact    []Violation `json:"exact"` // exact features that were not equal
	Controls []Control   `json:"controls"`
}

// A Count is how many segments of a label there are.
type Count struct {
	Label    string `json:"label"`
	Call     bool   `json:"call"`
	Segments int    `json:"segments"`
}

// Classifier is the name of the endpoint of all features together.
const Classifier = "all features together"

// An Endpoint is a feature, or the classifier, that has to be equal in all calls
// pooled and idle.
type Endpoint struct {
	Name     string         `json:"name"`
	AUC      float64        `json:"auc"`
	Interval stats.Interval `json:"interval"`
	// P is the chance of such a difference without a leak, corrected for the number
	// of endpoints.
	P        float64  `json:"p"`
	Decision Decision `json:"decision"`
}

// A Look is a test for any difference in one label, or in a feature that is not
// primary.
type Look struct {
	Label    string         `json:"label"` // empty for all calls pooled
	Name     string         `json:"name"`
	AUC      float64        `json:"auc"`
	Interval stats.Interval `json:"interval"`
	P        float64        `json:"p"` // corrected by Holm for the number of looks
	Found    bool           `json:"found"`
}

// Where says in what the look was taken.
func (l Look) Where() string {
	if l.Label == "" {
		return "all calls"
	}
	return l.Label
}

// A Violation is an exact feature that was not equal in every segment.
type Violation struct {
	Name     string  `json:"name"`
	Expected string  `json:"expected"` // what most idle segments have
	Calls    int     `json:"calls"`    // segments that have something else
	Idle     int     `json:"idle"`
	Example  Example `json:"example"`
	// P is the chance that calls have as many more or fewer of these segments than
	// idle without a leak.
	P float64 `json:"p"`
}

// An Example is one segment that should not be.
type Example struct {
	Segment int    `json:"segment"` // its place in the table
	Label   string `json:"label"`
	Value   string `json:"value"`
}

// A Control is a leak that was built in.
type Control struct {
	Name     string   `json:"name"`
	Segments int      `json:"segments"`
	Caught   bool     `json:"caught"`
	By       []string `json:"by"` // the features that showed it
}

func (r *Report) count(t Table, groups stats.Groups) {
	for i, g := range groups {
		s := t.Segments[i]
		switch {
		case g == stats.Left:
			continue
		case s.Call:
			r.Calls++
		default:
			r.Idle++
		}
		at := slices.IndexFunc(r.Labels, func(c Count) bool { return c.Label == s.Label && c.Call == s.Call })
		if at < 0 {
			at = len(r.Labels)
			r.Labels = append(r.Labels, Count{Label: s.Label, Call: s.Call})
		}
		r.Labels[at].Segments++
	}
}

// leaks returns what was found, in short names.
func (a *analysis) leaks() (names []string) {
	for _, v := range a.exact {
		names = append(names, v.Name)
	}
	for _, e := range a.primary {
		if e.Decision == Differs {
			names = append(names, e.Name)
		}
	}
	for _, l := range a.further {
		if l.Found {
			names = append(names, l.Name)
		}
	}
	return slices.Compact(names)
}

// decide sets the verdict from all else.
func (r *Report) decide() {
	a := analysis{primary: r.Primary, further: r.Further, exact: r.Exact}
	equal := !slices.ContainsFunc(r.Primary, func(e Endpoint) bool { return e.Decision != Equal })
	switch {
	case len(r.Controls) == 0 || slices.ContainsFunc(r.Controls, func(c Control) bool { return !c.Caught }):
		r.Verdict = Void
	case len(a.leaks()) > 0:
		r.Verdict = Leak
	case !r.Quick && equal && len(r.Primary) > 1 && min(r.Calls, r.Idle) >= r.Fewest:
		r.Verdict = Pass
	default:
		r.Verdict = Inconclusive
	}
}
