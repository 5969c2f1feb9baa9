package rtc

import (
	"fmt"
	"testing"
	"time"

	"undertone/transport/cell"
	"undertone/transport/simnet"
)

// TestRate looks at what modes need.
func TestRate(t *testing.T) {
	for _, c := range []struct {
		interval      time.Duration
		in, out, want int
	}{
		{100 * time.Millisecond, 1, 1, 260},
		{40 * time.Millisecond, 1, 1, 350},
		{20 * time.Millisecond, 1, 1, 500},
		{100 * time.Millisecond, 1, 13, 500},
		{100 * time.Millisecond, 13, 1, 740},
		{20 * time.Millisecond, 8, 8, 2600},
	} {
		if got := Rate(c.interval, c.in, c.out); got != c.want {
			t.Errorf("%d and %d per %v: %d datagrams a second, not %d", c.in, c.out, c.interval, got, c.want)
		}
	}
}

// flooded returns how many datagrams both ends of the link did not take.
func (r *rig) flooded() uint64 {
	return r.client.lane.seen.flooded.Load() + r.server.lane.seen.flooded.Load()
}

// Who sends what his mode has him send gets all of it through, also after the line
// has lost everything for a while, or has held it back and brings it at one moment.
func TestRateIsEnough(t *testing.T) {
	hold := func(at time.Duration, _ int) []time.Duration { return []time.Duration{windowFor - at} }
	for name, out := range map[string]simnet.Path{
		"lost":      {Delay: shortPath.Delay, Loss: 1},
		"held back": {Delay: shortPath.Delay, Fate: hold},
	} {
		for _, i := range cell.Intervals() {
			t.Run(fmt.Sprint(name, " at ", i), func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T) { survive(t, i.Duration(), out) })
			})
		}
	}
}

// survive runs a link that has the rate of its mode over a line that is out for
// windowFor.
func survive(t *testing.T, interval time.Duration, out simnet.Path) {
	t.Helper()
	cfg := DialConfig{Rate: Rate(interval, 1, 1)}
	r, err := openRigFor(t, cfg, 1, shortPath, shortPath, func(answer string) string { return answer })
	defer r.close()
	if err != nil {
		t.Fatal(err)
	}
	const before = 5 * time.Second
	back := time.Now().Add(before + windowFor)
	time.AfterFunc(before, func() { r.user.SetPaths(out, out) })
	time.AfterFunc(before+windowFor, func() { r.user.SetPaths(shortPath, shortPath) })
	s := schedule{interval: interval, count: int(15 * time.Second / interval)}
	start := r.run(s)
	for name, seen := range map[string]*ledger{"up": &r.up, "down": &r.down} {
		checked := 0
		for n := range s.count {
			sent := start.Add(time.Duration(n) * interval)
			if name == "down" {
				sent = sent.Add(stagger)
			}
			if !sent.After(back) {
				continue
			}
			checked++
			if at, ok := seen.when(n); !ok || at.Sub(sent) > shortPath.Delay+interval {
				t.Errorf("cell %d %s, sent %v after the outage, took %v", n, name, sent.Sub(back), at.Sub(sent))
			}
		}
		if checked < s.count/4 {
			t.Errorf("only %d cells %s were sent after the outage", checked, name)
		}
	}
	if n := r.flooded(); n > 0 {
		t.Errorf("%d datagrams were too many", n)
	}
}

// A member who sends all that he can over his own link, each record encrypted as it
// should be, is cut to the rate of the link. If they were messages, it would end: there
// would be too many gaps among them.
func TestFloodOverOwnLink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const length = 4 * time.Second
		cfg := DialConfig{Rate: Rate(cell.Interval40.Duration(), 1, 1), Window: maxWindow}
		r, err := openRigFor(t, cfg, 1, shortPath, shortPath, func(answer string) string { return answer })
		defer r.close()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		before := r.listener.Stats()
		m := newRaw(r.client)
		for range length / time.Millisecond {
			m.send(t, control(chunkHeartbeat, 0, 1, 0, 4))
			time.Sleep(time.Millisecond)
		}
		if err := r.server.Err(); err != nil {
			t.Error(err)
		}
		after := r.listener.Stats()
		came, flooded := after.Datagrams-before.Datagrams, after.Flooded-before.Flooded
		if most := uint64(cfg.Rate * int(1+length/time.Second)); came-flooded > most {
			t.Errorf("%d of %d datagrams were taken, more than %d", came-flooded, came, most)
		}
		if flooded < 1000 {
			t.Errorf("only %d of %d were too many", flooded, came)
		}
	})
}
