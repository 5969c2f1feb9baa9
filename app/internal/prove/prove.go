// Package prove measures whether a line shows that its user is in a call. Here its
// parts are put together; cli is the only caller.
//
//	plan ─▶ drive ─▶ record ─▶ feature ─▶ judge (stats, classify) ─▶ report
//	        real line  ▲
//	                   tcpdump's captures, with labels
package prove

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"undertone/app/internal/prove/feature"
	"undertone/app/internal/prove/judge"
	"undertone/app/internal/prove/plan"
	"undertone/app/internal/prove/record"
	"undertone/app/internal/prove/report"
)

// Options are how to judge a recording, and what is known of it besides.
type Options struct {
	// Quick runs are known to be too short for a pass.
	Quick bool
	// Stopped runs were ended before their time, and say nothing for sure.
	Stopped bool
	// Line says in words what was measured.
	Line string
	// Dropped is how many segments did not become what their label says, and Lost how
	// often the line was lost.
	Dropped, Lost int
	// Attacked is to how many datagrams somebody on the line did something.
	Attacked int64
	Seed     uint64
}

// Judge measures and judges a recording.
func Judge(r *record.Recording, o Options) (report.Document, error) {
	m, err := feature.Measure(r)
	if err != nil {
		return report.Document{}, err
	}
	controls := plan.Controls()
	if o.Stopped {
		controls = nil // Those that were not reached yet are no fault.
	}
	judged, err := judge.Judge(m.Table, judge.Options{Quick: o.Quick || o.Stopped, Controls: controls, Seed: o.Seed})
	if err != nil {
		return report.Document{}, err
	}
	if o.Stopped {
		stop(&judged)
	}
	return report.Document{
		Facts:    facts(r, m, o),
		Judged:   judged,
		Pictures: report.Pictures{Lateness: lateness(m), Wire: wire(r)},
	}, nil
}

// stop is for a run that was ended before its time. What is missing in it, such as
// controls, is missing for that reason; what was found in it was found.
func stop(r *judge.Report) {
	const words = "It was stopped before its time, so it cannot say that nothing shows."
	if r.Verdict == judge.Leak {
		return
	}
	r.Verdict = judge.Inconclusive
	r.Sentences = append([]string{words}, r.Sentences[min(1, len(r.Sentences)):]...)
}

func facts(r *record.Recording, m *feature.Measured, o Options) []report.Fact {
	all := []report.Fact{
		{Name: "line", Value: fmt.Sprintf("%s, mode %s, one slot in %s", o.Line, r.Mode, r.Interval)},
		{Name: "recorded", Value: fmt.Sprintf("%s, %d datagrams", r.Started.UTC().Format("2006-01-02 15:04 MST"), len(r.Datagrams))},
	}
	add := func(n int, words string) {
		if n > 0 {
			all = append(all, report.Fact{Name: "note", Value: fmt.Sprintf("%d %s", n, words)})
		}
	}
	add(len(r.Segments)-len(m.Segments), "segments are not in the capture as a whole")
	add(o.Dropped, "segments were left out, since a call or the line broke off in them")
	add(o.Lost, "losses of the line")
	if r.Attack != "" {
		all = append(all, report.Fact{Name: "attack", Value: r.Attack})
	}
	add(int(o.Attacked), "datagrams of the client were dropped, delayed, doubled or swapped on purpose")
	return all
}

// lateness sorts the lateness of what was sent by label.
func lateness(m *feature.Measured) []report.Distribution {
	var all []report.Distribution
	for _, label := range m.Labels() {
		d := report.Distribution{Label: label, Call: label != plan.Idle}
		for i, s := range m.Segments {
			if s.Label == label && s.Control == "" {
				d.Values = append(d.Values, m.Sent[i]...)
			}
		}
		all = append(all, d)
	}
	return all
}

// The strip of the picture: so long, and so long before somebody talks.
const (
	stripFor    = 24 * time.Second
	stripBefore = 9 * time.Second
)

// wire cuts out the time around the first segment in which somebody talks; without
// one there is no picture.
func wire(r *record.Recording) (w report.Wire) {
	k := slices.IndexFunc(r.Segments, func(s record.Segment) bool { return s.Label == plan.Talk && s.Control == "" })
	if k < 0 {
		return w
	}
	from := max(0, r.Segments[k].From-stripBefore)
	to := from + stripFor
	w.Seconds = stripFor.Seconds()
	for _, s := range r.Segments {
		if s.To > from && s.From < to {
			w.Spans = span(w.Spans, report.Span{
				From: max(0, (s.From - from).Seconds()), To: min(w.Seconds, (s.To - from).Seconds()), Label: s.Label, Call: s.Call,
			})
		}
	}
	for _, d := range r.Datagrams {
		if d.At >= from && d.At < to {
			w.Packets = append(w.Packets, report.Packet{At: (d.At - from).Seconds(), Bytes: d.Size, Up: d.Out})
		}
	}
	w.Loudness = r.Loudness(from, to)
	return w
}

// span adds a span, to the last if that is of the same label and ends where it begins.
func span(all []report.Span, s report.Span) []report.Span {
	const apart = 0.1
	if last := len(all) - 1; last >= 0 && all[last].Label == s.Label && all[last].Call == s.Call && s.From-all[last].To < apart {
		all[last].To = s.To
		return all
	}
	return append(all, s)
}

// ErrShort is returned for a run that was stopped before there was anything to
// judge.
var ErrShort = errors.New("stopped before anything was measured")
