// Package pacer is the client's metronome: it alone decides when something is
// sent, and knows nothing of calls. The engine of mixclient owns a Pacer for each
// link; nobody else uses one.
//
// What goes out in a slot is a batch: Parts times Messages messages of Size bytes
// (one cell in tMIX and bMIX; in sMIX everything twice). In every slot, one
// interval I apart, here with two parts:
//
//	   tick - Lead                tick            tick + I/2
//	--------+----------------------+------------------+-----------> time
//	        | Wake: prepare slot n | part 0 of what   | part 1 of the
//	        | encode, seal,        | is staged for n  | same batch
//	        | Stage(n)             | is sent          |
//	        |                      | Stage(n) comes too late from here on
//
// Which batch it is, is decided once, at the tick: it is copied then, and its
// parts leave at tick + p·I/Parts exactly, each message by message.
//
// A Pacer holds cover for every slot of the next Hold (5 s or more), sealed in
// advance by its feeder with Cover. Stage puts a batch with voice in its place
// until the tick. Cover may be laid in anew; what is there stays until it is
// replaced, and of the old and the new only one is ever sent. So a stall of
// everything else, however long, changes nothing that can be seen, while there is
// cover: the stalled slots are cover. Three cases remain, all of which look alike
// from outside, namely like a stopped process:
//
//   - A part is due, and it is more than half of I/Parts later than that, because
//     the process or the machine was stopped. The part is skipped, and it alone:
//     those of the same slot that are still to come are sent. Parts never follow
//     each other by less than half of I/Parts, so there is no burst. (Who is
//     stopped between two messages of a part finishes it when he goes on.)
//   - The feeder was dead for longer than Hold. There is nothing to send that
//     would look right, so nothing is sent until it is back.
//   - Before the first download cell (see Heard) it is not known which slot it
//     is. Nothing is sent.
//
// Sending takes the same time whatever is sent: both batches of the slot are taken
// from berths without a lock, and one is handed on. The pacer's goroutine is
// locked to its thread, waits with package alarm, and allocates nothing.
//
// Grid is the arithmetic of the ticks and steer.go the controller that brings
// the last part of the uploads to the server just before their cut-off; neither
// has a clock. send.go does what is due.
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

	// hold is how long before its time the pacer keeps a processor for itself:
	// once for each part, and once for Wake.
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

	// maxParts, maxMessages and maxSize bound what a batch may be: more than any
	// mode needs.
	maxParts, maxMessages, maxSize = 4, 64, 2048
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
	// Parts, Messages and Size say what a batch is: so many parts, of so many
	// messages each, of so many bytes. Zero means 1, 1 and cell.Size. A batch lies
	// in memory as its messages one after the other, part by part.
	Parts, Messages, Size int
}

// part returns the length of a part in bytes, batch that of all of them.
func (c *Config) part() int  { return c.Messages * c.Size }
func (c *Config) batch() int { return c.Parts * c.part() }

// partAt returns how long after the tick part k is due.
func (c *Config) partAt(k int) time.Duration {
	return c.Interval.Duration() * time.Duration(k) / time.Duration(c.Parts)
}

// tolerance is how late a part may be: half of what lies between two.
func (c *Config) tolerance() time.Duration {
	return c.Interval.Duration() / time.Duration(2*c.Parts)
}

// populate fills in the defaults and checks the rest.
func (c *Config) populate() error {
	if c.Hold == 0 {
		c.Hold = MinHold
	}
	if c.Margin == 0 {
		c.Margin = DefaultMargin
	}
	c.shape()
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
	case c.Parts < 1 || c.Parts > maxParts || c.Messages < 1 || c.Messages > maxMessages || c.Size < 1 || c.Size > maxSize:
		return fmt.Errorf("pacer: %d parts of %d messages of %d bytes are not a batch", c.Parts, c.Messages, c.Size)
	}
	return nil
}

// shape fills in what a batch is.
func (c *Config) shape() {
	if c.Parts == 0 {
		c.Parts = 1
	}
	if c.Messages == 0 {
		c.Messages = 1
	}
	if c.Size == 0 {
		c.Size = cell.Size
	}
}

// A Pacer sends one batch in every slot. Its methods may be called from any
// goroutine, but Cover and Want from one at a time, Stage from one at a
// time, Heard from one at a time.
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
	covered cell.Slot // the first slot that is not covered yet, or must be anew

	// Touched by Run only.
	grid   Grid
	steer  steer
	roused bool // Wake told of the next slot
	turn   turn
}

// A report is what a download cell tells the pacer.
type report struct {
	slot  cell.Slot
	at    time.Time
	early int8
}

// New returns a Pacer that hands its messages to send, which must copy them and
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
		turn:  newTurn(&cfg),
		cover: berth.New(int(stock)+1, cfg.batch()),
		voice: berth.New(stageDepth, cfg.batch()),
		wake:  make(chan cell.Slot, 1),
		inbox: make(chan report, inboxDepth),
	}, nil
}

// Wake tells which slot to prepare, Lead before its tick. A slot that nobody
// took is replaced by the next.
func (p *Pacer) Wake() <-chan cell.Slot { return p.wake }

// Heard takes in that the download cell of slot n came at the given time, with
// the given feedback, which is how early the last part of the uploads arrived.
// The first one starts the pacer and is the only one whose time counts. Cells may
// be lost, but n must rise.
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

// Cover lays in the cover for slot n: a whole batch, which is copied. It is for the
// slot that Want returned, or one before, whose cover it replaces: what is there
// stays until then, and is sent if its tick comes first. It reports whether the
// slot was still to come and b a batch.
func (p *Pacer) Cover(n cell.Slot, b []byte) bool {
	p.covered = max(p.covered, n+1)
	return p.cover.Put(n, b)
}

// Stage has the batch b, which is copied, sent in slot n instead of the cover.
// After the tick of that slot, and more than stageDepth slots ahead, and if b is
// no batch, it is ignored, counted, and returns false. It takes effect only while
// there is cover for the slot as well.
func (p *Pacer) Stage(n cell.Slot, b []byte) bool {
	next := cell.Slot(p.next.Load())
	if n >= next && n < next+stageDepth && p.voice.Put(n, b) {
		return true
	}
	p.stats.stagedLate.Add(1)
	return false
}

// Run paces until ctx ends. It must be called once.
func (p *Pacer) Run(ctx context.Context) {
	a := alarm.New(ctx, hold)
	defer a.Close()
	if !p.start(ctx) {
		return
	}
	for {
		at, what := p.due()
		if what == rousing && !a.Doze(at) || what != rousing && !a.Wait(at) {
			return
		}
		p.do(what, time.Now())
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
// arrive before the server sent it, by no less than serverTurn, and the last part
// of them to leave a round trip before it came.
func (c *Config) firstGrid(r report, now time.Time) Grid {
	g := NewGrid(c.Interval, r.slot, r.at.Add(-c.RoundTrip-serverTurn-c.Margin-c.partAt(c.Parts-1)))
	g.SkipTo(now.Add(c.Lead + startup))
	return g
}
