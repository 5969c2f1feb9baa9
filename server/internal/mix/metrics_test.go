package mix

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// The classes hold everything that was done, each where its lateness belongs.
func TestHistograms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, config, 5)
		first := slices.MinFunc(r.all, func(a, b *phone) int { return int(a.seat.line.Offset() - b.seat.line.Offset()) })
		first.hurtBy(func(n int) {
			if n == 20 {
				time.Sleep(15 * time.Millisecond) // The other four come up to 5 ms after this one.
			}
		})
		time.Sleep(5 * time.Second)
		r.end()
		m := r.e.Metrics()
		if total := sum(m.PassLateness); total != m.Slots || m.PassLateness.Sum != 0 || m.PassLateness.Counts[0] != m.Slots {
			t.Errorf("%d slots, and passes %+v", m.Slots, m.PassLateness)
		}
		h := m.SendLateness
		const late = 4
		if sum(h) != m.Sent || h.Counts[0] != m.Sent-late || h.Counts[len(Bounds)-1] != late {
			t.Errorf("%d sent, %+v", m.Sent, h)
		}
		if h.Sum < late*10*time.Millisecond || h.Sum > late*15*time.Millisecond {
			t.Errorf("four are late by %v together", h.Sum)
		}
		if since := time.Since(m.Passed); since < 0 || since > config.Interval.Duration() {
			t.Errorf("the last pass was %v ago", since)
		}
	})
}

func sum(h Histogram) (total uint64) {
	for _, n := range h.Counts {
		total += n
	}
	return total
}

func TestClass(t *testing.T) {
	for d, want := range map[time.Duration]int{
		-1: 0, 0: 0, 50 * time.Microsecond: 0, 50*time.Microsecond + 1: 1,
		time.Millisecond: 4, 25 * time.Millisecond: len(Bounds) - 1, time.Second: len(Bounds),
	} {
		if got := class(d); got != want {
			t.Errorf("%v is in class %d, and not %d", d, got, want)
		}
	}
}
