package crowd

import (
	"testing"
	"time"

	"undertone/server/bench/internal/socket"
	"undertone/transport/cell"
	"undertone/transport/seal"
)

// What crosses a socket, in bytes: an acknowledgement, a cell, and two cells.
const ackSize, cellSize, twoCellsSize = 65, 197, 345

// visited returns a visit that nobody dials, of a user who is online.
func visited(t *testing.T, leads bool) (*Crowd, *visit) {
	t.Helper()
	f := newFake()
	f.leads = leads
	c := New(Config{Service: f, Interval: interval, Margin: margin})
	t.Cleanup(c.Close)
	v := newVisit(c)
	c.enter(v)
	t.Cleanup(func() { c.exit(v) })
	return c, v
}

func (v *visit) heardAt(n cell.Slot, at time.Time) {
	v.hear(Heard{Slot: n, Of: 1, Early: seal.NoFeedback, At: at})
}

func crossing(at time.Time, size int, sent bool) socket.Crossing {
	return socket.Crossing{At: at.UnixNano(), Size: size, Sent: sent}
}

// The time of an answer is from when its own message left until it came, also if it
// is read when the next message has left, and before the one who sent runs on.
func TestTrip(t *testing.T) {
	const trip = 2 * time.Millisecond
	c, v := visited(t, true)
	at := time.Now()
	v.heardAt(0, at)
	begin := func(n cell.Slot) {
		v.handOver(n)
		v.see(crossing(at, cellSize, true))
		v.see(crossing(at.Add(time.Millisecond), ackSize, true))
	}
	begin(1)
	for n := range cell.Slot(100) {
		if n == 30 { // They are trusted by now.
			c.Begin()
		}
		v.see(crossing(at.Add(trip), cellSize, false))
		v.see(crossing(at.Add(trip), ackSize, false))
		at = at.Add(interval.Duration())
		begin(n + 2)
		v.heardAt(n+1, at.Add(trip/2))
	}
	if w := c.End(); w.Trip.Count() != 70 || w.Trip.Mean() != trip || w.Trip.Max() != trip || w.Late.Count() != 0 {
		t.Errorf("%d answers after %v, at most %v; %d late", w.Trip.Count(), w.Trip.Mean(), w.Trip.Max(), w.Late.Count())
	}
}

// Where it is not known which message it was that left, nothing is said of the answer.
func TestTripOfNone(t *testing.T) {
	c, v := visited(t, true)
	at := time.Now()
	v.heardAt(0, at)
	for n := cell.Slot(1); n <= 100; n++ {
		v.handOver(n)
		if n%10 > 1 {
			v.see(crossing(at, cellSize, true)) // In the others, it leaves with the next, or never.
		}
		v.see(crossing(at.Add(time.Millisecond), cellSize, false))
		v.heardAt(n, at.Add(2*time.Millisecond))
		at = at.Add(interval.Duration())
	}
	// Of every ten, two do not leave, and one leaves when two more could have.
	if w := c.End(); w.Trip.Count() != 7*8 || w.Trip.Max() != time.Millisecond {
		t.Errorf("%d answers, at most after %v", w.Trip.Count(), w.Trip.Max())
	}
}

// Lateness is that of what came, and not that of who reads, who is late by up to most
// of an interval.
func TestLate(t *testing.T) {
	const place, late, slots = 62 * time.Millisecond, 31 * time.Millisecond, 300
	c, v := visited(t, false)
	first := interval.At(time.Now()) / 50 * 50
	v.heardAt(first, time.Now())
	for n := first + 1; n <= first+slots; n++ {
		if n == first+slots/2 {
			c.Begin()
		}
		came := interval.Start(n).Add(place)
		if n%10 == 0 {
			came = came.Add(late)
		}
		switch n % 50 {
		case 7: // It is lost at first, and comes with the next.
		case 8:
			v.see(crossing(came, twoCellsSize, false))
			v.heardAt(n, came.Add(time.Millisecond))
			v.heardAt(n-1, came.Add(time.Millisecond))
		default:
			v.see(crossing(came, cellSize, false))
			v.see(crossing(came.Add(time.Millisecond), ackSize, false))
			v.heardAt(n, came.Add(time.Duration(n*7%65)*time.Millisecond))
		}
	}
	w := c.End()
	if want := uint64(slots/2 + 1 - slots/2/50); w.Late.Count() != want || w.Trip.Count() != 0 {
		t.Errorf("%d of %d messages timed", w.Late.Count(), want)
	}
	if w.Late.Max() != late || w.Late.Quantile(0.89) != 0 || w.Late.Quantile(0.91) != late {
		t.Errorf("late by %+v", w.Late.Summary())
	}
	if beats := w.Beats.Span(); beats == nil || beats.First != 62 || beats.Last != 62 {
		t.Errorf("the beat is at %+v", beats)
	}
}
