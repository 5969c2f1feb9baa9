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
}

type meter struct {
	online, window               atomic.Int64
	slots, skipped               atomic.Uint64
	sent, unsent, missing        atomic.Uint64
	refused, faults              atomic.Uint64
	passLate, sendLate           atomic.Int64 // sums, in nanoseconds
	worstPassLate, worstSendLate atomic.Int64 // written by the clock only
}

func (m *meter) passAt(late time.Duration) {
	m.slots.Add(1)
	m.passLate.Add(int64(late))
	raise(&m.worstPassLate, late)
}

func (m *meter) sentAt(late time.Duration) {
	m.sent.Add(1)
	m.sendLate.Add(int64(late))
	raise(&m.worstSendLate, late)
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
	}
	s.MeanPassLateness = mean(&m.passLate, s.Slots)
	s.MeanSendLateness = mean(&m.sendLate, s.Sent)
	return s
}
