package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"undertone/app/internal/prove/judge"
	"undertone/app/internal/prove/stats"
)

const (
	columns  = 78
	nameWide = 34
	// The scale of AUCs on a terminal.
	scaleLow, scaleHigh, scaleWide = 0.40, 0.60, 21
	// mostLooks are shown of those that found nothing.
	mostLooks = 5
)

// Text writes the report for a terminal.
func Text(w io.Writer, d Document) error {
	t := &text{}
	r := d.Judged
	t.linef("%s: %s", strings.ToUpper(string(r.Verdict)), headline(r))
	for _, f := range d.Facts {
		t.linef("  %s: %s", f.Name, f.Value)
	}
	t.linef("")
	for _, s := range r.Sentences {
		t.wrapped("- " + s)
	}
	t.primary(r)
	t.exact(r)
	t.further(r)
	t.controls(r)
	t.segments(r)
	_, err := io.WriteString(w, t.String())
	return err
}

type text struct{ strings.Builder }

func (t *text) linef(format string, args ...any) {
	t.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// wrapped writes a sentence in as many lines as it takes, all but the first indented.
func (t *text) wrapped(sentence string) {
	line := ""
	for word := range strings.FieldsSeq(sentence) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns:
			t.linef("%s", line)
			line = "  " + word
		default:
			line += " " + word
		}
	}
	t.linef("%s", line)
}

func (t *text) primary(r judge.Report) {
	t.linef("")
	t.linef("All calls against idle: the AUC, and where it lies with %.0f %% confidence.", 100*r.Confidence)
	t.linef("Guessing is 0.5. Equal is what lies between the bars, at %.2f and %.2f.", r.Bounds.Low, r.Bounds.High)
	for _, e := range r.Primary {
		t.linef("  %s %.3f  %.3f to %.3f  %s %s", padded(e.Name, nameWide-8), e.AUC, e.Interval.Low, e.Interval.High, scale(e, r.Bounds), e.Decision)
	}
}

// scale draws an interval in letters: - where it is, o at the AUC, | at the bounds,
// and < or > if it goes on beyond the scale.
func scale(e judge.Endpoint, bounds stats.Interval) string {
	at := func(auc float64) int {
		return int((auc-scaleLow)/(scaleHigh-scaleLow)*(scaleWide-1) + 0.5)
	}
	inside := func(k int) int { return max(0, min(scaleWide-1, k)) }
	line := []rune(strings.Repeat(" ", scaleWide))
	for k := inside(at(e.Interval.Low)); k <= inside(at(e.Interval.High)); k++ {
		line[k] = '-'
	}
	line[at(bounds.Low)], line[at(bounds.High)] = '|', '|'
	line[inside(at(e.AUC))] = 'o'
	if e.Interval.Low < scaleLow {
		line[0] = '<'
	}
	if e.Interval.High > scaleHigh {
		line[scaleWide-1] = '>'
	}
	return string(line)
}

func (t *text) exact(r judge.Report) {
	t.linef("")
	if len(r.Exact) == 0 {
		t.linef("What must be equal in every segment is.")
		return
	}
	t.linef("What must be equal in every segment, and is not:")
	for _, v := range r.Exact {
		t.linef("  %s %s of calls, %s idle; not %s, but such as %s (%s)",
			padded(v.Name, nameWide), judge.Number(v.Calls), judge.Number(v.Idle), v.Expected, v.Example.Value, v.Example.Label)
	}
}

// looks returns the further looks: what was found first, then by how rare it is.
func looks(r judge.Report) []judge.Look {
	all := slices.Clone(r.Further)
	slices.SortStableFunc(all, func(a, b judge.Look) int { return cmp.Compare(a.P, b.P) })
	return all
}

func (t *text) further(r judge.Report) {
	all, found := looks(r), 0
	for found < len(all) && all[found].Found {
		found++
	}
	t.linef("")
	t.linef("Of %s further looks, %s found something. The most conspicuous:", judge.Number(len(all)), judge.Number(found))
	for _, l := range all[:min(len(all), max(found, mostLooks))] {
		note := ""
		if l.Found {
			note = "  found"
		}
		t.linef("  %s %s AUC %.3f  chance %s%s", padded(l.Where(), 16), padded(l.Name, nameWide-8), l.AUC, judge.Rarity(l.P), note)
	}
}

func (t *text) controls(r judge.Report) {
	t.linef("")
	t.linef("Leaks that were built in:")
	for _, c := range r.Controls {
		t.linef("  %s %s", padded(c.Name, nameWide), fate(c))
	}
	if len(r.Controls) == 0 {
		t.linef("  none")
	}
}

// fate says what became of a control.
func fate(c judge.Control) string {
	const most = 2
	switch {
	case c.Segments == 0:
		return "not recorded"
	case !c.Caught:
		return fmt.Sprintf("NOT CAUGHT in %s segments", judge.Number(c.Segments))
	case len(c.By) > most:
		return fmt.Sprintf("caught by %s, and %d more", strings.Join(c.By[:most], ", "), len(c.By)-most)
	}
	return "caught by " + strings.Join(c.By, ", ")
}

func (t *text) segments(r judge.Report) {
	t.linef("")
	counts := make([]string, len(r.Labels))
	for i, l := range r.Labels {
		counts[i] = fmt.Sprintf("%s %s", judge.Number(l.Segments), l.Label)
	}
	t.wrapped("Segments: " + strings.Join(counts, ", "))
}

// padded makes a name as wide as its column. A longer one stays whole.
func padded(name string, wide int) string {
	return name + strings.Repeat(" ", max(0, wide-utf8.RuneCountInString(name)))
}
