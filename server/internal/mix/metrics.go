package mix

import (
	"sync/atomic"
	"time"
)

// Metrics are what an operator may know: facts that anybody sees who watches the
// network, and the health of this process. Nothing depends on calls.
type Metrics struct {
	Online int           // users
	Window time.Duration // W

	Slots   uint64 // that were mixed
	Skipped uint64 // slots that were not, because the process was stopped
	Sent    uint64 // messages
	Unsent  uint64 // messages that were not sent, because the process was stopped
	Missing uint64 // uploads that were not there, or not whole, when their slot was mixed

	Late    uint64 // messages after their cut-off
	TooSoon uint64 // messages too many slots ahead
	Odd     uint64 // messages that are none of the mode's
	Refused uint64 // uploads that did not open
	Faults  uint64 // panics that were caught; anything but zero is a bug

	// Lateness of passes and of sends, after their time.
	MeanPassLateness, MaxPassLateness time.Duration
	MeanSendLateness, MaxSendLateness time.Duration
	PassLateness, SendLateness        Histogram

	// Passed is when the last pass began; before the first one, when the Engine
	// was made.
	Passed time.Time
}

// Bounds divide lateness into the classes of a Histogram.
var Bounds = [...]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
}

// A Histogram tells how often something was how late.
type Histogram struct {
	// Counts has one class for each bound, of what was not later than that but
	// later than the bound before, and one for all that was later.
	Counts [len(Bounds) + 1]uint64
	// Sum of all latenesses.
	Sum time.Duration
}

// class returns the place of d in Counts.
func class(d time.Duration) int {
	for i, bound := range Bounds {
		if d <= bound {
			return i
		}
	}
	return len(Bounds)
}

// classes are the counts of a Histogram that is written to.
type classes [len(Bounds) + 1]atomic.Uint64

func (c *classes) histogram(sum *atomic.Int64) Histogram {
	h := Histogram{Sum: time.Duration(sum.Load())}
	for i := range c {
		h.Counts[i] = c[i].Load()
	}
	return h
}

type meter struct {
	start                        time.Time // with its monotonic reading; read only
	online, window               atomic.Int64
	slots, skipped               atomic.Uint64
	sent, unsent, missing        atomic.Uint64
	refused, faults              atomic.Uint64
	passLate, sendLate           atomic.Int64 // sums, in nanoseconds
	worstPassLate, worstSendLate atomic.Int64 // written by the clock only
	passes, sends                classes
	passed                       atomic.Int64 // when the last pass began, in nanoseconds after start
}

func (m *meter) passAt(late time.Duration) {
	m.slots.Add(1)
	m.passLate.Add(int64(late))
	raise(&m.worstPassLate, late)
	m.passes[class(late)].Add(1)
	m.passed.Store(int64(time.Since(m.start)))
}

func (m *meter) sentAt(late time.Duration) {
	m.sent.Add(1)
	m.sendLate.Add(int64(late))
	raise(&m.worstSendLate, late)
	m.sends[class(late)].Add(1)
}

func raise(worst *atomic.Int64, d time.Duration) {
	if int64(d) > worst.Load() {
		worst.Store(int64(d))
	}
}

func mean(sum *atomic.Int64, n uint64) time.Duration {
	if n == 0 {
		return 0
	}
	return time.Duration(sum.Load() / int64(n))
}

// Metrics returns the counts since the start.
func (e *Engine) Metrics() Metrics {
	m := &e.meter
	s := Metrics{
		Online:          int(m.online.Load()),
		Window:          time.Duration(m.window.Load()),
		Slots:           m.slots.Load(),
		Skipped:         m.skipped.Load(),
		Sent:            m.sent.Load(),
		Unsent:          m.unsent.Load(),
		Missing:         m.missing.Load(),
		Late:            e.count.Late.Load(),
		TooSoon:         e.count.Early.Load(),
		Odd:             e.count.Odd.Load(),
		Refused:         m.refused.Load(),
		Faults:          m.faults.Load(),
		MaxPassLateness: time.Duration(m.worstPassLate.Load()),
		MaxSendLateness: time.Duration(m.worstSendLate.Load()),
		PassLateness:    m.passes.histogram(&m.passLate),
		SendLateness:    m.sends.histogram(&m.sendLate),
		Passed:          m.start.Add(time.Duration(m.passed.Load())),
	}
	s.MeanPassLateness = mean(&m.passLate, s.Slots)
	s.MeanSendLateness = mean(&m.sendLate, s.Sent)
	return s
}
