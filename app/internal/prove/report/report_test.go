package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"undertone/app/internal/prove/judge"
	"undertone/app/internal/prove/stats"
)

var save = flag.String("pages", "", "a folder to write pages of made-up data to, to be looked at")

// madeUp is a document of a run that never was.
func madeUp(verdict judge.Verdict) Document {
	r := rand.New(rand.NewPCG(1, 1))
	d := Document{
		Facts: []Fact{{"Line", "loopback"}, {"Mode and interval", "tMIX, 40 ms"}, {"Time", "92 minutes"}},
		Judged: judge.Report{
			Verdict: verdict, Sentences: []string{"No call shows. This is a sentence that is long enough for it to be broken into two lines on a terminal.", "Caught: “one extra byte”."},
			Calls: 1304, Idle: 1296, Needed: 1224, Fewest: 722, Bounds: judge.Bounds, Confidence: judge.Confidence, Chance: judge.Chance, Block: 14,
			Controls: []judge.Control{
				{Name: "one extra byte", Segments: 40, Caught: true, By: []string{"size of data, up"}},
				{Name: "1.5 ms of inline work", Segments: 40, Caught: true, By: []string{"lateness up, median", "lateness up, 95 %", "all features together"}},
			},
		},
	}
	j := &d.Judged
	names := []string{"lateness up, median", "lateness up, spread", "lateness up, 95 %", "inter-arrival up, entropy", "lateness down, median", judge.Classifier}
	for _, name := range names {
		auc := 0.5 + 0.011*r.NormFloat64()
		j.Primary = append(j.Primary, judge.Endpoint{Name: name, AUC: auc, Interval: stats.Interval{Low: auc - 0.0186, High: auc + 0.0186}, P: 1, Decision: judge.Equal})
	}
	if verdict == judge.Leak {
		j.Primary[0] = judge.Endpoint{Name: names[0], AUC: 0.87, Interval: stats.Interval{Low: 0.86, High: 0.88}, Decision: judge.Differs}
		j.Primary[3] = judge.Endpoint{Name: names[3], AUC: 0.54, Interval: stats.Interval{Low: 0.52, High: 0.56}, P: 0.004, Decision: judge.Open}
		j.Exact = []judge.Violation{{Name: "size of data, up", Expected: "1157", Calls: 1, Example: judge.Example{Segment: 77, Label: "talk", Value: "1158"}}}
		j.Controls[0].Caught, j.Controls[0].By = false, nil
	}
	labels := []string{"idle", "talk", "silence", "ringing out", "ringing in", "decline", "no answer"}
	for k, label := range labels {
		j.Labels = append(j.Labels, judge.Count{Label: label, Call: k > 0, Segments: 1300 / (1 + 5*min(k, 1))})
		lateness := Distribution{Label: label, Call: k > 0}
		for range 2000 {
			lateness.Values = append(lateness.Values, 0.08+0.05*math.Exp(0.7*r.NormFloat64())+boolean(verdict == judge.Leak && k == 1)*0.1)
		}
		d.Pictures.Lateness = append(d.Pictures.Lateness, lateness)
		for f := range 6 {
			auc := 0.5 + 0.02*r.NormFloat64()
			j.Further = append(j.Further, judge.Look{Label: []string{"", label}[min(k, 1)], Name: fmt.Sprintf("control datagrams, %d", f), AUC: auc,
				Interval: stats.Interval{Low: auc - 0.04, High: auc + 0.04}, P: min(1, math.Exp(3-8*r.Float64()))})
		}
	}
	if verdict == judge.Leak {
		j.Further[5] = judge.Look{Label: "decline", Name: "control datagrams, rate", AUC: 0.72, Interval: stats.Interval{Low: 0.68, High: 0.76}, P: 1e-9, Found: true}
	}
	d.Pictures.Wire = wireOf(r)
	return d
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func wireOf(r *rand.Rand) Wire {
	w := Wire{Seconds: 20, Spans: []Span{{0, 6, "idle", false}, {6, 8, "ringing out", true}, {8, 16, "talk", true}, {16, 20, "idle", false}}}
	for k := range 400 {
		at, loud := float64(k)/20, 0.0
		if at > 8 && at < 16 && math.Sin(2*at) > -0.3 {
			loud = 0.2 + 0.8*r.Float64()
		}
		w.Loudness = append(w.Loudness, loud)
	}
	for k := range 500 {
		at := float64(k) * 0.04
		w.Packets = append(w.Packets, Packet{at + 0.001*r.Float64(), 285, true}, Packet{at + 0.02 + 0.002*r.Float64(), 285, false})
		if k%25 == 0 {
			w.Packets = append(w.Packets, Packet{at + 0.01, 80, true})
		}
	}
	return w
}

func written(t *testing.T, write func(io.Writer, Document) error, d Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	got := written(t, Text, madeUp(judge.Leak))
	t.Log("\n" + got)
	for _, want := range []string{
		"LEAK: Calls show\n  Line: loopback\n",
		"- No call shows. This is a sentence that is long enough for it to be broken\n  into two lines on a terminal.\n",
		"  lateness up, median        0.870  0.860 to 0.880       |         |    > differs\n",
		"  inter-arrival up, entropy  0.540  0.520 to 0.560       |      --o|-     open\n",
		"such as 1158 (talk)\n",
		"  decline          control datagrams, rate    AUC 0.720  chance less than 0.0001  found\n",
		"NOT CAUGHT in 40 segments\n",
		"caught by lateness up, median, lateness up, 95 %, and 1 more\n",
		"Segments: 1,300 idle, 216 talk",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	for line := range strings.Lines(got) {
		if utf8.RuneCountInString(line) > 100 {
			t.Errorf("too wide: %q", line)
		}
	}
}

func TestHeadlines(t *testing.T) {
	for verdict, want := range map[judge.Verdict]string{judge.Pass: "PASS: No call shows", judge.Void: "VOID: This run says nothing", judge.Inconclusive: "INCONCLUSIVE: Nothing gross was found"} {
		d := madeUp(verdict)
		d.Judged.Quick = true
		if got := written(t, Text, d); !strings.HasPrefix(got, want) {
			t.Errorf("%.60q", got)
		}
	}
}

func TestJSON(t *testing.T) {
	var back Document
	if err := json.Unmarshal([]byte(written(t, JSON, madeUp(judge.Pass))), &back); err != nil || back.Judged.Verdict != judge.Pass || len(back.Judged.Primary) != 6 || len(back.Facts) != 3 {
		t.Error(err, back)
	}
}

// The page loads nothing, runs nothing, and believes no name that it prints.
func TestPageIsOnItsOwn(t *testing.T) {
	d := madeUp(judge.Leak)
	const name = `<script>"x'</script>`
	d.Facts[0].Value, d.Judged.Primary[0].Name, d.Judged.Labels[0].Label, d.Pictures.Lateness[0].Label = name, name, name, name
	d.Pictures.Wire.Spans[0].Label, d.Judged.Sentences[0] = name, name
	got := written(t, HTML, d)
	for _, never := range []string{"<script", "http:", "https:", "url(", "@import", "src=", "NaN", "Inf", "ZgotmplZ", "%!"} {
		if strings.Contains(got, never) {
			t.Errorf("it has %q", never)
		}
	}
	if n := strings.Count(got, "&lt;script&gt;"); n < 6 {
		t.Error("names were lost:", n)
	}
}

func TestPictures(t *testing.T) {
	got := written(t, HTML, madeUp(judge.Leak))
	for _, want := range []string{`class="row differs"`, `class="row open"`, `class="row found"`, `class="ridge call"`, `class="span idle"`, `class="packets"`, "Calls show", "1158 in segment 77"} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if n := strings.Count(got, "<svg"); n != 3 {
		t.Error("pictures:", n)
	}
	if *save != "" {
		for _, v := range []judge.Verdict{judge.Leak, judge.Pass} {
			if err := os.WriteFile(filepath.Join(*save, string(v)+".html"), []byte(written(t, HTML, madeUp(v))), 0o600); err != nil {
				t.Error(err)
			}
		}
	}
}

// SVG is XML, and a browser draws what is whole only.
func TestPicturesAreWhole(t *testing.T) {
	got := written(t, HTML, madeUp(judge.Pass))
	for at := strings.Index(got, "<svg"); at >= 0; at = strings.Index(got, "<svg") {
		end := strings.Index(got, "</svg>") + len("</svg>")
		picture := xml.NewDecoder(strings.NewReader(got[at:end]))
		for {
			if _, err := picture.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		got = got[end:]
	}
}

// What was not measured is left out, and what is odd does not break the page.
func TestLittleToDraw(t *testing.T) {
	if got := written(t, HTML, Document{Judged: judge.Report{Verdict: judge.Void}}); strings.Contains(got, "<svg") || !strings.Contains(got, "None was recorded") {
		t.Error(got)
	}
	written(t, Text, Document{})
	d := madeUp(judge.Pass)
	d.Pictures.Lateness = []Distribution{{"idle", false, []float64{1, 1, math.NaN()}}, {"talk", true, nil}, {"silence", true, []float64{math.Inf(1)}}}
	d.Pictures.Wire = Wire{Seconds: 1, Packets: []Packet{{At: 5}}, Loudness: []float64{math.NaN(), 7, -1}, Spans: []Span{{3, 2, "odd", true}}}
	d.Judged.Primary[0].Interval = stats.Interval{Low: 0, High: 1}
	got := written(t, HTML, d)
	if strings.Count(got, "<svg") != 3 || strings.Contains(got, "NaN") || strings.Contains(got, "silence</text>") {
		t.Error("odd data broke a picture")
	}
}

func TestTicksAreRound(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0, 20, "0 s 5 s 10 s 15 s 20 s"},
		{0.08, 0.53, "0.1 s 0.2 s 0.3 s 0.4 s 0.5 s"},
		{-1.2, 3, "-1 s 0 s 1 s 2 s 3 s"},
		{0, 60, "0 s 10 s 20 s 30 s 40 s 50 s 60 s"},
	} {
		var got []string
		for _, tick := range ticks(axis{c.low, c.high, 0, 100}, "s") {
			got = append(got, tick.Text)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v to %v: %v", c.low, c.high, got)
		}
	}
}
