package crowd

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"undertone/server/bench/internal/socket"
	"undertone/transport/cell"
	"undertone/transport/seal"
)

const (
	interval = cell.Interval100
	// turn is how long after its cut-off a slot goes down.
	turn   = 40 * time.Millisecond
	margin = 6 * time.Millisecond
)

// A fake is a service in the same process, with no network in between. It follows
// the rules of Undertone's: slot n of a user is cut off at its start and the user's
// offset, and goes down a while later.
type fake struct {
	leads bool

	mu     sync.Mutex
	lines  map[int]*fakeLine // the newest of each user
	dials  int
	refuse int // how many dials are refused
}

func newFake() *fake { return &fake{lines: make(map[int]*fakeLine)} }

func (f *fake) Leads() bool { return f.leads }

func (f *fake) Sizes() (up, down int) { return cell.Size, cell.Size }

func (f *fake) line(who int) *fakeLine {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lines[who]
}

func (f *fake) dialed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dials
}

func (f *fake) Dial(_ context.Context, who int, s *socket.Socket, hear func(Heard)) (Line, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dials++
	if f.refuse > 0 {
		f.refuse--
		_ = s.Close()
		return nil, errors.New("refused")
	}
	l := &fakeLine{
		socket: s, hear: hear, offset: time.Duration(who) * 3 * time.Millisecond, early: seal.NoFeedback,
		done: make(chan struct{}),
	}
	f.lines[who] = l
	if f.leads {
		l.asked = make(chan cell.Slot, 16)
		l.work.Go(l.echo)
	} else {
		l.work.Go(l.serve)
	}
	return l, nil
}

// A fakeLine is one line, and the server's end of it.
type fakeLine struct {
	socket *socket.Socket
	hear   func(Heard)
	offset time.Duration
	asked  chan cell.Slot // what is to be echoed; nil on a line that follows
	work   sync.WaitGroup
	done   chan struct{}
	once   sync.Once

	mu    sync.Mutex
	made  cell.Slot
	slots []cell.Slot // that were posted
	early int8
	mute  bool // nothing goes down any more
	lose  map[cell.Slot]bool
}

func (l *fakeLine) Make(n cell.Slot) { l.change(func() { l.made = n }) }

func (l *fakeLine) Done() <-chan struct{} { return l.done }

func (l *fakeLine) Post() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slots = append(l.slots, l.made)
	if l.asked != nil {
		l.asked <- l.made
		return
	}
	early := time.Until(interval.Start(l.made).Add(l.offset))
	l.early = int8(max(-127, min(127, early.Milliseconds())))
}

func (l *fakeLine) Close() {
	l.once.Do(func() { close(l.done) })
	_ = l.socket.Close()
	l.work.Wait()
}

// echo sends down what came up.
func (l *fakeLine) echo() {
	for {
		select {
		case n := <-l.asked:
			l.hear(Heard{Slot: n, Of: 1, Early: seal.NoFeedback, At: time.Now()})
		case <-l.done:
			return
		}
	}
}

// serve sends down what is due.
func (l *fakeLine) serve() {
	for n := interval.At(time.Now()) + 1; ; n++ {
		select {
		case <-time.After(time.Until(interval.Start(n).Add(l.offset + turn))):
		case <-l.done:
			return
		}
		l.mu.Lock()
		early, quiet := l.early, l.mute || l.lose[n]
		l.mu.Unlock()
		if !quiet {
			l.hear(Heard{Slot: n, Of: 1, Early: early, At: time.Now()})
		}
	}
}

func (l *fakeLine) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// with fills a crowd in fake time.
func with(t *testing.T, f *fake, users int, act func(t *testing.T, c *Crowd)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Service: f, Interval: interval, Margin: margin})
		defer c.Close()
		if err := c.Fill(t.Context(), users); err != nil {
			t.Fatal(err)
		}
		// Nothing else happens at the very moments at which the test looks.
		time.Sleep(1711 * time.Microsecond)
		act(t, c)
	})
}

// Everybody sends once in every slot, a margin before the cut-off, and hears all.
func TestPace(t *testing.T) {
	f := newFake()
	with(t, f, 10, func(t *testing.T, c *Crowd) {
		time.Sleep(10 * time.Second) // Beats settle.
		before := c.Counts()
		c.Begin()
		time.Sleep(10 * time.Second)
		w, n := c.End(), c.Counts().Since(before)
		if n.Online != 10 || n.Lost != 0 || n.Passed != 0 || n.Received != 1000 || n.Posted != 1000 {
			t.Errorf("in 100 slots of 10 users: %+v", n)
		}
		if w.Own.Count() != n.Posted || w.Own.Max() > grain {
			t.Errorf("%d of them were timed, the latest by %v", w.Own.Count(), w.Own.Max())
		}
		for who := range 10 {
			l := f.line(who)
			l.mu.Lock()
			for i := 1; i < len(l.slots); i++ {
				if l.slots[i] != l.slots[i-1]+1 {
					t.Errorf("user %d goes from slot %d to %d", who, l.slots[i-1], l.slots[i])
				}
			}
			if early := time.Duration(l.early) * time.Millisecond; early < margin-2*lateBand || early > margin+earlyBand {
				t.Errorf("user %d comes %v before the cut-off, and not %v", who, early, margin)
			}
			l.mu.Unlock()
		}
	})
}

// Lines that lead number their own slots, and are heard by the answers.
func TestLead(t *testing.T) {
	f := newFake()
	f.leads = true
	with(t, f, 3, func(t *testing.T, c *Crowd) {
		before := c.Counts()
		time.Sleep(5 * time.Second)
		if n := c.Counts().Since(before); n.Received != 150 || n.Posted != 150 || n.Lost != 0 {
			t.Errorf("in 50 slots of 3 users: %+v", n)
		}
	})
}

// What does not come is counted, and a line that is silent is given up.
func TestLossAndSilence(t *testing.T) {
	f := newFake()
	with(t, f, 2, func(t *testing.T, c *Crowd) {
		first := f.line(0)
		n := interval.At(time.Now())
		first.change(func() { first.lose = map[cell.Slot]bool{n + 5: true, n + 6: true, n + 9: true} })
		time.Sleep(2 * time.Second)
		if got := c.Counts(); got.Lost != 3 || got.Silent != 0 {
			t.Errorf("3 messages did not come: %+v", got)
		}
		c.Begin()
		muted := time.Now()
		first.change(func() { first.mute = true })
		time.Sleep(3 * time.Second)
		got, w := c.Counts(), c.End()
		if back := c.Arrivals(muted); len(back) != 1 || back[0] < silentFor-interval.Duration() || back[0] > 2*silentFor {
			t.Errorf("who was not heard for a second is back after %v", back)
		}
		if got.Silent != 1 || got.Online != 2 || f.dialed() != 3 || w.Back.Count() != 1 {
			t.Errorf("a line was silent: %+v, %d dials, %d came back", got, f.dialed(), w.Back.Count())
		}
		if f.line(0) == first {
			t.Error("the user has no new line")
		}
	})
}

// A line that ends is dialed anew, and a refusal is no end.
func TestEndAndRefusal(t *testing.T) {
	f := newFake()
	with(t, f, 2, func(t *testing.T, c *Crowd) {
		f.mu.Lock()
		f.refuse = 2
		f.mu.Unlock()
		l := f.line(1)
		l.once.Do(func() { close(l.done) })
		time.Sleep(5 * time.Second)
		if got := c.Counts(); got.Ended != 1 || got.Failed != 2 || got.Online != 2 || c.lastError().Error() != "refused" {
			t.Errorf("%+v, %v", got, c.lastError())
		}
	})
}

// Whoever is killed comes back, whoever leaves does not, and others join for him.
func TestChurn(t *testing.T) {
	for _, c := range []struct {
		churn Churn
		check func(n Counts, back uint64) bool
	}{
		{Churn{Kills: 30}, func(n Counts, back uint64) bool {
			return n.Killed >= 25 && n.Killed <= 30 && n.Online >= 8 && back+2 >= n.Killed
		}},
		{Churn{Leaves: 6}, func(n Counts, _ uint64) bool { return n.Left >= 5 && n.Left <= 6 && n.Online == 10-int64(n.Left) }},
		{Churn{Joins: 30, Leaves: 30}, func(n Counts, _ uint64) bool {
			return n.Left >= 5 && n.Joined >= 5 && n.Joined <= n.Left && n.Online == 10+int64(n.Joined)-int64(n.Left)
		}},
		{Churn{Moves: 12}, func(n Counts, _ uint64) bool {
			return n.Moved >= 10 && n.Moved <= 12 && n.Online == 10 && n.Silent == 0
		}},
		{Churn{}, func(n Counts, back uint64) bool { return n.Online == 10 && back+n.Left+n.Killed+n.Joined+n.Moved == 0 }},
	} {
		f := newFake()
		with(t, f, 10, func(t *testing.T, crowd *Crowd) {
			crowd.Begin()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			crowd.Churn(ctx, c.churn)
			<-ctx.Done()
			synctest.Wait()
			if n, back := crowd.Counts(), crowd.End().Back.Count(); !c.check(n, back) {
				t.Errorf("a minute with %+v: %+v, %d came back", c.churn, n, back)
			}
		})
	}
}

// A crowd that cannot come online says why.
func TestFillFails(t *testing.T) {
	f := newFake()
	f.refuse = 1 << 30
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Service: f, Interval: interval, Margin: margin})
		defer c.Close()
		err := c.Fill(t.Context(), 2)
		if !errors.Is(err, context.DeadlineExceeded) || c.lastError().Error() != "refused" {
			t.Errorf("%v", err)
		}
	})
}

// Every user has an address of loopback of his own.
func TestAddresses(t *testing.T) {
	seen := map[netip.Addr]bool{}
	for who := range 200_000 {
		a := address(who)
		if seen[a] || !a.IsLoopback() || a.As4()[1] == 0 {
			t.Fatalf("user %d has %v", who, a)
		}
		seen[a] = true
	}
}
