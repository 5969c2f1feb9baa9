// Package pacer is the client's metronome: it alone decides when a cell is sent,
// and knows nothing of calls. The engine of mixclient owns a Pacer for each
// link; nobody else uses one.
//
// In every slot, one interval I apart:
//
//	     tick - Lead                    tick
//	----------+--------------------------+--------------------------> time
//	          | Wake: prepare slot n     | what is staged for n is sent
//	          | encode, seal, Stage(n)   | Stage(n) comes too late from here on
//
// A Pacer holds cover for every slot of the next Hold (5 s or more), sealed in
// advance by its feeder with Cover. Stage puts a cell of voice in its place until
// the tick. So a stall of everything else, however long, changes nothing that
// can be seen, while there is cover: the stalled slots are cover. Three cases
// remain, all of which look alike from outside, namely like a stopped process:
//
//   - The tick comes more than half an interval late, because the process or
//     the machine was stopped. The cell is skipped. Cells never follow each
//     other by less than half an interval, so there is no burst.
//   - The feeder was dead for longer than Hold. There is nothing to send that
//     would look right, so nothing is sent until it is back.
//   - Before the first download cell (see Heard) it is not known which slot it
//     is. Nothing is sent.
//
// Sending takes the same time whatever is sent: both cells of the slot are taken
// from berths without a lock, and one is handed on. The pacer's goroutine is
// locked to its thread, waits with package alarm, and allocates nothing.
//
// Grid is the arithmetic of the ticks and steer.go the controller that brings
// the uploads to the server just before their cut-off; neither has a clock.
package pacer

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"undertone/transport/cell"
	"undertone/transport/pacer/alarm"
	"undertone/transport/pacer/berth"
)

// Defaults of Config, and the bounds of what it takes.
const (
	// DefaultMargin is what the uploads should come before their cut-off by,
	// all but one in sixteen: enough for the jitter of ordinary networks.
	DefaultMargin = 6 * time.Millisecond
	// MinHold is the least cover that is held.
	MinHold = 5 * time.Second
	// maxHold bounds the memory taken, and keeps slots within what their low
	// bits can tell.
	maxHold = time.Minute

	// hold is how long before its time the pacer keeps a processor for itself,
	// twice in a slot.
	hold = time.Millisecond
	// stageDepth is for how many slots ahead voice may be staged.
	stageDepth = 16
	// inboxDepth is how many reports may wait until the next tick.
	inboxDepth = 32
	// serverTurn is the least time from the cut-off of a slot to the download
	// cell of that slot, for the smallest set.
	serverTurn = 6 * time.Millisecond
	// startup is the least time from the first download cell to the first tick,
	// besides Lead: the feeder's time to lay in cover.
	startup = 20 * time.Millisecond
)

// Config says how to pace a link.
type Config struct {
	// Interval is the length of a slot.
	Interval cell.Interval
	// Lead is how long before each tick Wake tells to prepare it: more than
	// preparing takes, less than three quarters of the interval.
	Lead time.Duration
	// Hold is how long the cover in stock lasts; zero means MinHold.
	Hold time.Duration
	// Margin is how early uploads shall arrive; zero means DefaultMargin.
	Margin time.Duration
	// RoundTrip is what is known of the network's round trip when the link
	// begins, zero if nothing is. It shortens the acquisition. It must not be
	// too long: see steer.
	RoundTrip time.Duration
}

// populate fills in the defaults and checks the rest.
func (c *Config) populate() error {
	if c.Hold == 0 {
		c.Hold = MinHold
	}
	if c.Margin == 0 {
		c.Margin = DefaultMargin
	}
	i := c.Interval.Duration()
	switch {
	case i <= 0:
		return fmt.Errorf("pacer: interval %v is not positive", i)
	case c.Lead <= 0 || c.Lead > i*3/4:
		return fmt.Errorf("pacer: lead %v is not within three quarters of the interval of %v", c.Lead, i)
	case c.Hold < MinHold || c.Hold > maxHold:
		return fmt.Errorf("pacer: hold %v is not between %v and %v", c.Hold, MinHold, maxHold)
	case c.Margin < 0 || c.Margin > 100*time.Millisecond:
		return fmt.Errorf("pacer: margin %v is not between 0 and 100ms", c.Margin)
	case c.RoundTrip < 0 || c.RoundTrip > time.Second:
		return fmt.Errorf("pacer: round trip %v is not between 0 and 1s", c.RoundTrip)
	}
	return nil
}

// A Pacer sends one cell in every slot. Its methods may be called from any
// goroutine, but Cover and Want from one at a time, Stage from one at a time,
// Heard from one at a time.
type Pacer struct {
	// Set at creation, read only.
	cfg   Config
	stock cell.Slot // how many slots cover is held for
	send  func(b []byte)

	// Shared.
	cover *berth.Ring
	voice *berth.Ring
	wake  chan cell.Slot
	inbox chan report
	next  atomic.Uint64 // slot of the next tick; 0 before the first download cell
	stats stats

	// Touched by the feeder only.
	covered cell.Slot // the first slot that was not covered yet

	// Touched by Run only.
	grid  Grid
	steer steer
	out   [2]cell.Cell // what is staged, and the cover, of the slot being sent
}

// A report is what a download cell tells the pacer.
type report struct {
	slot  cell.Slot
	at    time.Time
	early int8
}

// New returns a Pacer that hands its cells to send, which must copy them and
// must not wait.
func New(cfg Config, send func(b []byte)) (*Pacer, error) {
	if err := cfg.populate(); err != nil {
		return nil, err
	}
	stock := cfg.Interval.Slots(cfg.Hold)
	return &Pacer{
		cfg:   cfg,
		stock: stock,
		send:  send,
		cover: berth.New(int(stock)+1, cell.Size),
		voice: berth.New(stageDepth, cell.Size),
		wake:  make(chan cell.Slot, 1),
		inbox: make(chan report, inboxDepth),
	}, nil
}

// Wake tells which slot to prepare, Lead before its tick. A slot that nobody
// took is replaced by the next.
func (p *Pacer) Wake() <-chan cell.Slot { return p.wake }

// Heard takes in that the download cell of slot n came at the given time, with
// the given feedback. The first one starts the pacer and is the only one whose
// time counts. Cells may be lost, but n must rise.
func (p *Pacer) Heard(n cell.Slot, at time.Time, early int8) {
	select {
	case p.inbox <- report{n, at, early}:
	default: // The pacer is stopped. Others will come.
	}
}

// Want returns the next slot that lacks cover. It returns false when Hold is
// covered, and before the first download cell.
func (p *Pacer) Want() (cell.Slot, bool) {
	next := cell.Slot(p.next.Load())
	if next == 0 {
		return 0, false
	}
	p.covered = max(p.covered, next)
	return p.covered, p.covered < next+p.stock
}

// Cover lays in the cover for slot n, which Want returned. It reports whether
// the slot was still to come.
func (p *Pacer) Cover(n cell.Slot, c *cell.Cell) bool {
	p.covered = max(p.covered, n+1)
	return p.cover.Put(n, c[:])
}

// Stage has c sent in slot n instead of the cover. After the tick of that slot,
// and more than stageDepth slots ahead, it is ignored, counted, and returns
// false. It takes effect only while there is cover for the slot as well.
func (p *Pacer) Stage(n cell.Slot, c *cell.Cell) bool {
	next := cell.Slot(p.next.Load())
	if n >= next && n < next+stageDepth && p.voice.Put(n, c[:]) {
		return true
	}
	p.stats.stagedLate.Add(1)
	return false
}

// Run paces until ctx ends. It must be called once.
func (p *Pacer) Run(ctx context.Context) {
	a := alarm.New(hold)
	defer a.Close()
	if !p.start(ctx) {
		return
	}
	for {
		at, n := p.grid.Next()
		if !a.Wait(ctx, at.Add(-p.cfg.Lead)) {
			return
		}
		p.rouse(n)
		if !a.Wait(ctx, at) {
			return
		}
		p.tick(time.Now())
	}
}

// start waits for the first download cell and lays the grid by it.
func (p *Pacer) start(ctx context.Context) bool {
	select {
	case r := <-p.inbox:
		p.grid = p.cfg.firstGrid(r, time.Now())
		p.steer = newSteer(&p.grid, p.cfg.Margin)
		_, n := p.grid.Next()
		p.next.Store(uint64(n))
		return true
	case <-ctx.Done():
		return false
	}
}

// firstGrid lays the grid by a download cell. Uploads of the same slot had to
// arrive before the server sent it, by no less than serverTurn, and to leave a
// round trip before it came.
func (c *Config) firstGrid(r report, now time.Time) Grid {
	g := NewGrid(c.Interval, r.slot, r.at.Add(-c.RoundTrip-serverTurn-c.Margin))
	g.SkipTo(now.Add(c.Lead + startup))
	return g
}

// rouse puts n in the wake channel, in place of what is there.
func (p *Pacer) rouse(n cell.Slot) {
	select {
	case <-p.wake:
	default:
	}
	p.wake <- n // Nobody else sends, so there is room.
}

// tick sends the cell of the slot that is due, unless it is too late for that,
// and goes on to the next. now is the time at which it happens.
func (p *Pacer) tick(now time.Time) {
	at, n := p.grid.Next()
	late := now.Sub(at)
	covered := p.cover.Take(n, p.out[0][:])
	staged := p.voice.Take(n, p.out[1][:])
	switch {
	case late > p.cfg.Interval.Duration()/2:
		p.stats.skipped.Add(1)
	case !covered:
		p.stats.bare.Add(1)
	default:
		p.send(p.out[choose(staged)][:])
		p.stats.sentAt(late)
	}
	p.advance(now)
}

func choose(staged bool) int {
	if staged {
		return 1
	}
	return 0
}

// advance goes on to the first tick that is not past, after what the server
// reported was taken in.
func (p *Pacer) advance(now time.Time) {
	p.grid.Step()
	if late := now.Add(-p.cfg.Interval.Duration() / 2); p.grid.at.Before(late) {
		p.stats.skipped.Add(p.grid.SkipTo(late))
	}
	for more := true; more; {
		select {
		case r := <-p.inbox:
			p.steer.report(&p.grid, r.slot, r.early)
		default:
			more = false
		}
	}
	_, n := p.grid.Next()
	p.next.Store(uint64(n))
}
