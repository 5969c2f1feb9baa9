package audio

import (
	"sync/atomic"
	"time"
)

// A mark remembers the first of many moments, without allocating and without a
// lock, on the monotonic clock.
type mark struct {
	base time.Time
	at   atomic.Int64 // nanoseconds since base, plus one; 0 is unset
}

func (m *mark) reset() { m.at.Store(0) }

// set marks t, if nothing is marked yet.
func (m *mark) set(t time.Time) {
	if m.at.Load() == 0 {
		m.at.CompareAndSwap(0, max(int64(t.Sub(m.base))+1, 1))
	}
}

func (m *mark) get() (time.Time, bool) {
	at := m.at.Load()
	if at == 0 {
		return time.Time{}, false
	}
	return m.base.Add(time.Duration(at - 1)), true
}
