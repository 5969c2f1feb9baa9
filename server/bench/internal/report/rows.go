package report

import (
	"strconv"

	"undertone/server/bench/internal/crowd"
	"undertone/server/bench/internal/meter"
)

// A row is one figure.
type row struct {
	key    string // in CSV
	text   string // for a person
	digits int    // after the point
	ratio  bool   // it makes sense to divide it by that of a comparison
	value  func(s *Subject) (v float64, has bool)
}

// always is a figure that every subject has.
func always(f func(s *Subject) float64) func(*Subject) (float64, bool) {
	return func(s *Subject) (float64, bool) { return f(s), true }
}

// counted is a number of the crowd.
func counted(f func(c *crowd.Counts) uint64) func(*Subject) (float64, bool) {
	return func(s *Subject) (float64, bool) { return float64(f(&s.Counts)), true }
}

// served is a figure that the server tells itself.
func served(f func(s *Served) float64) func(*Subject) (float64, bool) {
	return func(s *Subject) (float64, bool) {
		if s.Served == nil {
			return 0, false
		}
		return f(s.Served), true
	}
}

// summed is a figure of a histogram, if there is anything in that.
func summed(which func(s *Subject) *meter.Summary, f func(m *meter.Summary) float64) func(*Subject) (float64, bool) {
	return func(s *Subject) (float64, bool) {
		m := which(s)
		return f(m), m.Count > 0
	}
}

// beats is a figure of the lines' beats, if they have any.
func beats(f func(b *meter.Span) float64) func(*Subject) (float64, bool) {
	return func(s *Subject) (float64, bool) {
		if s.Beats == nil {
			return 0, false
		}
		return f(s.Beats), true
	}
}

// quantiles are the rows of a histogram.
func quantiles(key, text string, which func(s *Subject) *meter.Summary) []row {
	return []row{
		{key + "_p50_ms", text + ", p50, ms", 3, false, summed(which, func(m *meter.Summary) float64 { return m.P50 })},
		{key + "_p99_ms", text + ", p99, ms", 3, false, summed(which, func(m *meter.Summary) float64 { return m.P99 })},
		{key + "_p99_9_ms", text + ", p99.9, ms", 3, false, summed(which, func(m *meter.Summary) float64 { return m.P999 })},
		{key + "_max_ms", text + ", most, ms", 3, false, summed(which, func(m *meter.Summary) float64 { return m.Max })},
	}
}

const (
	kibi = 1 << 10
	mebi = 1 << 20
)

// rows lists the figures.
func rows() []row {
	all := []row{
		{"users", "users online, mean", 1, false, always(func(s *Subject) float64 { return s.Users })},
		{"seconds", "seconds measured", 1, false, always(func(s *Subject) float64 { return s.Seconds })},
		{"slots", "slots mixed", 0, false, served(func(s *Served) float64 { return float64(s.Slots) })},
		{"slots_skipped", "slots skipped", 0, false, served(func(s *Served) float64 { return float64(s.Skipped) })},
	}
	all = append(all, quantiles("late", "sent late by", func(s *Subject) *meter.Summary { return &s.Late })...)
	all = append(all, quantiles("answer", "answered after", func(s *Subject) *meter.Summary { return &s.Trip })...)
	all = append(all,
		row{"beat_first_ms", "first line's beat in a slot, ms", 3, false, beats(func(b *meter.Span) float64 { return b.First })},
		row{"beat_last_ms", "last line's beat in a slot, ms", 3, false, beats(func(b *meter.Span) float64 { return b.Last })},
		row{"sent_within_ms", "a slot is sent within, ms", 3, false, beats(func(b *meter.Span) float64 { return b.Last - b.First })},
		row{"received", "messages received", 0, false, counted(func(c *crowd.Counts) uint64 { return c.Received })},
		row{"untimed", "messages not timed", 0, false, always(func(s *Subject) float64 {
			return max(float64(s.Counts.Received)-float64(s.Late.Count+s.Trip.Count), 0)
		})},
		row{"lost", "messages lost", 0, false, counted(func(c *crowd.Counts) uint64 { return c.Lost })},
		row{"late", "uploads after the cut-off", 0, false, served(func(s *Served) float64 { return float64(s.Late) })},
		row{"missing", "uploads missing", 0, false, served(func(s *Served) float64 { return float64(s.Missing) })},
		row{"unsent", "downloads not sent", 0, false, served(func(s *Served) float64 { return float64(s.Unsent) })},
		row{"faults", "faults", 0, false, served(func(s *Served) float64 { return float64(s.Faults) })},
		row{"unreadable", "cells unreadable", 0, false, served(func(s *Served) float64 { return float64(s.Odd) })},
		row{"voice", "cells of calls", 0, false, served(func(s *Served) float64 { return float64(s.Voice) })},
		row{"mixing_mean_ms", "mixing began late, mean, ms", 3, false, served(func(s *Served) float64 { return s.MixingMean })},
		row{"mixing_max_ms", "mixing began late, most, ms", 3, false, served(func(s *Served) float64 { return s.MixingMax })},
		row{"sending_max_ms", "sending began late, most, ms", 3, false, served(func(s *Served) float64 { return s.SendingMax })},
		row{"cpu", "server, processors", 3, true, always(func(s *Subject) float64 { return s.CPU.Server })},
		row{"cpu_per_user", "server, millionths for a user", 0, true, always(func(s *Subject) float64 { return s.CPU.PerUser })},
		row{"cpu_per_slot_us", "server, µs for a user and slot", 1, true, always(func(s *Subject) float64 { return s.CPU.PerSlot })},
		row{"cpu_crowd", "crowd, processors", 3, false, always(func(s *Subject) float64 { return s.CPU.Crowd })},
		row{"cpu_stolen", "taken by this machine's host, processors", 3, false, always(func(s *Subject) float64 { return s.CPU.Stolen })},
		row{"cpu_stolen_most", "the same in the worst second, processors", 3, false, always(func(s *Subject) float64 { return s.CPU.StolenMost })},
		row{"memory_empty_mib", "memory without users, MiB", 1, false, always(func(s *Subject) float64 { return float64(s.Memory.Empty) / mebi })},
		row{"memory_begin_mib", "memory in the beginning, MiB", 1, false, always(func(s *Subject) float64 { return float64(s.Memory.Begin) / mebi })},
		row{"memory_end_mib", "memory in the end, MiB", 1, false, always(func(s *Subject) float64 { return float64(s.Memory.End) / mebi })},
		row{"memory_per_user_kib", "memory for a user, KiB", 0, true, always(func(s *Subject) float64 { return s.Memory.PerUser / kibi })},
		row{"goroutines", "goroutines", 0, false, func(s *Subject) (float64, bool) { return float64(s.Goroutines), s.Goroutines > 0 }},
		row{"goroutines_per_user", "goroutines for a user", 1, true, func(s *Subject) (float64, bool) {
			return float64(s.Goroutines) / max(float64(s.Counts.Online), 1), s.Goroutines > 0
		}},
		row{"threads", "threads", 0, false, always(func(s *Subject) float64 { return float64(s.Threads) })},
		row{"up_kbit", "a user's line up, kbit/s", 1, true, always(func(s *Subject) float64 { return s.Wire.Up.Kbit })},
		row{"down_kbit", "a user's line down, kbit/s", 1, true, always(func(s *Subject) float64 { return s.Wire.Down.Kbit })},
		row{"up_datagrams", "datagrams up, a second", 1, true, always(func(s *Subject) float64 { return s.Wire.Up.Datagrams })},
		row{"down_datagrams", "datagrams down, a second", 1, true, always(func(s *Subject) float64 { return s.Wire.Down.Datagrams })},
	)
	return append(all, churnRows()...)
}

// churnRows are the rows of what happened to users, and of the crowd itself.
func churnRows() []row {
	all := []row{
		{"joined", "users joined", 0, false, counted(func(c *crowd.Counts) uint64 { return c.Joined })},
		{"left", "users left", 0, false, counted(func(c *crowd.Counts) uint64 { return c.Left })},
		{"killed", "users killed", 0, false, counted(func(c *crowd.Counts) uint64 { return c.Killed })},
		{"moved", "users moved", 0, false, counted(func(c *crowd.Counts) uint64 { return c.Moved })},
		{"silent", "lines silent", 0, false, counted(func(c *crowd.Counts) uint64 { return c.Silent })},
		{"ended", "lines ended", 0, false, counted(func(c *crowd.Counts) uint64 { return c.Ended })},
		{"failed", "attempts to come online failed", 0, false, counted(func(c *crowd.Counts) uint64 { return c.Failed })},
		{"registered", "users registered", 0, false, served(func(s *Served) float64 { return float64(s.Registered) })},
		{"registered_expected", "users who should be", 0, false, served(func(s *Served) float64 { return float64(s.Expected) })},
	}
	all = append(all, quantiles("away", "away for", func(s *Subject) *meter.Summary { return &s.Back })...)
	all = append(all, quantiles("crowd_late", "crowd sent late by", func(s *Subject) *meter.Summary { return &s.Own })...)
	return append(all, row{"crowd_passed", "crowd too late for, messages", 0, false, counted(func(c *crowd.Counts) uint64 { return c.Passed })})
}

// format writes a figure.
func (r *row) format(s *Subject) string {
	v, has := r.value(s)
	if !has {
		return ""
	}
	return strconv.FormatFloat(v, 'f', r.digits, 64)
}

// compare writes by how much the first subject's figure is a multiple of another's.
func (r *row) compare(first, other *Subject) string {
	a, hasA := r.value(first)
	b, hasB := r.value(other)
	if !r.ratio || !hasA || !hasB || b == 0 {
		return ""
	}
	return strconv.FormatFloat(a/b, 'f', 2, 64)
}
