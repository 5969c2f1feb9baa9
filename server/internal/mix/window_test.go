package mix

import (
	"testing"
	"time"

	"undertone/transport/cell"
)

func TestTimings(t *testing.T) {
	for _, i := range cell.Intervals() {
		for _, c := range []struct {
			mode     cell.Mode
			channels int
			most     map[cell.Interval]int
		}{
			{cell.TMIX, 0, map[cell.Interval]int{cell.Interval20: 1600, cell.Interval40: 3200, cell.Interval100: 12800}},
			{cell.BMIX, 0, map[cell.Interval]int{cell.Interval20: 320, cell.Interval40: 320, cell.Interval100: 320}},
			{cell.SMIX, 8, map[cell.Interval]int{cell.Interval20: 528, cell.Interval40: 528, cell.Interval100: 528}},
			{cell.SMIX, 32, map[cell.Interval]int{cell.Interval20: 192, cell.Interval40: 528, cell.Interval100: 528}},
		} {
			if got := MaxSeats(c.mode, i, c.channels); got != c.most[i] {
				t.Errorf("%v has room for %d in %v with %d channels, not %d", i, got, c.mode, c.channels, c.most[i])
			}
			checkTimings(t, i, loadOf(c.mode, c.channels))
		}
	}
}

func checkTimings(t *testing.T, i cell.Interval, l load) {
	all := timings(i, l)
	apart := i.Duration() / time.Duration(l.up.Parts)
	want := map[cell.Interval]time.Duration{
		cell.Interval20: 2500 * time.Microsecond, cell.Interval40: 5 * time.Millisecond, cell.Interval100: 5 * time.Millisecond,
	}
	if all[0].window != want[i] {
		t.Errorf("%v: the smallest window is %v", i, all[0].window)
	}
	for k, a := range all {
		if a.window+a.work > apart || a.window > apart/2 {
			t.Errorf("%v: %+v does not fit", i, a)
		}
		if k > 0 && (a.window < all[k-1].window || a.work <= all[k-1].work || a.users <= all[k-1].users) {
			t.Errorf("%v: %+v after %+v", i, a, all[k-1])
		}
		// The parts of one slot do not run into each other, and, whatever order
		// sets come in, the sends of a slot are over before the pass of the next.
		for _, b := range all {
			if a.users > b.users*2 {
				continue // A set cannot shrink by more in one slot and keep its offsets.
			}
			if over := i.Duration() - apart + 2*a.window + a.work; over > i.Duration()+b.window+a.window/2 {
				t.Errorf("%v: %+v runs into %+v", i, a, b)
			}
		}
	}
}

// TestTimingHolds joins and leaves around the size at which the timing changes.
func TestTimingHolds(t *testing.T) {
	all := timings(cell.Interval100, loadOf(cell.TMIX, 0))
	now := timingFor(all, all[0], 50, 4*time.Millisecond)
	if now != all[0] {
		t.Fatalf("50 users: %+v", now)
	}
	if now = timingFor(all, now, 51, 4*time.Millisecond); now != all[1] {
		t.Fatalf("51 users: %+v", now)
	}
	if now = timingFor(all, now, 40, 4*time.Millisecond); now != all[1] {
		t.Fatalf("40 users again: %+v", now)
	}
	if got := timingFor(all, now, 37, 6*time.Millisecond); got != all[1] {
		t.Fatalf("37 users, one beyond the smaller window: %+v", got)
	}
	if now = timingFor(all, now, 37, 4*time.Millisecond); now != all[0] {
		t.Fatalf("37 users: %+v", now)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{
		{Mode: cell.TMIX, Interval: cell.Interval40},
		{Interval: cell.Interval40, Seats: 1},
		{Mode: cell.TMIX, Interval: cell.Interval40, Seats: -1},
		{Mode: cell.TMIX, Interval: cell.Interval40, Seats: 3201},
		{Mode: cell.BMIX, Interval: cell.Interval40, Seats: 321},
		{Mode: cell.SMIX, Interval: cell.Interval40, Seats: 10},
		{Mode: cell.SMIX, Interval: cell.Interval40, Seats: 10, Channels: 33},
		{Mode: cell.TMIX, Interval: cell.Interval(time.Millisecond), Seats: 1},
		{Mode: cell.TMIX, Seats: 10},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

func TestRandomOffset(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 1000 {
		d := randomOffset(5 * time.Millisecond)
		if d < 0 || d >= 5*time.Millisecond {
			t.Fatalf("%v is not in the window", d)
		}
		seen[d] = true
	}
	if len(seen) < 990 {
		t.Fatalf("%d different offsets of 1000", len(seen))
	}
}
