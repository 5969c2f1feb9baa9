package mix

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"undertone/server/internal/mix/tmix"
	"undertone/server/internal/session"
	"undertone/transport/cell"
	"undertone/transport/key"
)

var config = Config{Interval: cell.Interval40, Seats: 100}

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
// nanosecond, of users who idle and of users of whom two talk. The call must
// have been heard, and a millisecond of delay must be caught.
func TestTraceDoesNotDependOnCalls(t *testing.T) {
	for _, i := range cell.Intervals() {
		cfg := config
		cfg.Interval = i
		quiet := observe(t, cfg, idle, func(r *rig) {
			for _, p := range r.all {
				for k, g := range p.heard {
					if !g.ok || g.kind != cell.Cover || g.slot != p.heard[0].slot+cell.Slot(k) {
						t.Errorf("%v: %s got %+v", i, p.name, g)
					}
				}
			}
		})
		call := observe(t, cfg, calling, func(r *rig) {
			if n := r.all[1].count("knock"); n != 5 {
				t.Errorf("%v: %d knocks", i, n)
			}
			if a, b := r.all[0].count("voice of b"), r.all[1].count("voice of a"); a != 70 || b != 70 {
				t.Errorf("%v: heard %d and %d of 70 slots", i, a, b)
			}
		})
		if !slices.Equal(quiet, call) {
			t.Errorf("%v: a call shows", i)
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
	half
	slot, cover func(n cell.Slot)
}

func (f *faulty) Slot(n cell.Slot, in []tmix.In, out []cell.Cell) {
	f.slot(n)
	f.half.Slot(n, in, out)
}

func (f *faulty) Cover(n cell.Slot, in []tmix.In, out []cell.Cell) {
	f.cover(n)
	f.half.Cover(n, in, out)
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
			half: r.e.set,
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
		if n := r.all[0].count("voice of b"); n != 10 {
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

func TestSilenceEndsASeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, config, 2)
		gone := r.all[1]
		r.play(10, idle)
		r.all = r.all[:1]
		begin := time.Now()
		for ended := false; !ended; {
			r.play(1, idle)
			select {
			case <-gone.seat.Done():
				ended = true
			default:
			}
		}
		if d := time.Since(begin); d < session.Patience || d > session.Patience+1100*time.Millisecond {
			t.Errorf("the seat ended after %v", d)
		}
		select {
		case <-r.all[0].seat.Done():
			t.Error("a seat that is heard ended")
		default:
		}
		left := r.n
		r.play(20, idle)
		if m := r.e.Metrics(); m.Online != 1 {
			t.Errorf("%d are online", m.Online)
		}
		r.end()
		if last := gone.heard[len(gone.heard)-1]; last.slot > left {
			t.Errorf("a cell for slot %d, left before %d", last.slot, left)
		}
	})
}

func TestASecondLinkReplacesTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, config, 2)
		r.play(10, idle)
		old := r.all[0]
		again := r.join("a")
		select {
		case <-old.seat.Done():
		default:
			t.Error("the old seat goes on")
		}
		old.seat.Leave() // Its link ends later. That must not end the new seat.
		r.all = []*phone{again, r.all[1]}
		r.play(100, calling)
		if m := r.e.Metrics(); m.Online != 2 {
			t.Errorf("%d are online", m.Online)
		}
		r.end()
		if n := again.count("voice of b"); n != 70 {
			t.Errorf("heard %d slots", n)
		}
	})
}

func TestRemove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, config, 2)
		r.play(5, idle)
		p := r.all[0]
		if !r.e.Remove(p.handle) || r.e.Remove(p.handle) || r.e.Remove(key.Handle{9}) {
			t.Error("remove says something else than what it does")
		}
		<-p.seat.Done()
		r.all = r.all[1:]
		r.play(5, idle)
		r.end()
		if len(p.heard) > 6 {
			t.Errorf("%d cells", len(p.heard))
		}
	})
}

func TestFullAndStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config
		cfg.Seats = 3
		r := start(t, cfg, 3)
		var link key.Secret
		if _, err := r.e.Join(key.Handle{1}, &link, nil); !errors.Is(err, session.ErrFull) {
			t.Errorf("a fourth user: %v", err)
		}
		r.join("b") // Who is online may come again.
		r.end()
		for _, p := range r.all {
			<-p.seat.Done()
			p.seat.Leave()
		}
		if _, err := r.e.Join(key.Handle{1}, &link, nil); !errors.Is(err, ErrStopped) {
			t.Errorf("after the end: %v", err)
		}
		if m := r.e.Metrics(); m.Online != 0 {
			t.Errorf("%d are online", m.Online)
		}
	})
}

// TestWindowGrows brings 120 users online: the window grows, and nobody's phase
// moves but by its steps.
func TestWindowGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config
		cfg.Interval, cfg.Seats = cell.Interval100, 200
		r := start(t, cfg, 0)
		first := r.join("first")
		for k := range 120 {
			r.join(fmt.Sprint("user ", k))
			time.Sleep(30 * time.Millisecond)
		}
		if w := r.e.Metrics().Window; w != 20*time.Millisecond {
			t.Errorf("the window is %v", w)
		}
		trace := slices.DeleteFunc(r.end(), func(p packet) bool { return p.to != first.name })
		var moves []time.Duration
		for k := 1; k < len(trace); k++ {
			if d := trace[k].at - trace[k-1].at - 100*time.Millisecond; d != 0 {
				moves = append(moves, d)
			}
		}
		// W and P of 100 users, then of 200.
		want := []time.Duration{5*time.Millisecond + 150*time.Microsecond, 10*time.Millisecond + 300*time.Microsecond}
		if !slices.Equal(moves, want) {
			t.Errorf("the phase moved by %v, not %v", moves, want)
		}
	})
}

// TestJoinsAndLeavesRace has many come and go at once.
func TestJoinsAndLeavesRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, config)
		r.run()
		var wg sync.WaitGroup
		for g := range 20 {
			wg.Go(func() {
				var link key.Secret
				for k := range 50 {
					h := key.Handle{byte(g % 10), byte(k % 3)}
					s, err := r.e.Join(h, &link, discard{})
					if err != nil {
						t.Error(err)
						return
					}
					time.Sleep(time.Duration(g+k) * time.Millisecond)
					s.Receive(make([]byte, cell.Size), time.Now())
					if k%4 > 0 {
						s.Leave()
						<-s.Done()
					}
				}
			})
		}
		wg.Wait()
		time.Sleep(session.Patience + 2*time.Second)
		if m := r.e.Metrics(); m.Online != 0 || m.Faults != 0 || m.Skipped != 0 {
			t.Errorf("%+v", m)
		}
		r.end()
		if len(r.e.order) != 0 {
			t.Errorf("%d are left in the order", len(r.e.order))
		}
	})
}

type discard struct{}

func (discard) Send([]byte) {}

// crowd returns an Engine with so many users, each of whom has a cell ready for
// the slots to come.
func crowd(t testing.TB, users int) (*Engine, func(n cell.Slot)) {
	e, err := New(Config{Interval: cell.Interval100, Seats: users})
	if err != nil {
		t.Fatal(err)
	}
	var link key.Secret
	var seats []*Seat
	for k := range users {
		s, err := e.Join(key.Handle{byte(k), byte(k >> 8), 1}, &link, discard{})
		if err != nil {
			t.Fatal(err)
		}
		seats = append(seats, s)
	}
	e.change()
	var c cell.Cell
	return e, func(n cell.Slot) {
		c[0], c[1] = byte(n>>8), byte(n)
		for _, s := range seats {
			s.Receive(c[:], e.clock.Start(n))
		}
	}
}

func TestPassAllocatesNothing(t *testing.T) {
	e, receive := crowd(t, 20)
	n := e.clock.At(time.Now())
	if a := testing.AllocsPerRun(100, func() { receive(n); e.change(); e.pass(n); e.sendTo(e.order[0]); n++ }); a != 0 {
		t.Fatalf("%v allocations in a slot", a)
	}
}

// BenchmarkPass measures what the clock does for a user in a slot, but for the
// sends.
func BenchmarkPass(b *testing.B) {
	for _, users := range []int{10, 1000, 10000} {
		b.Run(fmt.Sprint(users), func(b *testing.B) {
			e, receive := crowd(b, users)
			n := e.clock.At(time.Now())
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				receive(n)
				b.StartTimer()
				e.pass(n)
				n++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(users), "ns/user")
		})
	}
}
