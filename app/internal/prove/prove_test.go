package prove

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"undertone/app/internal/prove/feature"
	"undertone/app/internal/prove/judge"
	"undertone/app/internal/prove/plan"
	"undertone/app/internal/prove/record"
	"undertone/transport/cell"
)

const period = 40 * time.Millisecond

// session makes a recording of so many segments of calls, as many idle ones, and
// eight of each control that is named. In calls every message is late by so much
// more.
func session(segments int, late time.Duration, controls ...string) *record.Recording {
	random := rand.New(rand.NewPCG(3, 4))
	r := &record.Recording{Labels: record.Labels{Mode: cell.TMIX, Interval: cell.Interval40, Started: time.Unix(1_800_000_000, 0)}}
	at := 20 * time.Second
	add := func(s record.Segment) {
		s.From, s.To = at, at+2*time.Second
		r.Segments = append(r.Segments, s)
		at += 2200 * time.Millisecond
	}
	for k := range segments {
		add(record.Segment{Label: plan.Idle})
		add(record.Segment{Label: []string{plan.Talk, plan.RingingOut}[k%2], Call: true})
		if k%3 == 2 && k/3 < 8 {
			for _, name := range controls {
				add(record.Segment{Label: plan.Idle, Call: true, Control: name})
			}
		}
	}
	for n := 0; time.Duration(n)*period < at+5*time.Second; n++ {
		due := time.Duration(n) * period
		sent := due + time.Duration(random.ExpFloat64()*float64(100*time.Microsecond))
		size := 197
		k := slices.IndexFunc(r.Segments, func(s record.Segment) bool { return due >= s.From && due < s.To })
		if k >= 0 {
			s := r.Segments[k]
			middle := due-s.From < 1040*time.Millisecond && due-s.From >= time.Second
			switch {
			case s.Control == plan.Work:
				sent += 1500 * time.Microsecond
			case s.Control == plan.Byte && middle:
				size++
			case (s.Control == plan.Skip || s.Control == plan.DTX) && middle:
				continue
			case s.Control == "" && s.Call:
				sent += late
			}
		}
		r.Datagrams = append(r.Datagrams, record.Datagram{At: sent, Out: true, Size: size, Kind: record.Data},
			record.Datagram{At: due + 20*time.Millisecond + time.Duration(random.IntN(100_000)), Size: 197, Kind: record.Data})
	}
	return r
}

func judged(t *testing.T, r *record.Recording, o Options) judge.Report {
	t.Helper()
	d, err := Judge(r, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Facts) < 2 || len(d.Pictures.Lateness) != 3 || len(d.Pictures.Wire.Packets) < 1000 || len(d.Pictures.Wire.Spans) < 5 {
		t.Errorf("facts %v, %d labels, %d packets", d.Facts, len(d.Pictures.Lateness), len(d.Pictures.Wire.Packets))
	}
	if first := d.Pictures.Lateness[0]; first.Label != plan.Idle || first.Call || len(first.Values) < 1000 {
		t.Errorf("the first of the pictures is of %q", first.Label)
	}
	return d.Judged
}

// An honest line is not enough to say in a short run, and every control is caught.
func TestHonestLine(t *testing.T) {
	r := judged(t, session(60, 0, plan.Controls()...), Options{Quick: true})
	if r.Verdict != judge.Inconclusive {
		t.Errorf("%s: %q", r.Verdict, r.Sentences)
	}
	for _, c := range r.Controls {
		if !c.Caught || c.Segments != 8 {
			t.Errorf("%+v", c)
		}
	}
}

// Calls in which all is late by a few tenths of a millisecond are found, and without
// a control nothing is said.
func TestLeakAndVoid(t *testing.T) {
	if r := judged(t, session(60, 300*time.Microsecond, plan.Controls()...), Options{}); r.Verdict != judge.Leak {
		t.Errorf("%s: %q", r.Verdict, r.Sentences)
	}
	if r := judged(t, session(60, 0, plan.Work, plan.Byte, plan.Skip), Options{}); r.Verdict != judge.Void {
		t.Errorf("%s: %q", r.Verdict, r.Sentences)
	}
}

// What was stopped says that, and what it found nevertheless.
func TestStoppedRun(t *testing.T) {
	if r := judged(t, session(30, 0), Options{Stopped: true}); r.Verdict != judge.Inconclusive || !strings.Contains(r.Sentences[0], "stopped") {
		t.Errorf("%s: %q", r.Verdict, r.Sentences)
	}
	r := session(30, 0)
	r.Segments = r.Segments[:0]
	if _, err := Judge(r, Options{}); !errors.Is(err, feature.ErrNothing) {
		t.Error(err)
	}
}
