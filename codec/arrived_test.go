package codec

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"undertone/transport/cell"
)

// batches gives a Jitter slots that come as several messages, each with a delay
// of its own, and all of which are heard if live is set. It returns the offset
// from the grid at which slots are due.
func batches(j *Jitter, live bool, from cell.Slot, slots int, delays ...time.Duration) time.Duration {
	at := time.Unix(1000, 0)
	start := func(n cell.Slot) time.Time {
		return at.Add(cell.Interval40.Duration() * time.Duration(n)) //nolint:gosec // small
	}
	n := from
	var f Frame
	for range slots {
		for _, d := range delays {
			j.Arrived(n, start(n).Add(d))
		}
		if live {
			j.Put(n, 0, &f)
			j.Take(n, 0, &f)
		}
		n++
	}
	due, _ := j.Due(n)
	return due.Sub(start(n))
}

// TestJitterMessages: a slot of several messages counts once, and is due after
// the last of them.
func TestJitterMessages(t *testing.T) {
	const ms = time.Millisecond
	for name, delays := range map[string][]time.Duration{
		"in order":  {10 * ms, 12 * ms, 14 * ms, 30 * ms},
		"reordered": {30 * ms, 12 * ms, 10 * ms},
		"one":       {30 * ms},
	} {
		j := NewJitter(cell.Interval40, 1)
		if got := batches(j, false, 0, 100, delays...); got != 30*ms+jitterHeadroom {
			t.Errorf("%s: slots are due after %v, the last message after 30ms", name, got)
		}
		if len(j.late) != 100 || len(j.sorted) != 100 {
			t.Errorf("%s: %d arrivals noted, %d in order, of 100 slots", name, len(j.late), len(j.sorted))
		}
	}
}

// TestJitterMessagesShrink: in a call the wait shrinks by slots, not by messages.
func TestJitterMessagesShrink(t *testing.T) {
	const ms = time.Millisecond
	shrunk := func(delays ...time.Duration) time.Duration {
		j := NewJitter(cell.Interval40, 1)
		before := batches(j, true, 0, 2, 90*ms)
		return before - batches(j, true, 2, 200, delays...)
	}
	one, many := shrunk(10*ms), shrunk(8*ms, 9*ms, 10*ms, 10*ms, 10*ms)
	if one != many || one == 0 {
		t.Errorf("in 200 slots the wait shrank by %v with one message each, by %v with five", one, many)
	}
}

// TestJitterOrder: the lateness that is kept in order is the lateness that is
// kept, through corrections and when the oldest are forgotten.
func TestJitterOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := NewJitter(cell.Interval100, 1) // 100 arrivals are remembered
		at, n := time.Unix(1000, 0), cell.Slot(5)
		oracle := map[cell.Slot]time.Duration{}
		for range rapid.IntRange(1, 300).Draw(t, "messages") {
			n += cell.Slot(rapid.Uint64Range(0, 2).Draw(t, "on"))
			of := n - min(n, cell.Slot(rapid.Uint64Range(0, 3).Draw(t, "back")))
			late := time.Duration(rapid.Int64Range(0, 400).Draw(t, "late")) * time.Millisecond
			on := at.Add(time.Duration(of) * cell.Interval100.Duration()).Add(late) //nolint:gosec // small
			if is := *j; j.begun && is.resent(of, is.lateness(of, on)) {
				j.Arrived(of, on) // It is not noted.
				continue
			}
			j.Arrived(of, on)
			oracle[of] = max(oracle[of], late)
		}
		kept := make([]time.Duration, 0, len(j.late))
		for _, l := range j.late {
			kept = append(kept, l.late)
			// Lateness is counted from the first arrival.
			if want := oracle[l.slot] - at.Add(time.Duration(j.zero)*cell.Interval100.Duration()).Sub(j.ref).Abs(); l.late != want { //nolint:gosec // small
				t.Fatalf("slot %d is noted %v late, want %v", l.slot, l.late, want)
			}
		}
		if slices.Sort(kept); !slices.Equal(kept, j.sorted) {
			t.Fatalf("in order: %v, want %v", j.sorted, kept)
		}
		if len(j.late) != min(len(oracle), 100) {
			t.Fatalf("%d arrivals of %d slots are noted", len(j.late), len(oracle))
		}
	})
}
