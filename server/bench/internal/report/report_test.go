package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"undertone/server/bench/internal/crowd"
	"undertone/server/bench/internal/meter"
)

// example is a report of a run that never was.
func example() *Report {
	var h meter.Histogram
	for i := range 1000 {
		h.Add(time.Duration(i*i) * time.Microsecond)
	}
	subject := func(name string, k float64) Subject {
		return Subject{
			Name: name, Seconds: 10, Users: 99.5,
			CPU:    CPU{Server: 0.4 * k, Crowd: 0.5, PerUser: 4000 * k, PerSlot: 400 * k, Stolen: 0.25, StolenMost: 1.5},
			Memory: Memory{Empty: 20 << 20, Begin: 50 << 20, End: 51 << 20, Most: 52 << 20, PerUser: 300 << 10 * k},
			Wire:   Wire{Up: Rate{22, 16}, Down: Rate{23, 16}}, Goroutines: 1700, Threads: 9,
			Counts: crowd.Counts{Online: 100, Received: 10_000, Lost: 3},
			Tail:   h.Tail(),
			Series: []Sample{{Second: 1, Online: 100, ServerCPU: 0.4, StolenCPU: 1.5, Resident: 50 << 20}, {Second: 2, Online: 99, ServerCPU: 0.5, Resident: 51 << 20}},
		}
	}
	first, second := subject("undertone", 1), subject("pion <bare>", 0.8)
	first.Late, first.Beats = h.Summary(), &meter.Span{First: 11.5, Last: 33.25}
	first.Served = &Served{Slots: 100, Registered: 100, Expected: 100}
	second.Trip = h.Summary()
	return &Report{
		Facts:    Facts{Began: time.Unix(0, 0).UTC(), Mode: "tmix", Interval: "100ms", Users: 100, Seconds: 10, Processors: 2},
		Subjects: []Subject{first, second},
	}
}

func write(t *testing.T, f func(w io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The table has a column for each subject, and the ratio of what can be compared.
func TestText(t *testing.T) {
	text := write(t, example().Text)
	for _, want := range []string{
		`100 users, tmix at 100ms, 10s of each on 2 processors`,
		`undertone +pion <bare> +undertone : pion <bare>`,
		`(?m)^ *users online, mean +99\.5 +99\.5 *$`,
		`(?m)^ *server, µs for a user and slot +400\.0 +320\.0 +1\.25 *$`,
		`(?m)^ *sent late by, p50, ms +2[45]\d\.\d+ *$`,
		`(?m)^ *taken by this machine's host, processors +0\.250 +0\.250 *$`,
		`(?m)^ *the same in the worst second, processors +1\.500 +1\.500 *$`,
		`(?m)^ *slots mixed +100 *$`,
		`(?m)^ *a slot is sent within, ms +21\.750 *$`,
		`(?m)^ *messages not timed +9000 +9000 *$`,
		`(?m)^ *messages lost +3 +3 *$`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "away for") {
		t.Errorf("what nobody has is listed:\n%s", text)
	}
}

// Each line of CSV has all columns, and the figures of a row are under its key.
func TestCSV(t *testing.T) {
	r := example()
	lines, err := csv.NewReader(strings.NewReader(write(t, r.Summary))).ReadAll()
	if err != nil || len(lines) != 3 {
		t.Fatalf("%v, %v", lines, err)
	}
	at := slices.Index(lines[0], "cpu_per_slot_us")
	if at < 0 || lines[1][at] != "400.0" || lines[2][at] != "320.0" || lines[2][0] != "pion <bare>" {
		t.Errorf("%v", lines)
	}
	if len(slices.Compact(slices.Sorted(slices.Values(lines[0])))) != len(lines[0]) {
		t.Errorf("a key is there twice: %v", lines[0])
	}
	lines, err = csv.NewReader(strings.NewReader(write(t, r.Seconds))).ReadAll()
	if err != nil || len(lines) != 5 || lines[2][1] != "2.000" || lines[2][2] != "99" || lines[0][5] != "stolen_cpu" || lines[1][5] != "1.500" {
		t.Errorf("%v, %v", lines, err)
	}
}

func TestJSON(t *testing.T) {
	r := example()
	var back Report
	if err := json.Unmarshal([]byte(write(t, r.JSON)), &back); err != nil || !reflect.DeepEqual(&back, r) {
		t.Errorf("%+v, %v", back, err)
	}
}

// The page is well-formed, has the pictures, and takes names for what they are.
func TestHTML(t *testing.T) {
	html := write(t, example().HTML)
	d := xml.NewDecoder(strings.NewReader(strings.Replace(html, "<!DOCTYPE html>", "", 1)))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	found := map[string]int{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			found[e.Name.Local]++
		}
	}
	if found["svg"] != 3+1+4 || found["polyline"] != 2+4 || found["rect"] != 3*2 || found["script"] != 0 {
		t.Errorf("the page has %v", found)
	}
	for _, want := range []string{"pion &lt;bare&gt;", "users online, mean", "320.0"} {
		if !strings.Contains(html, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if regexp.MustCompile(`NaN|Inf|ZgotmplZ`).MatchString(html) {
		t.Error("there is a number in the page that is none")
	}
}

// A report of nothing at all can be shown.
func TestNothing(t *testing.T) {
	for _, f := range []func(*Report) func(io.Writer) error{
		func(r *Report) func(io.Writer) error { return r.Text },
		func(r *Report) func(io.Writer) error { return r.HTML },
		func(r *Report) func(io.Writer) error { return r.Summary },
	} {
		_ = write(t, f(&Report{}))
		if text := write(t, f(&Report{Subjects: []Subject{{Name: "a"}, {Name: "b"}}})); regexp.MustCompile(`NaN|Inf`).MatchString(text) {
			t.Errorf("a number that is none:\n%s", text)
		}
	}
}

func TestAxis(t *testing.T) {
	a := axis{low: 0, high: 43, from: 0, to: 100}
	var texts []string
	for _, k := range a.ticks() {
		texts = append(texts, k.Text)
	}
	if got := strings.Join(texts, " "); got != "0 10 20 30 40" {
		t.Errorf("0 to 43 is labelled %s", got)
	}
	a = axis{low: 0.01, high: 100, from: 0, to: 100, log: true}
	if a.at(0.01) != 0 || a.at(1) != 50 || a.at(1e6) != 100 || a.at(0) != 0 || len(a.ticks()) != 5 {
		t.Errorf("on a logarithmic axis 1 is at %v, and there are %v", a.at(1), a.ticks())
	}
}
