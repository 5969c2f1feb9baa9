package pacer

import (
	"bytes"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"undertone/transport/cell"
)

// TestPartsAreOfOneBatch stages and covers whatever it can between the
// parts of a slot. All parts are what was there at the tick, and leave in time.
func TestPartsAreOfOneBatch(t *testing.T) {
	for _, i := range cell.Intervals() {
		synctest.Test(t, func(t *testing.T) {
			var r *rig
			r = start(t, twice(i), quiet, quiet, func(n cell.Slot) {
				if r.Stage(n, batch(&r.cfg, n, 'x')) || r.cover.Put(n, batch(&r.cfg, n, 'y')) {
					t.Errorf("replaced slot %d after its tick", n)
				}
			})
			time.Sleep(3 * time.Millisecond) // off the grid of the clock
			r.Heard(firstSlot, time.Now(), noReport)
			time.Sleep(5 * time.Second)
			all := r.end()
			if len(all) < 80 || r.torn > 0 {
				t.Fatalf("%d parts, %d messages out of place", len(all), r.torn)
			}
			for k, s := range all[:len(all)/2*2] {
				tick := all[k/2*2]
				if s.slot != tick.slot || s.what != tick.what || s.part != k%2 {
					t.Fatalf("%v: slot %d: part %d of %c after part %d of %c", i, s.slot, s.part, s.what, tick.part, tick.what)
				}
				if d := s.at.Sub(tick.at); d != time.Duration(k%2)*i.Duration()/2 {
					t.Fatalf("%v: part %d is sent %v after the tick", i, s.part, d)
				}
			}
		})
	}
}

// A log takes what a pacer without a goroutine sends.
type log struct {
	*Pacer
	at    time.Time
	parts []string // kind, slot after the first, and part
}

func newLog(t testing.TB, cfg Config) *log {
	l := &log{}
	l.Pacer, l.at = at(t, cfg, func(b []byte) {
		if b[10] == 0 {
			l.parts = append(l.parts, string(b[8])+strconv.Itoa(int(b[7])-firstSlot&0xff)+"/"+strconv.Itoa(int(b[9])))
		}
	})
	return l
}

// lay covers everything that wants it.
func (l *log) lay(what byte) {
	for n, ok := l.Want(); ok; n, ok = l.Want() {
		l.Cover(n, batch(&l.cfg, n, what))
	}
}

// run does what is due until the time d after the first tick, each thing late by
// what lateness says of its time.
func (l *log) run(until time.Duration, lateness func(due time.Duration) time.Duration) {
	for now, what := l.due(); now.Before(l.at.Add(until)); now, what = l.due() {
		l.do(what, now.Add(lateness(now.Sub(l.at))))
	}
}

func inTime(time.Duration) time.Duration { return 0 }

func (l *log) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(l.parts, want) {
		t.Fatalf("sent %v, not %v", l.parts, want)
	}
}

// TestPartIsSkippedAlone has one part after the other come too late, and just in
// time.
func TestPartIsSkippedAlone(t *testing.T) {
	cfg := twice(cell.Interval40)
	const ms = time.Millisecond
	for _, c := range []struct {
		name string
		due  time.Duration
		late time.Duration
		want []string
		skip uint64
	}{
		{"the first part, as late as may be", 40 * ms, 10 * ms, []string{"c0/0", "c0/1", "c1/0", "c1/1", "c2/0", "c2/1"}, 0},
		{"the first part", 40 * ms, 10*ms + 1, []string{"c0/0", "c0/1", "c1/1", "c2/0", "c2/1"}, 1},
		{"the last part, as late as may be", 60 * ms, 10 * ms, []string{"c0/0", "c0/1", "c1/0", "c1/1", "c2/0", "c2/1"}, 0},
		{"the last part", 60 * ms, 10*ms + 1, []string{"c0/0", "c0/1", "c1/0", "c2/0", "c2/1"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLog(t, cfg)
			l.lay(isCover)
			l.run(120*ms, func(due time.Duration) time.Duration {
				if due == c.due {
					return c.late
				}
				return 0
			})
			l.expect(t, c.want...)
			if st := l.Stats(); st.Skipped != c.skip || st.Sent != 6-c.skip || st.Bare != 0 {
				t.Fatalf("%+v", st)
			}
		})
	}
}

// TestEveryPartIsCounted stops the clock for any time at any moment: what was not
// sent was skipped, and never is anything sent too late.
func TestEveryPartIsCounted(t *testing.T) {
	cfg := Config{Interval: cell.Interval20, Lead: 10 * time.Millisecond, Parts: 2, Size: 16}
	const ms = time.Millisecond
	for stop := range 100 * ms / ms {
		l := newLog(t, cfg)
		l.lay(isCover)
		now := l.at
		for k := 0; k < 40; k++ {
			due, what := l.due()
			if due.After(now) {
				now = due
			}
			if k == 7 {
				now = now.Add(stop * ms)
			}
			l.do(what, now)
		}
		st := l.Stats()
		if _, next := l.grid.Next(); st.Sent+st.Skipped != uint64(next-firstSlot)*2-uint64(cfg.Parts-l.turn.part) {
			t.Fatalf("a stop of %v: slot %d, part %d, %+v", stop*ms, next, l.turn.part, st)
		}
		if st.MaxLateness > l.cfg.tolerance() {
			t.Fatalf("sent late by %v", st.MaxLateness)
		}
	}
}

// TestCoverIsMadeAnew replaces cover while there is some, from the newest slot down
// and upwards.
func TestCoverIsMadeAnew(t *testing.T) {
	l := newLog(t, twice(cell.Interval40))
	if _, ok := (&Pacer{}).Want(); ok {
		t.Error("cover is wanted before there is a slot")
	}
	l.lay('a')
	l.run(40*time.Millisecond, inTime)
	l.Cover(firstSlot+2, batch(&l.cfg, firstSlot+2, 'b'))
	l.run(160*time.Millisecond, inTime) // Slot 3 keeps the old one.
	next, _ := l.Want()
	for n := next - 1; n >= firstSlot+4; n-- {
		l.Cover(n, batch(&l.cfg, n, 'c'))
	}
	if l.Cover(firstSlot+3, batch(&l.cfg, firstSlot+3, 'x')) {
		t.Error("covered a slot that was sent")
	}
	if n, _ := l.Want(); n != next {
		t.Errorf("want cover for slot %d, not for %d", n, next)
	}
	l.run(200*time.Millisecond, inTime)
	l.expect(t, "a0/0", "a0/1", "a1/0", "a1/1", "b2/0", "b2/1", "a3/0", "a3/1", "c4/0", "c4/1")
}

// TestCoverBetweenParts replaces the cover of a slot when half of it is out.
func TestCoverBetweenParts(t *testing.T) {
	l := newLog(t, twice(cell.Interval40))
	l.lay('a')
	l.run(time.Millisecond, inTime)
	for n := cell.Slot(firstSlot); n < firstSlot+3; n++ {
		l.Cover(n, batch(&l.cfg, n, 'b'))
	}
	l.Stage(firstSlot, batch(&l.cfg, firstSlot, 'x'))
	l.run(80*time.Millisecond, inTime)
	l.expect(t, "a0/0", "a0/1", "b1/0", "b1/1")
}

// TestCoverInEverySlot has the feeder make all cover anew in every slot, and
// stand still in between. Nothing of it shows.
func TestCoverInEverySlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := twice(cell.Interval20)
		var r *rig
		r = start(t, cfg, func(n cell.Slot) {
			for next, _ := r.Want(); next > n; next-- {
				r.Cover(next-1, batch(&cfg, next-1, 'c'))
			}
			if n%50 == 0 {
				time.Sleep(130 * time.Millisecond)
			}
		}, quiet, quiet)
		r.Heard(firstSlot, time.Now(), noReport)
		time.Sleep(2 * time.Second)
		if gaps := odd(r.end(), cfg); len(gaps) > 0 || r.torn > 0 || r.Stats().Bare > 0 {
			t.Fatalf("gaps of %v, %d messages out of place, %+v", gaps, r.torn, r.Stats())
		}
	})
}

// TestFirstGridIsForTheLastPart lays grids for one part and for two.
func TestFirstGridIsForTheLastPart(t *testing.T) {
	heard := time.Unix(1000, 0)
	for _, i := range cell.Intervals() {
		once, two := Config{Interval: i, Lead: 10 * time.Millisecond}, twice(i)
		for _, c := range []*Config{&once, &two} {
			if err := c.populate(); err != nil {
				t.Fatal(err)
			}
		}
		r := report{slot: firstSlot, at: heard}
		one, halves := once.firstGrid(r, heard), two.firstGrid(r, heard)
		// The last parts come at the same phase, for the same slot.
		a, n := one.Next()
		b, m := halves.Next()
		if d := b.Add(i.Duration() / 2).Sub(a); d != time.Duration(int64(m)-int64(n))*i.Duration() {
			t.Errorf("%v: the last part of slot %d comes %v after the cell of slot %d", i, m, d, n)
		}
	}
}

// TestOddBatches offers what is no batch.
func TestOddBatches(t *testing.T) {
	l := newLog(t, twice(cell.Interval40))
	for _, n := range []int{0, 1156, l.cfg.batch() - 1, l.cfg.batch() + 1} {
		if l.Cover(firstSlot, make([]byte, n)) || l.Stage(firstSlot, make([]byte, n)) {
			t.Errorf("took %d bytes", n)
		}
	}
	if got := l.Stats().StagedLate; got != 4 {
		t.Errorf("%d counted", got)
	}
}

// TestSendHandsOverMessages looks at the very bytes.
func TestSendHandsOverMessages(t *testing.T) {
	var got [][]byte
	cfg := twice(cell.Interval40)
	p, first := at(t, cfg, func(b []byte) { got = append(got, bytes.Clone(b[:cap(b)])) })
	b := batch(&p.cfg, firstSlot, isCover)
	for k := range b {
		b[k] ^= byte(k * k >> 3)
	}
	p.Cover(firstSlot, b)
	p.tick(first)
	p.sendPart(first)
	if len(got) != 8 || len(got[0]) != 1156 || !bytes.Equal(slices.Concat(got...), b) {
		t.Fatalf("%d messages, not those of the batch", len(got))
	}
}
