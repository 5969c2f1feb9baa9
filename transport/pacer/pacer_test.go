package pacer

import (
	"context"
	"encoding/binary"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"undertone/transport/cell"
)

// What the test's cells carry.
const (
	isCover = 'c'
	isVoice = 'v'
)

func mark(n cell.Slot, what byte) []byte {
	c := config
	c.shape()
	return batch(&c, n, what)
}

// batch returns a batch whose messages say which they are.
func batch(c *Config, n cell.Slot, what byte) []byte {
	b := make([]byte, c.batch())
	for k := range c.Parts * c.Messages {
		m := b[k*c.Size:]
		binary.BigEndian.PutUint64(m, uint64(n))
		m[8], m[9], m[10] = what, byte(k/c.Messages), byte(k%c.Messages)
	}
	return b
}

// A sent is a part that was sent.
type sent struct {
	at   time.Time
	slot cell.Slot
	what byte
	part int
}

// A rig is a Pacer with a feeder and an engine, which stages voice in every
// slot, and an ear on what it sends.
type rig struct {
	*Pacer
	sent []sent
	hurt func(n cell.Slot) // called before a part is out
	stop func(n cell.Slot) // called after it
	torn int               // messages that were not where they belong

	messages int // of the last part
	wg       sync.WaitGroup
	quit     context.CancelFunc
}

// start runs a rig until the test ends. stall is called by feeder and engine in
// each slot.
func start(t *testing.T, cfg Config, stall, hurt, stop func(n cell.Slot)) *rig {
	t.Helper()
	r := &rig{hurt: hurt, stop: stop}
	var err error
	if r.Pacer, err = New(cfg, r.take); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r.quit = cancel
	r.wg.Go(func() { r.Run(ctx) })
	r.wg.Go(func() {
		for {
			select {
			case n := <-r.Wake():
				stall(n)
				for m, ok := r.Want(); ok; m, ok = r.Want() {
					r.Cover(m, batch(&r.cfg, m, isCover))
				}
				r.Stage(n, batch(&r.cfg, n, isVoice))
			case <-ctx.Done():
				return
			}
		}
	})
	return r
}

func (r *rig) take(b []byte) {
	s := sent{time.Now(), cell.Slot(binary.BigEndian.Uint64(b)), b[8], int(b[9])}
	k := int(b[10])
	if k == 0 {
		r.hurt(s.slot)
		s.at = time.Now()
		r.sent, r.messages = append(r.sent, s), 0
	}
	if s != r.sent[len(r.sent)-1] || k != r.messages || len(b) != r.cfg.Size {
		r.torn++
	}
	if r.messages++; r.messages == r.cfg.Messages {
		r.stop(s.slot)
	}
}

// end stops the rig and returns what it sent.
func (r *rig) end() []sent {
	r.quit()
	r.wg.Wait()
	return r.sent
}

// odd returns the gaps that differ from what should lie between two parts.
func odd(all []sent, c Config) (gaps []time.Duration) {
	c.shape()
	for k := 1; k < len(all); k++ {
		if d := all[k].at.Sub(all[k-1].at); d != c.partAt(1) {
			gaps = append(gaps, d)
		}
	}
	return gaps
}

func quiet(cell.Slot) {}

// twice is what an sMIX of 32 channels sends.
func twice(i cell.Interval) Config {
	return Config{Interval: i, Lead: 10 * time.Millisecond, Parts: 2, Messages: 4, Size: 1156}
}

var config = Config{Interval: cell.Interval20, Lead: 10 * time.Millisecond}

const firstSlot = 70_000

// TestStallOfEverythingElse is point 5 of the issue: no gap differs, no burst,
// the stalled slots are cover.
func TestStallOfEverythingElse(t *testing.T) {
	for _, i := range cell.Intervals() {
		for _, length := range []time.Duration{70 * time.Millisecond, 3 * time.Second} {
			once := config
			once.Interval = i
			for name, cfg := range map[string]Config{"one cell": once, "twice": twice(i)} {
				t.Run(i.String()+"/"+length.String()+"/"+name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { stallOnce(t, cfg, length) })
				})
			}
		}
	}
}

func stallOnce(t *testing.T, cfg Config, length time.Duration) {
	i := cfg.Interval
	var from, to time.Time
	r := start(t, cfg, func(n cell.Slot) {
		if n == firstSlot+40 {
			from = time.Now()
			time.Sleep(length)
			to = time.Now()
		}
	}, quiet, quiet)
	r.Heard(firstSlot, time.Now(), noReport)
	const slots = 250
	time.Sleep(slots * i.Duration())
	all := r.end()
	if gaps := odd(all, cfg); len(gaps) > 0 || r.torn > 0 {
		t.Fatalf("gaps of %v, %d messages out of place", gaps, r.torn)
	}
	parts := r.cfg.Parts
	if len(all) < (slots-5)*parts {
		t.Fatalf("%d parts in %d slots", len(all), slots)
	}
	var stalled int
	for k, s := range all {
		want := byte(isVoice)
		tick := s.at.Add(-r.cfg.partAt(s.part))
		if s.slot != all[0].slot+cell.Slot(k/parts) || s.part != k%parts {
			t.Fatalf("message %d is part %d of slot %d", k, s.part, s.slot)
		}
		if tick.Equal(to) {
			continue // The stall ends in the moment of the tick: either is right.
		}
		if tick.After(from) && tick.Before(to) {
			want = isCover
			stalled++
		}
		if s.what != want {
			t.Fatalf("part %d for slot %d is %c, not %c", s.part, s.slot, s.what, want)
		}
	}
	if want := int(length / i.Duration()); stalled < (want-1)*parts || stalled > (want+1)*parts {
		t.Fatalf("%d parts of cover in a stall of %d slots", stalled, want)
	}
	if st := r.Stats(); st.Skipped+st.Bare > 0 || st.MaxLateness > 0 {
		t.Fatalf("%+v", st)
	}
}

// TestMeasureSeesOneMillisecond is the positive control of the test above: the
// same measure catches 1 ms of work inside one tick.
func TestMeasureSeesOneMillisecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, config, quiet, func(n cell.Slot) {
			if n == firstSlot+40 {
				time.Sleep(time.Millisecond)
			}
		}, quiet)
		r.Heard(firstSlot, time.Now(), noReport)
		time.Sleep(2 * time.Second)
		if gaps := odd(r.end(), config); len(gaps) != 2 {
			t.Fatalf("a planted millisecond shows as %v", gaps)
		}
	})
}

// TestStoppedProcess stops the pacer itself, after one of the parts. What was
// missed is skipped, part by part, and what follows keeps to the grid.
func TestStoppedProcess(t *testing.T) {
	for _, stop := range []time.Duration{4, 9, 16, 25, 31, 70, 3000} {
		for part := range 2 {
			synctest.Test(t, func(t *testing.T) { stopAfter(t, twice(config.Interval), part, stop*time.Millisecond) })
		}
		synctest.Test(t, func(t *testing.T) { stopAfter(t, config, 0, stop*time.Millisecond) })
	}
}

func stopAfter(t *testing.T, cfg Config, part int, length time.Duration) {
	k := -1
	r := start(t, cfg, quiet, quiet, func(n cell.Slot) {
		if n == firstSlot+40 {
			if k++; k == part {
				time.Sleep(length)
			}
		}
	})
	r.Heard(firstSlot, time.Now(), noReport)
	time.Sleep(5 * time.Second)
	all := r.end()
	origin, between := all[0].at, r.cfg.partAt(1)
	for k := 1; k < len(all); k++ {
		i := config.Interval.Duration()
		if d := all[k].at.Sub(all[k-1].at); d < between/2 {
			t.Fatalf("after a stop of %v two parts are %v apart", length, d)
		}
		late := all[k].at.Sub(origin) - time.Duration(all[k].slot-all[0].slot)*i - r.cfg.partAt(all[k].part)
		if all[k].slot > firstSlot+41+cell.Slot(length/i) && late != 0 {
			t.Fatalf("slot %d is %v off the grid", all[k].slot, late)
		}
	}
	if got, want := r.Stats().Skipped, uint64(max(0, length-between/2-1)/between); got != want {
		t.Fatalf("a stop of %v after part %d skipped %d parts, not %d", length, part, got, want)
	}
	if r.torn > 0 {
		t.Fatalf("%d messages out of place", r.torn)
	}
}

// TestFeederDead shows the one thing that ends the sending: no cover for longer
// than Hold. Voice alone is not sent, because only calls have it.
func TestFeederDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, config, func(n cell.Slot) {
			if n == firstSlot+40 {
				time.Sleep(8 * time.Second)
			}
		}, quiet, quiet)
		r.Heard(firstSlot, time.Now(), noReport)
		time.Sleep(10 * time.Second)
		all := r.end()
		gaps := odd(all, config)
		if len(gaps) != 1 || gaps[0] < 8*time.Second-MinHold || gaps[0]%config.Interval.Duration() != 0 {
			t.Fatalf("gaps of %v", gaps)
		}
		if got, want := r.Stats().Bare, uint64(gaps[0]/config.Interval.Duration())-1; got != want {
			t.Fatalf("%d slots without cover, not %d", got, want)
		}
	})
}

// TestRelabelDiscards moves the slots forward while voice and cover are staged.
func TestRelabelDiscards(t *testing.T) {
	var got []sent
	synctest.Test(t, func(t *testing.T) {
		r := start(t, config, quiet, quiet, quiet)
		r.Heard(firstSlot, time.Now(), noReport)
		time.Sleep(time.Second)
		now := firstSlot + config.Interval.Slots(time.Second)
		r.Heard(now, time.Now(), -50)
		time.Sleep(time.Second)
		r.Heard(now+50, time.Now(), -50)
		time.Sleep(time.Second)
		got = r.end()
	})
	var leaps []cell.Slot
	for k := 1; k < len(got); k++ {
		if d := got[k].slot - got[k-1].slot; d != 1 {
			leaps = append(leaps, d)
		}
		if got[k].what != isVoice {
			t.Fatalf("slot %d is %c", got[k].slot, got[k].what)
		}
		if d := got[k].at.Sub(got[k-1].at) - 20*time.Millisecond; d.Abs() > 200*time.Microsecond {
			t.Fatalf("slot %d moved by %v", got[k].slot, d)
		}
	}
	if len(leaps) != 1 || leaps[0] != 4 { // 56 ms are three slots.
		t.Fatalf("leaps of %v", leaps)
	}
}

func TestNothingBeforeTheFirstDownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, config, quiet, quiet, quiet)
		time.Sleep(time.Hour)
		if all := r.end(); len(all) > 0 {
			t.Fatalf("sent %d cells", len(all))
		}
	})
}

// TestRealStall has a busy process around a pacer in real time. It asserts what
// holds on any machine: no burst, and every slot accounted for.
func TestRealStall(t *testing.T) {
	release := make(chan struct{})
	r := start(t, config, func(n cell.Slot) {
		if n == firstSlot+20 {
			<-release
		}
	}, quiet, quiet)
	begin := time.Now()
	r.Heard(firstSlot, begin, noReport)
	var sink int
	for time.Since(begin) < 1500*time.Millisecond {
		sink += len(make([]byte, 1<<16)) // Work for the collector.
	}
	close(release)
	all := r.end()
	st := r.Stats()
	if _, next := r.grid.Next(); len(all) == 0 || st.Sent+st.Skipped+st.Bare != uint64(next-r.steer.first) {
		t.Fatalf("slots %d to %d, of which %+v (%d)", r.steer.first, next, st, sink)
	}
	for k := 4; k < len(all); k++ {
		// No tick is late by more than half an interval, nor before the one
		// ahead of it is done. So five cells take at least two and a half.
		if d := all[k].at.Sub(all[k-4].at); d < 2*config.Interval.Duration() {
			t.Errorf("five cells up to slot %d within %v", all[k].slot, d)
		}
	}
	t.Logf("%+v", st)
}
