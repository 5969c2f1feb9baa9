package judge

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"undertone/app/internal/prove/plan"
)

var runs = flag.Int("runs", 0, "how many runs to simulate where the decision is tested; the more the longer")

// A world makes tables: what a run on some line would have recorded.
type world struct {
	calls, idle int
	labels      []string
	// change may make something of a call's row, by its label.
	change func(r *rand.Rand, label string, row []float64)
	// controls are how many segments of each control there are.
	controls int
}

// features are two exact ones, four primary ones and four others. Of these one is
// a count that is nearly always zero.
func features() []Feature {
	all := []Feature{{Name: "bytes", Exact: true}, {Name: "cells", Exact: true}}
	for k := range 4 {
		all = append(all, Feature{Name: fmt.Sprint("primary ", k), Primary: true})
	}
	for k := range 4 {
		all = append(all, Feature{Name: fmt.Sprint("further ", k)})
	}
	return all
}

func row(r *rand.Rand) []float64 {
	values := []float64{1156, 50}
	for range 8 {
		values = append(values, r.NormFloat64())
	}
	values[len(values)-1] = max(0, math.Floor(values[len(values)-1]-1.5))
	return values
}

func (w world) table(seed uint64) Table {
	r := rand.New(rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 1}))
	t := Table{Features: features()}
	add := func(s Segment) {
		if s.Values = row(r); s.Call && s.Control == "" && w.change != nil {
			w.change(r, s.Label, s.Values)
		}
		t.Segments = append(t.Segments, s)
	}
	labels := w.labels
	if labels == nil {
		labels = []string{"talk", "ringing out", "decline"}
	}
	for k := range w.calls {
		add(Segment{Label: labels[k%len(labels)], Call: true})
	}
	for range w.idle {
		add(Segment{Label: "idle"})
	}
	for k := range 2 * w.controls {
		s := Segment{Label: "talk", Call: true, Control: []string{"extra byte", "inline work"}[k%2]}
		if w.calls >= 800 && k%2 == 0 {
			continue // One is enough where time counts.
		}
		add(s)
		if k%2 == 0 {
			t.Segments[len(t.Segments)-1].Values[0]++
		} else {
			t.Segments[len(t.Segments)-1].Values[3] += 4
		}
	}
	r.Shuffle(len(t.Segments), func(i, j int) { t.Segments[i], t.Segments[j] = t.Segments[j], t.Segments[i] })
	return t
}

func (w world) judge(t *testing.T, seed uint64, o Options) Report {
	t.Helper()
	if o.Replicates == 0 {
		o.Replicates = 200
	}
	o.Seed = seed
	return judged(t, w.table(seed), o)
}

func judged(t *testing.T, table Table, o Options) Report {
	t.Helper()
	r, err := Judge(table, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Sentences) < 3 {
		t.Error("a verdict without reasons:", r.Sentences)
	}
	return r
}

func (r Report) text() string { return strings.Join(r.Sentences, "\n") }

// many is how often a decision is simulated, unless the flag says otherwise.
func many(otherwise int) int {
	if *runs > 0 {
		return *runs
	}
	return otherwise
}

// whole is a run of the length that is said to be needed. A leak shows earlier.
var (
	whole = world{calls: 1300, idle: 1300, controls: 30}
	short = world{calls: 800, idle: 800, controls: 10}
)

func TestHonestLinePasses(t *testing.T) {
	verdicts, n := map[Verdict]int{}, many(1)
	for seed := range uint64(n) {
		r := whole.judge(t, seed, Options{})
		verdicts[r.Verdict]++
	}
	t.Log(verdicts)
	if 10*verdicts[Pass] < 9*n {
		t.Error("an honest line passes less often than it should")
	}
}

// An AUC of 0.6 in one primary feature of all calls.
func TestLeakIsFound(t *testing.T) {
	shift := math.Sqrt2 * distuv.UnitNormal.Quantile(0.6)
	w := short
	w.change = func(_ *rand.Rand, _ string, row []float64) { row[4] += shift }
	verdicts, n := map[Verdict]int{}, many(1)
	for seed := range uint64(n) {
		r := w.judge(t, seed, Options{})
		verdicts[r.Verdict]++
		if r.Verdict == Leak && !strings.Contains(r.text(), "primary 2") {
			t.Error(r.text())
		}
	}
	t.Log(verdicts)
	if 10*verdicts[Leak] < 9*n || verdicts[Pass] > 0 {
		t.Error("a leak is found less often than it should")
	}
}

// A leak of exactly the bound must not pass more often than in one of twenty runs.
func TestLeakOfTheBoundDoesNotPass(t *testing.T) {
	shift := math.Sqrt2 * distuv.UnitNormal.Quantile(Bounds.High)
	w := short
	w.change = func(_ *rand.Rand, _ string, row []float64) { row[4] += shift }
	verdicts, n := map[Verdict]int{}, many(1)
	for seed := range uint64(n) {
		verdicts[w.judge(t, seed, Options{}).Verdict]++
	}
	t.Log(verdicts)
	if 15*verdicts[Pass] > n {
		t.Error("it passes too often")
	}
}

// Where nothing is, hardly anything is found, however short the run.
func TestShortHonestRuns(t *testing.T) {
	verdicts, n := map[Verdict]int{}, many(10)
	for seed := range uint64(n) {
		verdicts[world{calls: 45, idle: 45, controls: 15}.judge(t, seed, Options{Quick: seed%2 == 0}).Verdict]++
	}
	t.Log(verdicts)
	if verdicts[Pass] > 0 || verdicts[Void] > 0 || 20*verdicts[Leak] > n {
		t.Error("wrong verdicts")
	}
}

// moodyTable is what the plan of a run records on a machine whose moods last for
// fifty segments, and are half of all that varies. DTX leaks nothing in it.
func moodyTable(seed uint64, size plan.Size) Table {
	r := rand.New(rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 2}))
	t := Table{Features: features()}
	const memory = 0.98
	moods := make([]float64, 7)
	for f := range moods {
		moods[f] = r.NormFloat64()
	}
	for _, step := range plan.New(size, seed) {
		if step.Label == "" {
			continue
		}
		values := row(r)
		for f := range moods {
			moods[f] = memory*moods[f] + math.Sqrt(1-memory*memory)*r.NormFloat64()
			values[2+f] = math.Sqrt(0.5) * (moods[f] + values[2+f])
		}
		if step.Control != "" && step.Control != plan.DTX {
			values[3] += 4
		}
		t.Segments = append(t.Segments, Segment{Label: step.Label, Call: step.Call(), Control: step.Control, Values: values})
	}
	return t
}

// The machine's moods are not taken for leaks, though calls last.
func TestMoodyMachine(t *testing.T) {
	verdicts, n := map[Verdict]int{}, many(10)
	for seed := range uint64(n) {
		r := judged(t, moodyTable(seed, plan.Quick), Options{Replicates: 200, Seed: seed})
		for _, c := range r.Controls {
			if !c.Caught && c.Name != plan.DTX {
				t.Errorf("not caught in run %d: %s", seed, c.Name)
			}
		}
		// DTX is what it is here; what of the rest?
		r.Controls = []Control{{Caught: true}}
		r.decide()
		verdicts[r.Verdict]++
	}
	t.Log(verdicts)
	if 20*verdicts[Leak] > n {
		t.Error("moods are taken for leaks")
	}
}

// What shows in one label only, in one feature only, or in both together only.
func TestLeaksOfAllKinds(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(r *rand.Rand, label string, row []float64)
	}{
		{"one label", "“primary 1” differs in “decline”", func(_ *rand.Rand, label string, row []float64) {
			if label == "decline" {
				row[3] += 2
			}
		}},
		{"a further feature", "“further 1” differs in all calls", func(_ *rand.Rand, _ string, row []float64) { row[7] += 2 }},
		{"what is rare", "“further 3” differs", func(r *rand.Rand, _ string, row []float64) {
			if r.IntN(4) == 0 {
				row[9]++
			}
		}},
		{"another variance", "“all features together” differs", func(_ *rand.Rand, _ string, row []float64) { row[2] *= 4 }},
		{"a byte in one segment", "“bytes” must be 1156 in every segment", func(r *rand.Rand, _ string, row []float64) {
			if r.IntN(100) == 0 {
				row[0]++
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := world{calls: 150, idle: 150, controls: 15, change: c.change}.judge(t, 2, Options{Quick: true})
			if r.Verdict != Leak || !strings.Contains(r.text(), c.want) {
				t.Errorf("%s:\n%s", r.Verdict, r.text())
			}
		})
	}
}

func TestControlsHaveToBeCaught(t *testing.T) {
	w := world{calls: 60, idle: 60, controls: 15}
	t.Run("caught", func(t *testing.T) {
		r := w.judge(t, 1, Options{Controls: []string{"inline work", "extra byte"}})
		if r.Verdict == Void || len(r.Controls) != 2 || !slices.Contains(r.Controls[0].By, "primary 1") || !slices.Contains(r.Controls[1].By, "bytes") {
			t.Errorf("%s: %+v", r.Verdict, r.Controls)
		}
	})
	t.Run("not recorded", func(t *testing.T) {
		r := w.judge(t, 1, Options{Controls: []string{"skipped tick"}})
		if r.Verdict != Void || !strings.Contains(r.text(), "“skipped tick” was not recorded") {
			t.Error(r.text())
		}
	})
	t.Run("none", func(t *testing.T) {
		r := world{calls: 60, idle: 60}.judge(t, 1, Options{})
		if r.Verdict != Void || !strings.Contains(r.text(), "No control") {
			t.Error(r.text())
		}
	})
	t.Run("blind", func(t *testing.T) {
		table := w.table(1)
		for _, s := range table.Segments {
			if s.Control == "inline work" {
				s.Values[3] -= 4
			}
		}
		r := judged(t, table, Options{Replicates: 200})
		if r.Verdict != Void || !strings.Contains(r.text(), "“inline work” was not caught in 15 segments") {
			t.Error(r.text())
		}
	})
	t.Run("by chance", func(t *testing.T) {
		table := w.table(1)
		skipped := false
		for _, s := range table.Segments {
			if s.Control == "inline work" {
				if s.Values[3] -= 4; !skipped {
					s.Values[1]--
					skipped = true
				}
			}
		}
		if r := judged(t, table, Options{Replicates: 200}); r.Verdict != Void {
			t.Errorf("%s: %+v", r.Verdict, r.Controls)
		}
	})
}

// Features that never vary are equal beyond doubt in any number of segments. That
// must not make a pass of a run that is short.
func TestShortRunNeverPasses(t *testing.T) {
	table := world{calls: 300, idle: 300, controls: 30}.table(1)
	for _, s := range table.Segments {
		if s.Control == "" {
			for f := range s.Values[2:] {
				s.Values[2+f] = 1
			}
		}
	}
	r := judged(t, table, Options{Replicates: 200})
	for _, e := range r.Primary {
		if e.Decision != Equal {
			t.Error(e)
		}
	}
	if r.Verdict != Inconclusive || !strings.Contains(r.text(), "Too short to say") {
		t.Error(r.text())
	}
}

func TestQuickNeverPasses(t *testing.T) {
	r := Report{Quick: true, Calls: 5000, Idle: 5000, Controls: []Control{{Caught: true}}}
	r.Primary = []Endpoint{{Decision: Equal}, {Decision: Equal}}
	if r.decide(); r.Verdict != Inconclusive {
		t.Error(r.Verdict)
	}
	if r.explain(); !strings.Contains(r.text(), "Nothing gross was found") {
		t.Error(r.text())
	}
	r.Quick = false
	if r.decide(); r.Verdict != Pass {
		t.Error("the control of this test:", r.Verdict)
	}
}

// Without the classifier, or with it alone, nothing was shown.
func TestOddTables(t *testing.T) {
	for name, table := range map[string]Table{
		"nothing":     {},
		"no features": {Segments: []Segment{{Label: "talk", Call: true}, {Label: "idle"}}},
		"no idle":     world{calls: 40, controls: 20}.table(1),
		"no calls":    world{idle: 40, controls: 20}.table(1),
		"one of each": world{calls: 1, idle: 1, controls: 1}.table(1),
	} {
		t.Run(name, func(t *testing.T) {
			if r := judged(t, table, Options{Replicates: 50}); r.Verdict == Pass || r.Verdict == Leak {
				t.Error(r.text())
			}
		})
	}
	if _, err := Judge(Table{Features: features(), Segments: []Segment{{}}}, Options{}); err == nil {
		t.Error("a segment without its values")
	}
}

func TestReportIsJSON(t *testing.T) {
	table := world{calls: 50, idle: 50, controls: 10}.table(1)
	table.Segments[3].Values[0], table.Segments[4].Values[5] = math.NaN(), math.Inf(1)
	r := judged(t, table, Options{Replicates: 50})
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(b, &back); err != nil || back.Verdict != r.Verdict || len(back.Primary) != 5 {
		t.Errorf("%v: %s", err, b)
	}
	for _, want := range []string{`"auc":`, `"interval":{"low":`, `"caught":true`, `"value":"not measured"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
}

func TestSameTableSameReport(t *testing.T) {
	w := world{calls: 50, idle: 50, controls: 10}
	a, _ := json.Marshal(w.judge(t, 1, Options{}))
	b, _ := json.Marshal(w.judge(t, 1, Options{}))
	if string(a) != string(b) {
		t.Error("two reports of one table")
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := Number(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	if n := Needed(6); n < 1150 || n > 1350 {
		t.Error("needed with six primary features:", n)
	}
}

// A whole run: 2,600 segments, 60 features, eight labels and four controls.
func BenchmarkJudge(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	var table Table
	for f := range 60 {
		table.Features = append(table.Features, Feature{Name: fmt.Sprint(f), Primary: f < 8})
	}
	for i := range 2600 + 4*60 {
		s := Segment{Label: "idle", Values: make([]float64, 60)}
		for f := range s.Values {
			s.Values[f] = r.NormFloat64()
		}
		if i%2 == 0 {
			s.Label, s.Call = fmt.Sprint("label ", r.IntN(8)), true
		}
		if i >= 2600 {
			s.Call, s.Control = true, fmt.Sprint("control ", i%4)
		}
		table.Segments = append(table.Segments, s)
	}
	for b.Loop() {
		if _, err := Judge(table, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
