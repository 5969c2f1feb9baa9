package session

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/pacer"
	"undertone/transport/seal"
)

const offset = 3 * time.Millisecond

// epoch is not on the grid of any interval.
var epoch = time.Date(2026, 5, 4, 3, 2, 1, 234567890, time.UTC)

func labelled(n cell.Slot, content byte) []byte {
	b := make([]byte, cell.Size)
	binary.BigEndian.PutUint16(b, n.Low())
	b[cell.Size-1] = content
	return b
}

// single is the batch of tMIX and bMIX, double that of an sMIX.
var (
	single = half.Shape{Parts: 1, Messages: 1, Size: cell.Size}
	double = half.Shape{Parts: 2, Messages: 3, Size: 1156}
)

func newShapedLine(i cell.Interval, s half.Shape) (*Line, Clock, *Counters) {
	c, count := NewClock(i, epoch), new(Counters)
	return New(key.Handle{1}, &Config{Clock: c, Shape: s, Count: count}, offset, epoch), c, count
}

func newLine(i cell.Interval) (*Line, Clock, *Counters) {
	return newShapedLine(i, single)
}

func TestClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.SampledFrom(cell.Intervals()).Draw(t, "interval")
		now := time.Unix(0, rapid.Int64Range(1e18, 4e18).Draw(t, "now"))
		c := NewClock(i, now)
		at := now.Add(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "later")))
		if got, want := c.At(at), i.At(at); got != want {
			t.Fatalf("slot %d, want %d", got, want)
		}
		if got, want := c.Start(c.At(at)), i.Start(i.At(at)); !got.Equal(want) {
			t.Fatalf("start %v, want %v", got, want)
		}
	})
}

// TestCutOff sends a cell at every moment around its slot.
func TestCutOff(t *testing.T) {
	for _, i := range cell.Intervals() {
		slot := i.Duration()
		for _, c := range []struct {
			name                string
			before              time.Duration // the cut-off
			kept                bool
			late, early, early8 int
		}{
			{"at the cut-off", 0, true, 0, 0, 0},
			{"just after it", -1, false, 1, 0, -1},
			{"long after it", -10 * time.Second, false, 1, 0, -127},
			{"a slot ahead", slot, true, 0, 0, i.Milliseconds()},
			{"as far ahead as possible", ahead*slot - 1, true, 0, 0, ahead*i.Milliseconds() - 1},
			{"too far ahead", ahead * slot, false, 0, 1, ahead * i.Milliseconds()},
		} {
			l, clock, count := newLine(i)
			n := clock.At(epoch) + 1000
			l.Receive(labelled(n, 1), clock.Start(n).Add(offset-c.before))
			var got cell.Cell
			if l.Take(n, got[:]) != c.kept {
				t.Errorf("%v, %s: kept is %v", i, c.name, !c.kept)
			}
			if count.Late.Load() != uint64(c.late) || count.Early.Load() != uint64(c.early) {
				t.Errorf("%v, %s: counted %d late, %d early", i, c.name, count.Late.Load(), count.Early.Load())
			}
			if want := int8(min(c.early8, best)); l.Early() != want {
				t.Errorf("%v, %s: reported %d, not %d", i, c.name, l.Early(), want)
			}
		}
	}
}

func TestOverwriteAndOnce(t *testing.T) {
	l, clock, _ := newLine(cell.Interval40)
	n := clock.At(epoch) + 10
	at := clock.Start(n)
	l.Receive(labelled(n, 1), at)
	l.Receive(labelled(n, 2), at)
	var got cell.Cell
	if !l.Take(n, got[:]) || got[cell.Size-1] != 2 {
		t.Fatalf("got %d", got[cell.Size-1])
	}
	l.Receive(labelled(n, 3), at)
	if l.Take(n, got[:]) {
		t.Fatal("a label was accepted twice")
	}
}

// TestRingHoldsAll keeps a cell for each slot that may be early while the one
// that was cut off waits.
func TestRingHoldsAll(t *testing.T) {
	l, clock, _ := newLine(cell.Interval20)
	n := clock.At(epoch) + 10
	l.Receive(labelled(n, 0), clock.Start(n).Add(offset))
	at := clock.Start(n).Add(offset + 1) // n is cut off.
	for k := 1; k <= ahead; k++ {
		l.Receive(labelled(n+cell.Slot(k), byte(k)), at)
	}
	var got cell.Cell
	for k := range ahead + 1 {
		if !l.Take(n+cell.Slot(k), got[:]) || got[cell.Size-1] != byte(k) {
			t.Errorf("slot %d is not there", k)
		}
	}
}

func TestOddLengths(t *testing.T) {
	l, _, count := newLine(cell.Interval40)
	for _, size := range []int{0, 1, cell.Size - 1, cell.Size + 1, 1156} {
		l.Receive(make([]byte, size), epoch)
	}
	if count.Odd.Load() != 5 || l.Early() != seal.NoFeedback {
		t.Fatalf("%d counted, reported %d", count.Odd.Load(), l.Early())
	}
}

func TestQuantile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int8(), 1, lookBack).Draw(t, "values")
		sorted := slices.Sorted(slices.Values(values))
		if got, want := low(values), sorted[(len(sorted)-1)/quantile]; got != want {
			t.Fatalf("%d, want %d", got, want)
		}
	})
}

// TestFeedbackForgets moves the slots forward after a while of lateness, and
// then loses cells, which looks almost alike.
func TestFeedbackForgets(t *testing.T) {
	l, clock, _ := newLine(cell.Interval40)
	i := clock.Interval()
	n := clock.At(epoch) + 10
	at := clock.Start(n).Add(offset + 50*time.Millisecond)
	send := func() { l.Receive(labelled(n, 0), at); n++; at = at.Add(i) }
	for range 100 {
		send()
	}
	if l.Early() != -50 {
		t.Fatalf("reported %d, not -50", l.Early())
	}
	n += 2
	send()
	if l.Early() != 30 {
		t.Fatalf("reported %d after slots moved by 80 ms, not 30", l.Early())
	}
	at = at.Add(-10 * time.Millisecond)
	for range 70 {
		send()
	}
	n, at = n+3, at.Add(3*i+15*time.Millisecond)
	for range 4 {
		send()
	}
	if l.Early() != 25 {
		t.Fatalf("reported %d after a loss, not 25", l.Early())
	}
}

// What was lost and is sent again comes long after its time and does not count, be
// it every fourth cell.
func TestFeedbackIgnoresWhatWasOvertaken(t *testing.T) {
	l, clock, count := newLine(cell.Interval40)
	i, n := clock.Interval(), clock.At(epoch)+10
	for range cell.Slot(200) {
		on := clock.Start(n).Add(offset - 5*time.Millisecond)
		if n%4 != 0 {
			l.Receive(labelled(n, 0), on)
			l.Receive(labelled(n, 0), on) // A second copy is in time as well.
		} else if n > 4 {
			l.Receive(labelled(n-4, 0), on.Add(i/2))
		}
		n++
	}
	if l.Early() != 5 || count.Late.Load() == 0 {
		t.Fatalf("reported %d, and %d late", l.Early(), count.Late.Load())
	}
}

// What a path that reorders brings a little later does count.
func TestFeedbackSeesReordering(t *testing.T) {
	l, clock, _ := newLine(cell.Interval20)
	n := clock.At(epoch) + 10
	for range cell.Slot(100) {
		l.Receive(labelled(n+1, 0), clock.Start(n+1).Add(offset-10*time.Millisecond))
		l.Receive(labelled(n, 0), clock.Start(n).Add(offset+30*time.Millisecond))
		n += 2
	}
	if l.Early() != -30 {
		t.Fatalf("reported %d", l.Early())
	}
}

func TestTable(t *testing.T) {
	clock, count := NewClock(cell.Interval40, epoch), new(Counters)
	cfg := &Config{Clock: clock, Shape: single, Count: count}
	line := func(h byte, at time.Time) *Line { return New(key.Handle{h}, cfg, 0, at) }
	table := NewTable(2)
	a, b := line(1, epoch), line(2, epoch.Add(time.Second))
	for _, l := range []*Line{a, b} {
		if old, err := table.Add(l); old != nil || err != nil {
			t.Fatal(old, err)
		}
	}
	if a.Seat() == b.Seat() {
		t.Fatal("two lines have one seat")
	}
	if _, err := table.Add(line(3, epoch)); !errors.Is(err, ErrFull) {
		t.Fatalf("a full table: %v", err)
	}
	again := line(1, epoch)
	if old, err := table.Add(again); old != a || err != nil {
		t.Fatalf("a user who comes back: %v, %v", old, err)
	}
	if table.Remove(a) || table.Find(a.Handle()) != again {
		t.Fatal("a line that was replaced was on the list")
	}
	again.Receive(labelled(0, 0), epoch.Add(time.Second))
	for _, c := range []struct {
		after time.Duration
		gone  []*Line
	}{
		{time.Second + Patience - 1, nil},
		{time.Second + Patience, []*Line{again}},
		{time.Second + Arrival - 1, []*Line{again}}, // b was never heard.
	} {
		if gone := table.Gone(epoch.Add(c.after)); !slices.Equal(gone, c.gone) {
			t.Fatalf("after %v %d lines are gone", c.after, len(gone))
		}
	}
	if gone := table.Gone(epoch.Add(time.Second + Arrival)); len(gone) != 2 {
		t.Fatalf("%d lines are gone in the end", len(gone))
	}
	if !table.Remove(again) || table.Len() != 1 {
		t.Fatal("not removed")
	}
}

// TestLowestSeatFirst compares a table with the plainest way to choose a seat.
func TestLowestSeatFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const seats = 12
		cfg := &Config{Clock: NewClock(cell.Interval40, epoch), Shape: single, Count: new(Counters)}
		table, taken := NewTable(seats), [seats]*Line{}
		for k := range rapid.IntRange(1, 60).Draw(t, "steps") {
			if i := rapid.IntRange(0, seats-1).Draw(t, "seat"); taken[i] != nil && rapid.Bool().Draw(t, "leave") {
				table.Remove(taken[i])
				taken[i] = nil
				continue
			}
			l := New(key.Handle{byte(k), 1}, cfg, 0, epoch)
			_, err := table.Add(l)
			want := slices.Index(taken[:], nil)
			if want < 0 != (err != nil) || err == nil && l.Seat() != want {
				t.Fatalf("seat %d, %v; want %d", l.Seat(), err, want)
			}
			if err == nil {
				taken[want] = l
			}
		}
	})
}

// TestPacerFindsItsPhase joins the real pacer to a real line over a network that
// only delays: after some seconds no cell is late, and none comes much too early.
func TestPacerFindsItsPhase(t *testing.T) {
	for _, i := range cell.Intervals() {
		for _, oneWay := range []time.Duration{0, 17 * time.Millisecond, 300 * time.Millisecond} {
			synctest.Test(t, func(t *testing.T) { findPhase(t, i, oneWay) })
		}
	}
}

func findPhase(t *testing.T, i cell.Interval, oneWay time.Duration) {
	clock, count := NewClock(i, time.Now()), new(Counters)
	line := New(key.Handle{1}, &Config{Clock: clock, Shape: single, Count: count}, offset, time.Now())
	var up, down sync.Mutex // Timers run on goroutines of their own.
	p, err := pacer.New(pacer.Config{Interval: i, Lead: 10 * time.Millisecond}, func(b []byte) {
		c := *(*cell.Cell)(b)
		time.AfterFunc(oneWay, func() {
			up.Lock()
			defer up.Unlock()
			line.Receive(c[:], time.Now())
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { p.Run(t.Context()); close(done) }()
	go func() {
		for {
			select {
			case <-p.Wake():
				for n, ok := p.Want(); ok; n, ok = p.Want() {
					p.Cover(n, labelled(n, 0))
				}
			case <-done:
				return
			}
		}
	}()
	var got cell.Cell
	missing := 0
	first := clock.At(time.Now()) + 1
	for n := first; n < first+i.Slots(20*time.Second); n++ {
		time.Sleep(time.Until(clock.Start(n).Add(5 * time.Millisecond)))
		if !line.Take(n, got[:]) && n > first+i.Slots(5*time.Second) {
			missing++
		}
		early := line.Early()
		time.AfterFunc(time.Millisecond+offset+oneWay, func() {
			down.Lock()
			defer down.Unlock()
			p.Heard(n, time.Now(), early)
		})
	}
	if missing > 0 {
		t.Errorf("%v, %v one way: %d cells missing after 5 s", i, oneWay, missing)
	}
	if e := line.Early(); e < 4 || e > 30 {
		t.Errorf("%v, %v one way: cells come %d ms early", i, oneWay, e)
	}
}

func TestNoAllocations(t *testing.T) {
	l, clock, _ := newLine(cell.Interval20)
	n, at, b := clock.At(epoch), epoch, labelled(0, 0)
	var c cell.Cell
	if a := testing.AllocsPerRun(1000, func() {
		binary.BigEndian.PutUint16(b, n.Low())
		l.Receive(b, at)
		l.Take(n, c[:])
		n, at = n+1, at.Add(clock.Interval())
	}); a != 0 {
		t.Fatalf("%v allocations", a)
	}
	l, _, _ = newShapedLine(cell.Interval20, double)
	batch := make([]byte, double.Bytes())
	b = placed(n, 1, 2, 0)
	if a := testing.AllocsPerRun(1000, func() {
		binary.BigEndian.PutUint16(b, n.Low())
		l.Receive(b, at)
		l.Take(n, batch)
		n, at = n+1, at.Add(clock.Interval())
	}); a != 0 {
		t.Fatalf("%v allocations for a batch", a)
	}
}

func BenchmarkReceive(b *testing.B) {
	l, clock, _ := newLine(cell.Interval20)
	n, at, c := clock.At(epoch), epoch, labelled(0, 0)
	b.ReportAllocs()
	for b.Loop() {
		binary.BigEndian.PutUint16(c, n.Low())
		l.Receive(c, at)
		n, at = n+1, at.Add(clock.Interval())
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(labelled(7, 1), int64(0))
	f.Add([]byte{}, int64(1e9))
	f.Add(labelled(65535, 1), int64(-1e9))
	f.Add(placed(7, 1, 2, 1), int64(0))
	f.Fuzz(func(t *testing.T, b []byte, later int64) {
		for _, s := range []half.Shape{single, double} {
			l, clock, count := newShapedLine(cell.Interval20, s)
			l.Receive(b, epoch.Add(time.Duration(later%1e15)))
			if len(b) != s.Size && count.Odd.Load() != 1 {
				t.Fatalf("%d bytes were taken for a message of %d", len(b), s.Size)
			}
			batch := make([]byte, s.Bytes())
			n := clock.At(epoch)
			for k := range cell.Slot(20) {
				if l.Take(n+k, batch) && s.Messages > 1 {
					t.Fatal("one message was taken for a batch")
				}
			}
		}
	})
}
