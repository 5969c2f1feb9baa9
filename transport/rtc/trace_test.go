package rtc

import (
	"math/rand/v2"
	"testing"
	"time"

	"undertone/transport/simnet"
)

// trace returns what an observer sees of a run over a line with jitter, in
// absolute time: bubbles all start at the same instant. There is no loss, for
// the repetitions that follow one depend on which of two timers of one instant
// ran first, so that two runs differ even with the same content.
func trace(t *testing.T, s schedule) (packets []simnet.Packet) {
	t.Helper()
	bubble(t, func(t *testing.T) {
		// The handshakes have signatures of varying length, so the line gets
		// bad only after them.
		r := newRig(t, 3, shortPath, shortPath)
		defer r.close()
		line := simnet.Path{Delay: 60 * time.Millisecond, Jitter: 8 * time.Millisecond}
		r.user.SetPaths(line, line)
		start := r.run(s)
		packets = r.star.Since(start.Add(-time.Second))
		if r.up.count() != s.count || r.down.count() != s.count {
			t.Errorf("only %d and %d of %d cells arrived", r.up.count(), r.down.count(), s.count)
		}
	})
	return packets
}

// TestTraceEquality compares the packet lists of runs with different contents.
// Nothing may differ, neither time nor source nor size; a planted byte and a
// planted millisecond must be seen, or the test shows nothing.
func TestTraceEquality(t *testing.T) {
	const count = 600
	base := schedule{interval: 40 * time.Millisecond, count: count}
	first := trace(t, base)
	if len(first) < 2*count {
		t.Fatalf("only %d packets seen", len(first))
	}
	contents := map[string]func(int, []byte){
		"random": func(n int, b []byte) {
			rng := rand.New(rand.NewPCG(1, uint64(n)))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
		},
		"changing": func(n int, b []byte) {
			for i := range b {
				b[i] = byte(n / 200 * 255)
			}
		},
	}
	for name, fill := range contents {
		s := base
		s.fill = fill
		if d := simnet.Diff(first, trace(t, s)); d != "" {
			t.Errorf("%s content shows: %s", name, d)
		}
	}
	planted := map[string]schedule{
		"an extra byte":   {longer: map[int]int{count / 2: 1}},
		"1 ms":            {late: map[int]time.Duration{count / 2: time.Millisecond}},
		"one cell less":   {count: count - 1},
		"one cell bigger": {longer: map[int]int{count - 1: 8}},
	}
	for name, s := range planted {
		s.interval = base.interval
		if s.count == 0 {
			s.count = count
		}
		if simnet.Diff(first, trace(t, s)) == "" {
			t.Errorf("%s: not seen", name)
		}
	}
}
