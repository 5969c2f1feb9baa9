package metrics

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"undertone/server/internal/mix"
	"undertone/transport/rtc"
	"undertone/transport/signal"
)

// fake is a server with facts of its own.
type fake struct {
	facts Facts
	ill   error
}

func (f *fake) Facts() Facts                  { return f.facts }
func (f *fake) Healthy(context.Context) error { return f.ill }

// sample has another number for everything.
func sample() Facts {
	return Facts{
		Version: "1.2", Mode: "tmix", Interval: "40ms", Places: 200,
		Mix: mix.Metrics{
			Online: 3, Slots: 11, Skipped: 12, Sent: 13, Unsent: 14, Missing: 15,
			Late: 16, TooSoon: 17, Odd: 18, Refused: 19, Faults: 20,
			PassLateness: mix.Histogram{Counts: [len(mix.Bounds) + 1]uint64{7, 3, 0, 0, 0, 0, 0, 0, 0, 1}, Sum: 1500 * time.Millisecond},
			SendLateness: mix.Histogram{Counts: [len(mix.Bounds) + 1]uint64{0, 0, 0, 0, 13}, Sum: 10 * time.Millisecond},
		},
		Refused:         map[signal.Code]uint64{"busy": 21, "full": 0},
		Throttled:       22,
		Guard:           signal.GuardCounts{Connections: 23, Throttled: 24, Cut: 25, Refused: 26},
		Links:           rtc.ListenerStats{Pending: 27, Unopened: 28, Datagrams: 29, Unclaimed: 30, Flooded: 31, Forged: 32, Streams: 33, Stalled: 34, Overwritten: 35, Late: 36},
		CertificateEnds: time.Unix(1_900_000_000, 0),
	}
}

func ask(t *testing.T, s Server, path string) (status int, body string) {
	t.Helper()
	rec := httptest.NewRecorder()
	Handler(s).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return rec.Code, rec.Body.String()
}

func TestMetrics(t *testing.T) {
	status, text := ask(t, &fake{facts: sample()}, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("%d: %s", status, text)
	}
	for _, line := range []string{
		`undertone_info{interval="40ms",mode="tmix",version="1.2"} 1`,
		"undertone_users_online 3", "undertone_places 200",
		"undertone_slots_total 11", "undertone_slots_skipped_total 12",
		"undertone_messages_sent_total 13", "undertone_messages_unsent_total 14",
		"undertone_cells_missing_total 15",
		`undertone_cells_useless_total{why="late"} 16`, `undertone_cells_useless_total{why="early"} 17`,
		`undertone_cells_useless_total{why="odd"} 18`, `undertone_cells_useless_total{why="unopened"} 19`,
		"undertone_faults_total 20",
		`undertone_requests_refused_total{kind="busy"} 21`, `undertone_requests_refused_total{kind="full"} 0`,
		"undertone_requests_throttled_total 22", "undertone_connections_total 23",
		`undertone_connections_cut_total{why="throttled"} 24`, `undertone_connections_cut_total{why="silent"} 25`,
		"undertone_links_opening 27", "undertone_links_unopened_total 28",
		`undertone_datagrams_dropped_total{why="unclaimed"} 30`, `undertone_datagrams_dropped_total{why="flooded"} 31`,
		`undertone_datagrams_dropped_total{why="forged"} 32`, `undertone_datagrams_dropped_total{why="stalled"} 34`,
		"undertone_streams_open 33",
		`undertone_messages_lost_total{why="overwritten"} 35`, `undertone_messages_lost_total{why="late"} 36`,
		"undertone_certificate_end_time_seconds 1.9e+09",
		`undertone_slot_lateness_seconds_bucket{le="5e-05"} 7`, `undertone_slot_lateness_seconds_bucket{le="0.0001"} 10`,
		`undertone_slot_lateness_seconds_bucket{le="0.025"} 10`, `undertone_slot_lateness_seconds_bucket{le="+Inf"} 11`,
		"undertone_slot_lateness_seconds_sum 1.5", "undertone_slot_lateness_seconds_count 11",
		`undertone_send_lateness_seconds_bucket{le="0.0005"} 0`, `undertone_send_lateness_seconds_bucket{le="0.001"} 13`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("%q is not in\n%s", line, text)
		}
	}
}

var typeLine = regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`)

// names returns the metrics that there are, by their kind.
func names(t *testing.T) map[string]string {
	t.Helper()
	_, text := ask(t, &fake{facts: sample()}, "/metrics")
	kinds := map[string]string{}
	for _, found := range typeLine.FindAllStringSubmatch(text, -1) {
		kinds[found[1]] = found[2]
	}
	return kinds
}

// There is nothing to read but what the package comment lists: a metric that
// comes from a library by itself would be in nobody's mind.
func TestNothingElseIsMeasured(t *testing.T) {
	want := map[string]string{
		"undertone_info": "gauge", "undertone_users_online": "gauge", "undertone_places": "gauge",
		"undertone_slots_total": "counter", "undertone_slots_skipped_total": "counter",
		"undertone_slot_lateness_seconds": "histogram", "undertone_send_lateness_seconds": "histogram",
		"undertone_messages_sent_total": "counter", "undertone_messages_unsent_total": "counter",
		"undertone_messages_lost_total": "counter",
		"undertone_cells_missing_total": "counter", "undertone_cells_useless_total": "counter",
		"undertone_connections_total": "counter", "undertone_connections_cut_total": "counter",
		"undertone_requests_refused_total": "counter", "undertone_requests_throttled_total": "counter",
		"undertone_links_opening": "gauge", "undertone_links_unopened_total": "counter", "undertone_streams_open": "gauge",
		"undertone_datagrams_dropped_total": "counter", "undertone_faults_total": "counter",
		"undertone_certificate_end_time_seconds": "gauge",
		"process_cpu_seconds_total":              "counter", "process_resident_memory_bytes": "gauge",
		"process_open_fds": "gauge", "process_start_time_seconds": "gauge",
	}
	got := names(t)
	for name, kind := range got {
		if want[name] != kind {
			t.Errorf("%s is measured, a %s", name, kind)
		}
	}
	for name := range want {
		if got[name] == "" {
			t.Errorf("%s is not measured", name)
		}
	}
}

// A board is what the test reads of a dashboard.
type board struct {
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
	Templating struct {
		List []struct {
			Name  string
			Query any
		}
	}
}

var named = regexp.MustCompile(`\b(?:undertone|process)_[a-z_]+`)

// Every metric that the dashboard names exists, a histogram by what Prometheus
// makes of it, and the dashboard draws everything there is.
func TestDashboard(t *testing.T) {
	var b board
	if err := json.Unmarshal(Dashboard(), &b); err != nil {
		t.Fatal(err)
	}
	exist := names(t)
	drawn := map[string]bool{}
	look := func(where, text string) {
		for _, name := range named.FindAllString(text, -1) {
			base := name
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				if cut, ok := strings.CutSuffix(name, suffix); ok && exist[cut] == "histogram" {
					base = cut
				}
			}
			if exist[base] == "" || base == name && exist[base] == "histogram" {
				t.Errorf("%s: there is no metric %s", where, name)
			}
			drawn[base] = true
		}
	}
	if len(b.Panels) < 10 {
		t.Fatalf("%d panels", len(b.Panels))
	}
	for _, p := range b.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("%s draws nothing", p.Title)
		}
		for _, target := range p.Targets {
			if !named.MatchString(target.Expr) {
				t.Errorf("%s: %q names no metric", p.Title, target.Expr)
			}
			look(p.Title, target.Expr)
		}
	}
	for _, v := range b.Templating.List {
		query, err := json.Marshal(v.Query)
		if err != nil {
			t.Fatal(err)
		}
		look(v.Name, string(query))
	}
	for name := range exist {
		if !drawn[name] {
			t.Errorf("the dashboard does not draw %s", name)
		}
	}
}

func TestHealth(t *testing.T) {
	f := &fake{}
	if status, text := ask(t, f, "/health"); status != http.StatusOK || text != "ok\n" {
		t.Errorf("%d: %s", status, text)
	}
	f.ill = &Warning{errors.New("the key ends soon")}
	if status, text := ask(t, f, "/health"); status != http.StatusOK || text != "ok, but the key ends soon\n" {
		t.Errorf("%d: %s", status, text)
	}
	f.ill = errors.New("no slot was mixed for 7s")
	if status, text := ask(t, f, "/health"); status != http.StatusServiceUnavailable || !strings.Contains(text, "7s") {
		t.Errorf("%d: %s", status, text)
	}
	for _, path := range []string{"/", "/debug/pprof/", "/v1/status"} {
		if status, _ := ask(t, f, path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}
