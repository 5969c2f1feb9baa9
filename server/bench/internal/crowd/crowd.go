package crowd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"undertone/transport/cell"
)

const (
	// together is how many users dial at the same time, unless it is said.
	together = 16
	// fillFor is how long a user may take to come online, on average, before a crowd
	// is given up.
	fillFor = time.Second
	// fillLeast is how long a crowd has at least.
	fillLeast = time.Minute
)

// A Config says what a crowd is like.
type Config struct {
	// Service is what everybody comes online at.
	Service Service
	// Interval is the time between two messages.
	Interval cell.Interval
	// Margin is how early messages shall come before their cut-off, where there is
	// one.
	Margin time.Duration
	// Together is how many users may dial at the same time; zero stands for 16.
	Together int
}

// A Crowd is the users of a load test.
type Crowd struct {
	// Set at creation, read only.
	cfg      Config
	born     time.Time
	leads    bool
	up, down int // the lengths of messages
	pace     *pace
	ctx      context.Context // the life of the users
	cancel   context.CancelFunc

	// Shared.
	tally   tally
	window  atomic.Pointer[Window]
	dialing chan struct{} // one for each user who dials
	lives   sync.WaitGroup
	closing sync.WaitGroup // lines that are being closed

	mu     sync.Mutex
	users  []*user
	visits map[*visit]struct{}
	next   int   // the number of the next user
	err    error // the last thing that went wrong
}

// New returns a crowd without users. Close ends it.
func New(cfg Config) *Crowd {
	if cfg.Together == 0 {
		cfg.Together = together
	}
	c := &Crowd{
		cfg: cfg, born: time.Now(), leads: cfg.Service.Leads(),
		dialing: make(chan struct{}, cfg.Together), visits: make(map[*visit]struct{}),
	}
	c.up, c.down = cfg.Service.Sizes()
	c.window.Store(new(Window))
	c.pace = newPace(cfg.Interval.Duration(), cfg.Margin, &c.tally, c.window.Load)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.lives.Go(func() { c.pace.run(c.ctx) })
	return c
}

// age is how old the crowd is.
func (c *Crowd) age() time.Duration { return time.Since(c.born) }

// Fill brings so many users online, and returns when all of them were heard.
func (c *Crowd) Fill(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, max(time.Duration(n)*fillFor, fillLeast))
	defer cancel()
	arrived := make(chan struct{}, n)
	for range n {
		c.admit(func() { arrived <- struct{}{} })
	}
	for i := range n {
		select {
		case <-arrived:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d users came online (%w); the last thing that went wrong: %w", i, n, ctx.Err(), c.lastError())
		}
	}
	return nil
}

// admit begins the life of a new user.
func (c *Crowd) admit(arrived func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := &user{crowd: c, who: c.next, orders: make(chan order, 1)}
	c.next++
	c.users = append(c.users, u)
	c.lives.Go(func() {
		u.live(c.ctx, arrived)
		c.forget(u)
	})
}

// forget takes a user off the list.
func (c *Crowd) forget(u *user) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, o := range c.users {
		if o == u {
			last := len(c.users) - 1
			c.users[i], c.users = c.users[last], c.users[:last]
			return
		}
	}
}

// tell has something happen to a user who is picked at random.
func (c *Crowd) tell(o order) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.users) == 0 {
		return
	}
	select {
	case c.users[rand.IntN(len(c.users))].orders <- o: //nolint:gosec // hides nothing
	default: // Something else happens to him already.
	}
}

// size is how many users there are, online or not.
func (c *Crowd) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.users)
}

// begin begins to send on a line, when the server was heard on it if it follows.
func (c *Crowd) begin(ctx context.Context, v *visit) bool {
	if c.leads {
		c.pace.begin(v, 1, time.Now().Add(rand.N(c.cfg.Interval.Duration()))) //nolint:gosec // spreads users, hides nothing
	}
	late := time.NewTimer(firstFor)
	defer late.Stop()
	select {
	case h := <-v.first:
		if !c.leads {
			c.pace.begin(v, h.Slot+1, h.At.Add(afterCell))
		}
		v.arrived = h.At
		return true
	case <-late.C:
		c.note(errors.New("a line has opened, and nothing came"))
	case <-v.line.Done():
		c.note(errors.New("a line has ended as soon as it was open"))
	case <-ctx.Done():
	}
	c.pace.end(v)
	return false
}

// enter counts a user as online.
func (c *Crowd) enter(v *visit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.visits[v] = struct{}{}
	c.tally.online.Add(1)
}

// exit is the way back.
func (c *Crowd) exit(v *visit) {
	v.judge(false)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.visits, v)
	c.tally.online.Add(-1)
}

// note keeps what went wrong.
func (c *Crowd) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

// lastError returns the last thing that went wrong.
func (c *Crowd) lastError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		return errors.New("nothing that was noticed")
	}
	return c.err
}

// Counts returns what was counted so far.
func (c *Crowd) Counts() Counts { return c.tally.read() }

// Arrivals returns how long after a moment each user came online who did so since, and
// is online still.
func (c *Crowd) Arrivals(since time.Time) (all []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for v := range c.visits {
		if v.arrived.After(since) {
			all = append(all, v.arrived.Sub(since))
		}
	}
	return all
}

// Begin begins to measure, into a new window.
func (c *Crowd) Begin() { c.window.Store(new(Window)) }

// End ends what Begin began, and returns what was measured.
func (c *Crowd) End() *Window {
	w := c.window.Swap(new(Window))
	c.mu.Lock()
	defer c.mu.Unlock()
	for v := range c.visits {
		v.close(w)
	}
	return w
}

// Close has everybody leave, and returns when they have.
func (c *Crowd) Close() {
	c.cancel()
	c.lives.Wait()
	c.closing.Wait()
}
