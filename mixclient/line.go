package mixclient

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"undertone/mixclient/core"
	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/pacer"
	"undertone/transport/signal"
)

// ErrSilent is why a line is given up that brings no cells any more.
var ErrSilent = errors.New("the server has gone silent")

// ErrClock is why a line is given up whose server tells another day than this
// computer: keys change with the hour, and would be lost to a wrong one.
var ErrClock = errors.New("the clocks of this computer and of the server are more than a day apart; set the one that is wrong")

// maxSkew is how far the server's clock may be from this computer's, which may
// well be some hours off; maxJump is how far a cell may be from the slot that it
// is by the server's own clock.
const (
	maxSkew = 24 * time.Hour
	maxJump = 10 * time.Second
)

// A Link is the data channel of a line (rtc.Link).
type Link interface {
	Send(b []byte)
	Done() <-chan struct{}
	Err() error
	Close()
}

// A Ticket is what signalling brings besides the link.
type Ticket struct {
	// Key is the link's.
	Key key.Secret
	// Time is the server's clock, to the second.
	Time time.Time
	// Channels is how many shared channels the set has, 0 in modes without.
	Channels int
	// OverTCP says that the link goes over TCP, since no UDP comes through.
	OverTCP bool
}

// A Wish is what a mode asks of a link.
type Wish struct {
	// Record is what the server is told of the connection.
	Record []byte
	// Depth is how many messages are sent at one moment, Window how many bytes may
	// be on the way, and Rate how many datagrams a second are taken; zero is enough
	// for one cell at a time.
	Depth, Window, Rate int
}

// A Dialer opens links. receive is called with each message, from one goroutine at
// a time.
type Dialer interface {
	Dial(ctx context.Context, w Wish, receive func(b []byte, at time.Time)) (Link, Ticket, error)
}

// A line is one link with its keys and its pacer.
type line struct {
	link   Link
	pacer  *pacer.Pacer
	ends   context.CancelFunc
	done   sync.WaitGroup
	opened time.Time
	tcp    bool // the link goes over TCP

	// Written by the link's goroutine: when the last message came, in
	// nanoseconds since opened. What the engine has not got round to is no sign
	// of a line that is lost.
	came atomic.Int64

	on    bool // the first cell has come
	first cell.Slot
	whole cell.Slot // the newest whose last message came
	high  cell.Slot // the highest slot heard
	cells uint64    // slots heard
	early int8      // the last feedback
}

// patience is how long the line may be silent.
func (l *line) patience() time.Duration {
	if l.on {
		return silentFor
	}
	return firstCell
}

// rest is how long the line may still be silent.
func (l *line) rest(now time.Time) time.Duration {
	return time.Duration(l.came.Load()) + l.patience() - now.Sub(l.opened)
}

// listen gives up a line that has been silent for too long. When it looks follows
// from what came and from nothing else: when the ear looks depends on how it plays,
// and so on whether there is a call, and the next line is dialed at once, for all to
// see.
func (e *Engine) listen(now time.Time) {
	if e.line == nil {
		return
	}
	if rest := e.line.rest(now); rest > 0 {
		e.silence.Reset(rest)
		return
	}
	e.hangUpLine(ErrSilent)
}

// lead is how long before a tick its cell is prepared: every word comes so much
// later. Encoding, sealing and a step of a handshake take a twentieth of a slot at
// most, and the rest is for the scheduler. Who is not ready sends cover in that
// slot, which is a word less and nothing that shows.
func lead(i cell.Interval) time.Duration {
	return min(schedulerLead+i.Duration()/20, maxLead)
}

// heard takes in that a message came. A slot counts as heard when its last
// message has come.
func (l *line) heard(h *core.Heard, at time.Time) {
	if h.Last {
		if l.cells == 0 || h.Slot < l.first {
			l.first = h.Slot
		}
		if h.Slot != l.whole {
			l.cells++
		}
		l.whole = h.Slot
	}
	l.early = h.Feedback
	if h.Slot > l.high {
		l.high = h.Slot
		l.pacer.Heard(h.Slot, at, h.Feedback)
	}
}

// dialed is what an attempt to go online led to.
type dialed struct {
	line   *line
	open   func(t *Ticket) (half.Half, error)
	link   Link
	ticket Ticket
	err    error
}

// Back-off between attempts to go online: it depends on the number of attempts
// and on chance, never on a call.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
	// lasting is how long a line must have been there to start over.
	lasting = time.Minute
)

func backOff(tries int) time.Duration {
	if tries == 0 {
		return 0
	}
	d := lastRetry
	if tries <= 5 {
		d = firstRetry << (tries - 1)
	}
	d = min(d, lastRetry)
	return d - d/4 + rand.N(d/2) //nolint:gosec // spreads clients, hides nothing
}

// dial starts an attempt to go online.
func (e *Engine) dial(ctx context.Context) {
	if e.line != nil || e.dialing {
		return
	}
	e.dialing = true
	l := &line{opened: time.Now()}
	go func() {
		d := dialed{line: l}
		o, err := e.cfg.opening()
		if err == nil {
			d.open = o.open
			d.link, d.ticket, err = e.cfg.Dialer.Dial(ctx, o.wish, func(b []byte, at time.Time) { e.receive(l, b, at) })
		}
		d.err = err
		e.dialed <- d
	}()
}

// receive takes a message from the link. It never waits: the clock of the
// link's goroutine is not the engine's.
func (e *Engine) receive(l *line, b []byte, at time.Time) {
	l.came.Store(int64(at.Sub(l.opened)))
	a := arrival{line: l, at: at}
	a.size = copy(a.message[:], b)
	for {
		select {
		case e.arrivals <- a:
			return
		default:
		}
		select {
		case <-e.arrivals: // The engine stands still. The oldest is of least use.
		default:
		}
	}
}

// connected takes over a new line, or plans the next attempt.
func (e *Engine) connected(ctx context.Context, d dialed) {
	e.dialing = false
	if d.err == nil {
		d.err = e.open(ctx, d)
	}
	if d.err == nil {
		return
	}
	if d.link != nil {
		d.link.Close()
	}
	if ctx.Err() != nil {
		return
	}
	if refused(d.err) && !e.was {
		e.fatal = d.err
		return
	}
	e.offline(d.err)
}

// refused reports whether the server itself will not have the user. Somebody
// else at its address may be the login page of a hotel: worth trying again.
func refused(err error) bool {
	return signal.Permanent(err) && !errors.Is(err, signal.ErrPin) && !errors.Is(err, signal.ErrNotUndertone)
}

// open begins to use a new line.
func (e *Engine) open(ctx context.Context, d dialed) error {
	if skew := time.Until(d.ticket.Time); skew > maxSkew || skew < -maxSkew {
		return ErrClock
	}
	slot := e.cfg.Interval.At(d.ticket.Time)
	l := d.line
	h, err := d.open(&d.ticket)
	if err != nil {
		return err
	}
	shape := h.Shape()
	p, err := pacer.New(pacer.Config{
		Interval: e.cfg.Interval, Lead: lead(e.cfg.Interval), Parts: shape.Parts, Messages: shape.Messages, Size: shape.Size,
	}, d.link.Send)
	if err != nil {
		return err
	}
	now := time.Now()
	l.link, l.pacer, l.tcp = d.link, p, d.ticket.OverTCP
	l.came.Store(int64(now.Sub(l.opened)))
	ctx, l.ends = context.WithCancel(ctx)
	l.done.Go(func() { p.Run(ctx) })
	e.line = l
	e.slot, e.seen = slot, now
	e.jitter.Reset()
	e.batch = make([]byte, shape.Bytes())
	e.core.Online(slot, h)
	e.silence.Reset(firstCell)
	e.setEar()
	return nil
}

// hangUpLine ends the line, if there is one, and plans the next.
func (e *Engine) hangUpLine(why error) {
	l := e.line
	if l == nil {
		return
	}
	e.line = nil
	l.ends()
	l.done.Wait()
	e.closing.Go(l.link.Close) // It may take a while, in which a call goes on.
	e.shared.ended(l)
	if time.Since(l.opened) > lasting {
		e.tries = 0
	}
	e.earAt, e.earLong = time.Now(), e.cfg.Interval.Duration()
	e.setEar()
	e.offline(why)
}

func (e *Engine) offline(why error) {
	e.tell(Event{Kind: Offline, At: time.Now(), Err: why})
	e.retry.Reset(backOff(e.tries))
	e.tries++
}
