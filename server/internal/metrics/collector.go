package metrics

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"undertone/server/internal/mix"
)

// A single is a metric with one value.
type single struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(f *Facts) float64
}

func counter(name, help string, value func(f *Facts) uint64) single {
	return single{describe(name, help), prometheus.CounterValue, func(f *Facts) float64 { return float64(value(f)) }}
}

func gauge(name, help string, value func(f *Facts) float64) single {
	return single{describe(name, help), prometheus.GaugeValue, value}
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("undertone_"+name, help, labels, nil)
}

var singles = []single{
	gauge("users_online", "Users who are online.", func(f *Facts) float64 { return float64(f.Mix.Online) }),
	gauge("places", "How many users may be online.", func(f *Facts) float64 { return float64(f.Places) }),
	gauge("certificate_end_time_seconds", "When the online certificate runs out, in Unix time.",
		func(f *Facts) float64 { return float64(f.CertificateEnds.Unix()) }),
	counter("slots_total", "Slots that were mixed.", func(f *Facts) uint64 { return f.Mix.Slots }),
	counter("slots_skipped_total", "Slots that were left out, because the process was stopped.", func(f *Facts) uint64 { return f.Mix.Skipped }),
	counter("messages_sent_total", "Messages that were given to the links of users in time.", func(f *Facts) uint64 { return f.Mix.Sent }),
	counter("messages_unsent_total", "Messages that were not given to a link, because it was too late for them.", func(f *Facts) uint64 { return f.Mix.Unsent }),
	counter("cells_missing_total", "Uploads that were not there, or not whole, when their slot was mixed.", func(f *Facts) uint64 { return f.Mix.Missing }),
	counter("connections_total", "Connections that were let in, to ask to come online.", func(f *Facts) uint64 { return f.Guard.Connections }),
	counter("requests_throttled_total", "Requests that were refused as too many of one user; they count as busy, too.", func(f *Facts) uint64 { return f.Throttled }),
	gauge("links_opening", "Users who were let in and have not opened their link yet.", func(f *Facts) float64 { return float64(f.Links.Pending) }),
	counter("links_unopened_total", "Users who were let in and did not open their link in time.", func(f *Facts) uint64 { return f.Links.Unopened }),
	gauge("streams_open", "Connections over TCP that carry links, or are about to, where UDP does not come through.",
		func(f *Facts) float64 { return float64(f.Links.Streams) }),
	counter("faults_total", "Bugs that were caught; anything but zero should be reported.", func(f *Facts) uint64 { return f.Mix.Faults }),
}

// Metrics with labels, and histograms.
var (
	info         = describe("info", "What this server is.", "version", "mode", "interval")
	useless      = describe("cells_useless_total", "Messages of users that were of no use, by why.", "why")
	refused      = describe("requests_refused_total", "Requests to come online that were refused, by why.", "kind")
	cut          = describe("connections_cut_total", "Connections that were cut before they had made a request, by why.", "why")
	lost         = describe("messages_lost_total", "Messages that a link was given and could not send, by why.", "why")
	dropped      = describe("datagrams_dropped_total", "Datagrams that were dropped, by why.", "why")
	slotLateness = describe("slot_lateness_seconds", "How late the mixing of a slot began.")
	sendLateness = describe("send_lateness_seconds", "How late a message was given to its link.")
)

// A collector reads the facts once for each request.
type collector struct{ server Server }

// Describe lists all metrics.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, s := range singles {
		ch <- s.desc
	}
	for _, d := range []*prometheus.Desc{info, useless, refused, cut, lost, dropped, slotLateness, sendLateness} {
		ch <- d
	}
}

// Collect reads all of them.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	f := c.server.Facts()
	for _, s := range singles {
		ch <- prometheus.MustNewConstMetric(s.desc, s.kind, s.value(&f))
	}
	ch <- prometheus.MustNewConstMetric(info, prometheus.GaugeValue, 1, f.Version, f.Mode, f.Interval)
	for _, m := range []struct {
		desc *prometheus.Desc
		why  string
		n    uint64
	}{
		{useless, "late", f.Mix.Late}, {useless, "early", f.Mix.TooSoon}, {useless, "odd", f.Mix.Odd}, {useless, "unopened", f.Mix.Refused},
		{cut, "throttled", f.Guard.Throttled}, {cut, "silent", f.Guard.Cut},
		{lost, "overwritten", f.Links.Overwritten}, {lost, "late", f.Links.Late},
		{dropped, "unclaimed", f.Links.Unclaimed}, {dropped, "flooded", f.Links.Flooded}, {dropped, "forged", f.Links.Forged},
		{dropped, "stalled", f.Links.Stalled},
	} {
		ch <- prometheus.MustNewConstMetric(m.desc, prometheus.CounterValue, float64(m.n), m.why)
	}
	for _, code := range slices.Sorted(maps.Keys(f.Refused)) {
		ch <- prometheus.MustNewConstMetric(refused, prometheus.CounterValue, float64(f.Refused[code]), string(code))
	}
	ch <- histogram(slotLateness, f.Mix.PassLateness)
	ch <- histogram(sendLateness, f.Mix.SendLateness)
}

// histogram counts in each class what was that late or less, as Prometheus does.
func histogram(d *prometheus.Desc, h mix.Histogram) prometheus.Metric {
	buckets := make(map[float64]uint64, len(mix.Bounds))
	var count uint64
	for i, bound := range mix.Bounds {
		count += h.Counts[i]
		buckets[bound.Seconds()] = count
	}
	count += h.Counts[len(mix.Bounds)]
	return prometheus.MustNewConstHistogram(d, count, h.Sum.Seconds(), buckets)
}
