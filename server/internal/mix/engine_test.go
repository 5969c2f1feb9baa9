package mix

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
)

var config = Config{Mode: cell.TMIX, Interval: cell.Interval40, Seats: 100}

// observe returns what an observer sees of five users who do what s says.
func observe(t *testing.T, cfg Config, s script, check func(r *rig)) (trace []packet) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, cfg, 5)
		r.play(100, s)
		trace = r.end()
		check(r)
	})
	return trace
}

// TestTraceDoesNotDependOnCalls compares the times of all sends, to the
// nanosecond, of users who idle and of users of whom two talk, and all counts of
// the engine. The call must have been heard, and a millisecond of delay must be
// caught.
func TestTraceDoesNotDependOnCalls(t *testing.T) {
	for _, i := range cell.Intervals() {
		cfg := config
		cfg.Interval = i
		var still, busy Metrics
		quiet := observe(t, cfg, idle, func(r *rig) {
			still = r.e.Metrics()
			for _, p := range r.all {
				for k, g := range p.heard {
					if !g.ok || g.kind != cell.Cover || g.slot != p.heard[0].slot+cell.Slot(k) {
						t.Errorf("%v: %s got %+v", i, p.name, g)
					}
				}
			}
		})
		call := observe(t, cfg, calling, func(r *rig) {
			busy = r.e.Metrics()
			// One letter in ten slots: the first knock, and the last, which takes
			// the place of the first voice.
			if n := r.all[1].count("knock"); n != 2 {
				t.Errorf("%v: %d knocks", i, n)
			}
			if a, b := r.all[0].count("voice of b"), r.all[1].count("voice of a"); a != 69 || b != 69 {
				t.Errorf("%v: heard %d and %d of 70 slots", i, a, b)
			}
		})
		if !slices.Equal(quiet, call) {
			t.Errorf("%v: a call shows", i)
		}
		if still.Passed, busy.Passed = still.Passed.Round(0), busy.Passed.Round(0); still != busy || still.Slots < 99 {
			t.Errorf("%v: a call counts:\n%+v\n%+v", i, still, busy)
		}
		if len(quiet) < 5*99 {
			t.Errorf("%v: %d packets", i, len(quiet))
		}
	}
	late := observe(t, config, func(k int, p *phone) (cell.Kind, cell.Body) {
		if k == 50 && p.name == "c" {
			p.hurtBy(func(n int) {
				if n == 60 {
					time.Sleep(time.Millisecond)
				}
			})
		}
		return idle(k, p)
	}, func(*rig) {})
	if slices.Equal(late, observe(t, config, idle, func(*rig) {})) {
		t.Error("a planted millisecond does not show")
	}
}

// TestSendsAreOnTime checks each send against the package comment.
func TestSendsAreOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, config, 5)
		r.play(20, idle)
		r.end()
		for _, p := range r.all {
			w, work := r.e.now.window, r.e.now.work
			if o := p.seat.line.Offset(); o < 0 || o >= w {
				t.Errorf("%s has offset %v", p.name, o)
			}
			first := r.e.clock.Start(p.heard[0].slot).Add(w + work + p.seat.line.Offset()).Sub(r.begin)
			k := 0
			for _, packet := range r.trace {
				if packet.to != p.name {
					continue
				}
				if want := first + time.Duration(k)*config.Interval.Duration(); packet.at != want {
					t.Errorf("%s: cell %d at %v, want %v", p.name, k, packet.at, want)
				}
				k++
			}
		}
		if m := r.e.Metrics(); m.MaxPassLateness != 0 || m.MaxSendLateness != 0 || m.Missing > 5*2 || m.Late+m.TooSoon+m.Odd+m.Refused+m.Faults != 0 {
			t.Errorf("%+v", m)
		}
	})
}

// TestStopped stops the process for a while, in the middle of the sends. Slots
// and cells that are missed are skipped: nobody gets two within half an
// interval, and later cells are on time.
func TestStopped(t *testing.T) {
	for _, stop := range []time.Duration{15, 25, 70, 3000} {
		synctest.Test(t, func(t *testing.T) {
			length := stop * time.Millisecond
			r := start(t, config, 5)
			r.all[2].hurtBy(func(n int) {
				if n == 20 {
					time.Sleep(length)
				}
			})
			time.Sleep(5 * time.Second)
			trace := r.end()
			last, first := map[string]packet{}, map[string]packet{}
			for _, p := range trace {
				i := config.Interval.Duration()
				if old, ok := last[p.to]; ok && p.at-old.at < i/2 {
					t.Fatalf("a stop of %v: two cells for %s within %v", length, p.to, p.at-old.at)
				}
				if _, ok := first[p.to]; !ok {
					first[p.to] = p
				}
				if p.at > 20*i+length+2*i && (p.at-first[p.to].at)%i != 0 {
					t.Fatalf("a stop of %v: a cell for %s is off by %v", length, p.to, (p.at-first[p.to].at)%i)
				}
				last[p.to] = p
			}
			m := r.e.Metrics()
			if stop == 3000 && (m.Skipped < 73 || m.Skipped > 76) || stop == 15 && m.Skipped+m.Unsent > 0 || stop > 15 && m.Unsent == 0 {
				t.Fatalf("a stop of %v: %+v", length, m)
			}
		})
	}
}

// faulty fails in the ways that a pass can.
type faulty struct {
	half.Half
	slot, cover func(n cell.Slot)
}

func (f *faulty) Slot(n cell.Slot, in []half.In) {
	f.slot(n)
	f.Half.Slot(n, in)
}

func (f *faulty) Recover(n cell.Slot, in []half.In) {
	f.cover(n)
	f.Half.Recover(n, in)
}

// TestFaultsDoNotShow has the pass panic in some slots. The trace is that of an
// idle set; everybody can open the cells, except where sealing cover fails too;
// and calls work again later.
func TestFaultsDoNotShow(t *testing.T) {
	quiet := observe(t, config, idle, func(*rig) {})
	var broken []packet
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, config)
		from := r.n
		r.e.set = &faulty{
			Half: r.e.set,
			slot: func(n cell.Slot) {
				if n == from+3 || n == from+20 || n == from+21 {
					panic("planted")
				}
			},
			cover: func(n cell.Slot) {
				if n == from+21 {
					panic("planted")
				}
			},
		}
		for i := range 5 {
			r.join(string(rune('a' + i)))
		}
		r.run()
		r.play(100, calling)
		broken = r.end()
		for _, p := range r.all {
			for _, g := range p.heard {
				if !g.ok && g.slot != 0 {
					t.Errorf("%s: %+v", p.name, g)
				}
			}
			bad := slices.DeleteFunc(slices.Clone(p.heard), func(g got) bool { return g.ok })
			if len(bad) != 1 {
				t.Errorf("%s cannot open %d cells", p.name, len(bad))
			}
		}
		if n := r.all[0].count("voice of b"); n != 9 {
			t.Errorf("heard %d slots before the fault", n)
		}
		if m := r.e.Metrics(); m.Faults != 4 {
			t.Errorf("%d faults", m.Faults)
		}
	})
	if !slices.Equal(quiet, broken) {
		t.Error("a fault shows")
	}
}

// TestFaultyLink has one user's link panic. Nobody else notices.
func TestFaultyLink(t *testing.T) {
	quiet := observe(t, config, idle, func(*rig) {})
	var broken []packet
	synctest.Test(t, func(t *testing.T) {
		r := start(t, config, 5)
		r.all[1].hurtBy(func(int) { panic("planted") })
		r.play(100, idle)
		broken = r.end()
		if m := r.e.Metrics(); m.Faults < 99 {
			t.Errorf("%d faults", m.Faults)
		}
	})
	if !slices.Equal(quiet, broken) {
		t.Error("a faulty link shows")
	}
}
