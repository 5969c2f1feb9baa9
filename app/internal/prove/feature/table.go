package feature

import (
	"errors"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"

	"undertone/app/internal/prove/judge"
	"undertone/app/internal/prove/record"
	"undertone/transport/cell"
)

// A Measured is a recording, measured.
type Measured struct {
	judge.Table
	// Sources says which segment of the recording each of the table is. Those in which
	// the line was lost, or that begin before it or end after it, are left out.
	Sources []int
	// Sent and Received are the lateness in each segment of the table, in
	// milliseconds, slot by slot.
	Sent, Received [][]float64
}

// ErrNothing is returned for a recording without a segment that can be measured.
var ErrNothing = errors.New("no segment is in the recording as a whole: does the capture last as long as the labels?")

// sides are the flows of one recording.
type sides struct {
	sent, received               *flow
	partnerSent, partnerReceived *flow // nil if nobody recorded them
	idleSent, idleReceived       *flow // the bystander's; the same
	checks                       []check
}

// A check is one of ICE's, that was answered.
type check struct{ at, took time.Duration }

// parts is how many times in a slot something is sent.
func parts(m cell.Mode) time.Duration {
	if m == cell.SMIX {
		return 2
	}
	return 1
}

// Measure computes the features of every segment.
func Measure(r *record.Recording) (*Measured, error) {
	period := r.Interval.Duration() / parts(r.Mode)
	s := &sides{
		sent: newFlow(r.Datagrams, true, period), received: newFlow(r.Datagrams, false, period),
		checks: checks(r.Datagrams),
	}
	if len(r.Partner) > 0 {
		s.partnerSent, s.partnerReceived = newFlow(r.Partner, true, period), newFlow(r.Partner, false, period)
	}
	if len(r.Bystander) > 0 {
		s.idleSent, s.idleReceived = newFlow(r.Bystander, true, period), newFlow(r.Bystander, false, period)
	}
	m := &Measured{}
	for i, segment := range r.Segments {
		v := values{}
		sent, received, ok := s.measure(&v, segment.From, segment.To)
		if !ok {
			continue
		}
		m.Features = v.features
		m.Segments = append(m.Segments, judge.Segment{Label: segment.Label, Call: segment.Call, Control: segment.Control, Values: v.of})
		m.Sources = append(m.Sources, i)
		m.Sent, m.Received = append(m.Sent, sent.lateness()), append(m.Received, received.lateness())
	}
	if len(m.Segments) == 0 {
		return nil, ErrNothing
	}
	return m, nil
}

// values collects the features of a segment. They have the same names in the same
// order for every segment of a recording.
type values struct {
	features []judge.Feature
	of       []float64
}

func (v *values) add(name string, value float64) { v.put(judge.Feature{Name: name}, value) }

func (v *values) primary(name string, value float64) {
	v.put(judge.Feature{Name: name, Primary: true}, value)
}

func (v *values) exact(name string, value float64) {
	v.put(judge.Feature{Name: name, Exact: true}, value)
}

func (v *values) put(f judge.Feature, value float64) {
	v.features, v.of = append(v.features, f), append(v.of, value)
}

// measure measures a segment, if it is in the recording as a whole.
func (s *sides) measure(v *values, from, to time.Duration) (sent, received window, ok bool) {
	if sent, ok = s.sent.window(from, to); !ok {
		return sent, received, false
	}
	if received, ok = s.received.window(from, to); !ok {
		return sent, received, false
	}
	s.sent.measure(v, &sent, "sent", s.received, (*values).primary)
	s.received.measure(v, &received, "received", s.sent, (*values).add)
	s.line(v, &sent)
	if s.partnerSent != nil {
		s.pair(v, &sent, &received, from, to)
	}
	if s.idleSent != nil {
		s.idle(v, &sent, from, to)
	}
	return sent, received, true
}

// measure adds the features of a direction. spread puts those of the spread of the
// lateness.
func (f *flow) measure(v *values, w *window, name string, other *flow, spreads func(*values, string, float64)) {
	v.exact("wrong sizes, "+name, w.sum(func(s *slot) int { return s.wrong }))
	late := w.lateness()
	v.primary("lateness, median, "+name, quantile(late, 0.5))
	spreads(v, "lateness, MAD, "+name, spread(late))
	spreads(v, "lateness, 95th percentile, "+name, quantile(late, 0.95))
	spreads(v, "empty slots, "+name, float64(w.length-len(w.slots)))
	v.add("further messages, "+name, w.sum(func(s *slot) int { return max(0, s.count-f.batch) }))
	if f.batch > 1 {
		var long []float64
		for _, s := range w.slots {
			long = append(long, milliseconds(s.last-s.at))
		}
		v.add("batch, median length, "+name, quantile(long, 0.5))
	}
	between := gaps(between(f.messages, w.from, w.to))
	mean, variance := math.NaN(), math.NaN()
	if len(between) > 1 {
		mean, variance = stat.MeanVariance(between, nil)
	}
	v.add("gaps, mean, "+name, mean)
	v.add("gaps, variance, "+name, variance)
	const bins = 400
	v.add("gaps, entropy, "+name, entropy(between, milliseconds(f.period)/bins))
	f.control(v, w, name, other)
}

// control adds what else a direction carries.
func (f *flow) control(v *values, w *window, name string, other *flow) {
	acks := between(f.acks, w.from, w.to)
	delays := after(acks, other.messages)
	v.add("acknowledgements, "+name, float64(len(acks)))
	v.add("acknowledgements, median delay, "+name, quantile(delays, 0.5))
	v.add("acknowledgements, MAD of the delay, "+name, spread(delays))
	v.add("several again, "+name, float64(len(between(f.again, w.from, w.to))))
}

// line adds the checks of the line.
func (s *sides) line(v *values, w *window) {
	var took []float64
	for _, c := range s.checks {
		if c.at >= w.from && c.at < w.to {
			took = append(took, milliseconds(c.took))
		}
	}
	n := float64(len(took))
	v.add("checks of the line", n)
	v.add("round trip of the checks", quantile(took, 0.5))
}

// checks pairs the checks that a client sends with the answers.
func checks(all []record.Datagram) (answered []check) {
	const slowest = 2 * time.Second // The next one follows then.
	var asked time.Duration
	waiting := false
	for _, d := range all {
		switch {
		case d.Kind != record.STUN:
		case d.Out:
			asked, waiting = d.At, true
		case waiting && d.At-asked < slowest:
			answered, waiting = append(answered, check{asked, d.At - asked}), false
		}
	}
	return answered
}

// pair adds how much the two sides of a call go together. Without a window of the
// other side it is not known.
func (s *sides) pair(v *values, sent, received *window, from, to time.Duration) {
	theirs, back := math.NaN(), math.NaN()
	both := math.NaN()
	ps, ok := s.partnerSent.window(from, to)
	pr, too := s.partnerReceived.window(from, to)
	if ok && too {
		theirs, back = together(sent, &pr), together(&ps, received)
		both = together(sent, &ps)
	}
	v.add("sent goes with what the other receives", theirs)
	v.add("received goes with what the other sends", back)
	v.add("sent goes with what the other sends", both)
}

// idle adds what shows of the calls of others in the line of a member who is in none.
func (s *sides) idle(v *values, sent *window, from, to time.Duration) {
	const who = "by a bystander"
	all := []struct {
		name string
		flow *flow
	}{{"sent ", s.idleSent}, {"received ", s.idleReceived}}
	for _, f := range all {
		w, ok := f.flow.window(from, to)
		f.flow.few(v, &w, ok, f.name+who)
	}
	goes := math.NaN()
	if w, ok := s.idleReceived.window(from, to); ok {
		goes = together(sent, &w)
	}
	v.add("sent goes with what is received "+who, goes)
}

// few adds the features of a direction that say most. Without a window none is known.
func (f *flow) few(v *values, w *window, known bool, name string) {
	unless := func(value float64) float64 {
		if !known {
			return math.NaN()
		}
		return value
	}
	late := w.lateness()
	v.exact("wrong sizes, "+name, w.sum(func(s *slot) int { return s.wrong })) // What is not known is not wrong.
	v.add("lateness, median, "+name, quantile(late, 0.5))
	v.add("lateness, MAD, "+name, spread(late))
	v.add("empty slots, "+name, unless(float64(w.length-len(w.slots))))
	v.add("acknowledgements, "+name, unless(float64(len(between(f.acks, w.from, w.to)))))
}

// Labels returns the labels of the segments, sorted, idle first.
func (m *Measured) Labels() []string {
	var all []string
	for _, s := range m.Segments {
		if s.Control == "" && !slices.Contains(all, s.Label) {
			all = append(all, s.Label)
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == "idle" || b != "idle" && a < b:
			return -1
		}
		return 1
	})
	return all
}
