package mix

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"undertone/server/internal/mix/half"
	"undertone/server/internal/session"
	"undertone/transport/cell"
	"undertone/transport/key"
)

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
		if n := again.count("voice of b"); n != 69 {
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
		if _, err := r.e.Join(half.Member{Handle: key.Handle{1}, Link: &link}, nil); !errors.Is(err, session.ErrFull) {
			t.Errorf("a fourth user: %v", err)
		}
		r.join("b") // Who is online may come again.
		r.end()
		for _, p := range r.all {
			<-p.seat.Done()
			p.seat.Leave()
		}
		if _, err := r.e.Join(half.Member{Handle: key.Handle{1}, Link: &link}, nil); !errors.Is(err, ErrStopped) {
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
					s, err := r.e.Join(half.Member{Handle: h, Link: &link}, discard{})
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

// TestComeAndGoInOneSlot has a user leave, and another come twice, before the
// clock looks.
func TestComeAndGoInOneSlot(t *testing.T) {
	r := newRig(t, config)
	r.join("a").seat.Leave()
	r.join("b")
	last := r.join("b")
	r.e.change()
	if len(r.e.order) != 1 || r.e.order[0] != last.seat {
		t.Fatalf("%d are in the order", len(r.e.order))
	}
}
