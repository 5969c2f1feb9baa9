// Package metrics tells Prometheus how a server does, and anything that watches
// over services whether it serves. It is off unless the settings name an address
// for it, which is of this machine alone (package local).
//
//	GET /metrics  the figures below, in the text format of Prometheus
//	GET /health   200 and "ok", with what is soon going to be wrong, if anything; or
//	              503 and a line that says what is wrong
//
// What is measured is what an eavesdropper has already, and the health of the
// process: nothing per user, nothing per call, and nothing that is another number
// because somebody calls. So there is no more than this, and a test fails when
// there is:
//
//	undertone_info{version,mode,interval}      1
//	undertone_users_online                     and undertone_places, at most
//	undertone_slots_total                      mixed; _slots_skipped_total: left out
//	undertone_slot_lateness_seconds            histogram: how late mixing began
//	undertone_send_lateness_seconds            histogram: how late links got messages
//	undertone_messages_sent_total              and undertone_messages_unsent_total
//	undertone_messages_lost_total{why}         on a link: newer ones came, or it took none
//	undertone_cells_missing_total              not there when their slot was mixed
//	undertone_cells_useless_total{why}         late, early, odd, or sealed otherwise
//	undertone_connections_total                in which somebody could ask to come online
//	undertone_connections_cut_total{why}       too many came, or it was silent for too long
//	undertone_requests_refused_total{kind}     by the codes of the signalling
//	undertone_requests_throttled_total         one user's too many, of those that are busy
//	undertone_links_opening                    and undertone_links_unopened_total: given up
//	undertone_streams_open                     over TCP, for whom UDP does not come through
//	undertone_datagrams_dropped_total{why}     of strangers: unclaimed, flooded, forged;
//	                                           or stalled, on a stream that does not get on
//	undertone_faults_total                     bugs that were caught
//	undertone_certificate_end_time_seconds     when nobody can come online any more
//	process_cpu_seconds_total                  in steps of 10 ms
//	process_resident_memory_bytes              in pages
//	process_open_fds, process_start_time_seconds
//
// The counters of Go's memory are left out: they are so exact that one object more
// would show. grafana.json is a dashboard for Grafana that draws all of it.
//
// node serves the Handler, and main prints the dashboard; nobody else imports this
// package.
package metrics

import (
	"context"
	_ "embed" // for the dashboard
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"undertone/server/internal/mix"
	"undertone/transport/rtc"
	"undertone/transport/signal"
)

//go:embed grafana.json
var dashboard []byte

// Dashboard returns a dashboard for Grafana, as its import takes it. The caller
// must not change it.
func Dashboard() []byte { return dashboard }

// maxRequests is how many requests are answered at once.
const maxRequests = 4

// A Server is what is measured. Its methods may be called from any goroutine.
type Server interface {
	// Facts is called for each request.
	Facts() Facts
	// Healthy says why the server does not serve as it should, or nil. A *Warning is
	// of what is still to come.
	Healthy(ctx context.Context) error
}

// A Warning is what an operator should see to while the server still serves: no
// reason for whatever restarts services.
type Warning struct{ Cause error }

// Error says what is going to be wrong.
func (w *Warning) Error() string { return w.Cause.Error() }

// Unwrap returns it.
func (w *Warning) Unwrap() error { return w.Cause }

// Facts are how a server does.
type Facts struct {
	// Version is that of the program; Mode and Interval are the set's.
	Version, Mode, Interval string
	// Places is how many users may be online.
	Places int
	// Mix has the counts of the slot clock.
	Mix mix.Metrics
	// Refused is how many requests to come online were refused, by why.
	Refused map[signal.Code]uint64
	// Throttled is how many of them were one user's who came again and again.
	Throttled uint64
	// Guard has the counts of connections, and Links those of what came to the UDP
	// port and was no use.
	Guard signal.GuardCounts
	Links rtc.ListenerStats
	// CertificateEnds is when the online certificate runs out.
	CertificateEnds time.Time
}

// processMetrics are those of the process that are shown.
var processMetrics = []string{
	"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds",
}

// Handler answers for s.
func Handler(s Server) http.Handler {
	own, process := prometheus.NewRegistry(), prometheus.NewRegistry()
	own.MustRegister(collector{s})
	process.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(
		prometheus.Gatherers{own, only(process, processMetrics)},
		promhttp.HandlerOpts{DisableCompression: true, MaxRequestsInFlight: maxRequests},
	))
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		text := "ok\n"
		var soon *Warning
		switch err := s.Healthy(r.Context()); {
		case errors.As(err, &soon):
			text = "ok, but " + soon.Error() + "\n"
		case err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(text)) // If the client is gone, there is nobody to tell.
	})
	return mux
}

// only leaves out what has none of the names: what a library measures besides may
// be too much, now or in its next release.
func only(g prometheus.Gatherer, names []string) prometheus.GathererFunc {
	return func() ([]*dto.MetricFamily, error) {
		all, err := g.Gather()
		return slices.DeleteFunc(all, func(f *dto.MetricFamily) bool { return !slices.Contains(names, f.GetName()) }), err
	}
}
