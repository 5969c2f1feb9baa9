package judge

import (
	"fmt"
	"strings"
)

// explain writes the verdict down for a person, the main thing first.
func (r *Report) explain() {
	switch r.Verdict {
	case Pass:
		r.sayf("No call shows. Whoever sees a segment of a call and an idle one, and has to tell which is which, is right by chance in 50 of 100 cases. "+
			"With any of these features, or with all together, it was shown to be less than %.0f.", 100*r.Bounds.High)
	case Leak:
		r.sayf("Calls show: this line can be told to be in a call.")
	case Void:
		r.sayf("This run says nothing: a leak that was built in to see whether it would be found was not.")
	case Inconclusive:
		r.inconclusive()
	}
	r.explainControls()
	r.explainFindings()
	if r.Verdict == Pass || r.Verdict == Inconclusive {
		r.sayf("In %s further looks, at single labels and other features, nothing was found, nor did any exact feature differ.", Number(len(r.Further)))
	}
	r.sayf("It is based on %s segments of calls and %s idle ones.", Number(r.Calls), Number(r.Idle))
}

func (r *Report) sayf(format string, args ...any) {
	r.Sentences = append(r.Sentences, fmt.Sprintf(format, args...))
}

func (r *Report) inconclusive() {
	switch {
	case r.Quick:
		r.sayf("Nothing gross was found. A quick run cannot show more: that a line is safe takes about %s segments of calls, and as many idle ones.", Number(r.Needed))
	case min(r.Calls, r.Idle) < r.Needed:
		r.sayf("Too short to say: nothing was found, but that there is nothing takes about %s segments of calls, and as many idle ones.", Number(r.Needed))
	default:
		r.sayf("Neither a leak nor its absence was shown. A longer run may tell.")
	}
	for _, e := range r.Primary {
		if e.Decision == Open && !r.Quick {
			r.sayf("%s: %s, which is not all within %.2f to %.2f.%s", quoted(e.Name), e.figures(), r.Bounds.Low, r.Bounds.High, e.hint())
		}
	}
}

// hint tells an endpoint that has a difference for sure from one that is only unsure.
func (e Endpoint) hint() string {
	if e.P <= Chance {
		return " That there is a difference is hardly chance; how large it is, is open."
	}
	return ""
}

func (e Endpoint) figures() string {
	return fmt.Sprintf("AUC %.3f (%.3f to %.3f)", e.AUC, e.Interval.Low, e.Interval.High)
}

func (r *Report) explainControls() {
	var caught []string
	for _, c := range r.Controls {
		switch {
		case c.Caught:
			caught = append(caught, quoted(c.Name))
		case c.Segments == 0:
			r.sayf("The control %s was not recorded.", quoted(c.Name))
		default:
			r.sayf("The control %s was not caught in %s segments: a real leak like it would not have been either.", quoted(c.Name), Number(c.Segments))
		}
	}
	if len(r.Controls) == 0 {
		r.sayf("No control was recorded at all.")
	}
	if len(caught) > 0 {
		r.sayf("Caught, of the leaks that were built in: %s.", strings.Join(caught, ", "))
	}
}

// explainFindings lists what differs, if anything does.
func (r *Report) explainFindings() {
	for _, v := range r.Exact {
		r.sayf("%s must be %s in every segment, and was not in %s of calls and %s idle ones; such as %s in segment %d (%s).",
			quoted(v.Name), v.Expected, Number(v.Calls), Number(v.Idle), v.Example.Value, v.Example.Segment, v.Example.Label)
	}
	for _, e := range r.Primary {
		if e.Decision == Differs {
			r.sayf("%s differs: %s. By it, a call is told from idle in %.0f of 100 cases.", quoted(e.Name), e.figures(), 100*rightBy(e.AUC))
		}
	}
	for _, l := range r.Further {
		if l.Found {
			where := l.Where()
			if l.Label != "" {
				where = quoted(where)
			}
			r.sayf("%s differs in %s: AUC %.3f (%.3f to %.3f); such a difference without a leak has a chance of %s.",
				quoted(l.Name), where, l.AUC, l.Interval.Low, l.Interval.High, Rarity(l.P))
		}
	}
}

// rightBy is how often somebody is right who knows which way the feature goes.
func rightBy(auc float64) float64 { return max(auc, 1-auc) }

func quoted(name string) string { return "“" + name + "”" }

// Rarity writes a chance for a person.
func Rarity(p float64) string {
	switch {
	case p >= 0.01:
		return fmt.Sprintf("%.2f", p)
	case p >= 0.0001:
		return fmt.Sprintf("%.4f", p)
	}
	return "less than 0.0001"
}

// Number writes a count with a comma between thousands.
func Number(n int) string {
	if n >= 1000 {
		return fmt.Sprintf("%s,%03d", Number(n/1000), n%1000)
	}
	return fmt.Sprint(n)
}
