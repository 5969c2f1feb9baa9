package crowd

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"undertone/transport/cell"
	"undertone/transport/seal"
)

// Tuning of the metronome.
const (
	// grain is the least time between two looks at who is due.
	grain = 200 * time.Microsecond
	// silentFor is how long a line may bring nothing: as long as with a real client.
	silentFor = time.Second
	// afterCell is how long after the first cell the first message goes up.
	afterCell = time.Millisecond
	// fresh is how many slots a correction takes to show in the server's feedback at
	// most: it looks back on 64.
	fresh = 72
	// firstFresh is the same for the first one, before which there was nothing else.
	firstFresh = 8
	// lateBand and earlyBand are how far off a line may be without a correction.
	lateBand  = time.Millisecond
	earlyBand = 3 * time.Millisecond
)

// A pace is the metronome of all lines.
type pace struct {
	interval time.Duration
	margin   time.Duration
	tally    *tally
	window   func() *Window
	wake     chan struct{} // one deep: somebody new may be due earlier

	mu    sync.Mutex
	queue queue
}

func newPace(interval, margin time.Duration, t *tally, window func() *Window) *pace {
	return &pace{interval: interval, margin: margin, tally: t, window: window, wake: make(chan struct{}, 1)}
}

// A beat is when a line sends. It belongs to the pace.
type beat struct {
	due    time.Time
	slot   cell.Slot
	settle cell.Slot // from this slot on the feedback is about what is now
	index  int       // in the queue; -1 outside
}

// begin has v send in every interval, from slot n at the given time on, or from as
// many slots later as have passed.
func (p *pace) begin(v *visit, n cell.Slot, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if late := time.Since(at); late > 0 {
		k := late/p.interval + 1
		at, n = at.Add(k*p.interval), n+cell.Slot(k)
	}
	v.beat = beat{due: at, slot: n, settle: n + firstFresh}
	v.came.Store(int64(v.crowd.age())) // It took a while to open.
	v.line.Make(n)
	heap.Push(&p.queue, v)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// end has v send no more.
func (p *pace) end(v *visit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v.beat.index >= 0 {
		heap.Remove(&p.queue, v.beat.index)
	}
}

// run paces until ctx ends.
func (p *pace) run(ctx context.Context) {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-p.wake:
		case <-ctx.Done():
			return
		}
		t.Reset(max(p.send(), grain))
	}
}

// send sends what is due, and returns when to look again.
func (p *pace) send() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) > 0 {
		v := p.queue[0]
		now := time.Now()
		if wait := v.beat.due.Sub(now); wait > 0 {
			return wait
		}
		if v.silent(now) {
			heap.Pop(&p.queue)
			v.giveUp()
			continue
		}
		p.tick(v, now)
		heap.Fix(&p.queue, 0)
	}
	return p.interval
}

// tick sends one line's message, unless it is too late for it, and goes on to the
// next slot.
func (p *pace) tick(v *visit, now time.Time) {
	late := now.Sub(v.beat.due)
	p.window().Own.Add(late)
	if late > p.interval/2 {
		p.tally.passed.Add(1)
	} else {
		v.handOver(v.beat.slot)
		v.line.Post()
		p.tally.posted.Add(1)
	}
	p.steer(v)
	for {
		v.beat.due = v.beat.due.Add(p.interval)
		v.beat.slot++
		if now.Sub(v.beat.due) <= p.interval/2 {
			break
		}
		p.tally.passed.Add(1)
	}
	v.line.Make(v.beat.slot)
}

// steer moves a line's beat so that it comes the margin before its cut-off.
func (p *pace) steer(v *visit) {
	report := int8(v.early.Load()) //nolint:gosec // it was stored as one
	if report == seal.NoFeedback || v.beat.slot < v.beat.settle {
		return
	}
	// What was rounded down is half a millisecond more, on average.
	early := time.Duration(report)*time.Millisecond + time.Millisecond/2
	off := early - p.margin // positive: too early
	if off <= earlyBand && off >= -lateBand {
		return
	}
	v.beat.due = v.beat.due.Add(min(max(off, -p.interval/2), p.interval))
	v.beat.settle = v.beat.slot + fresh
}

// A queue is the lines by when they are due: a container/heap.
type queue []*visit

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].beat.due.Before(q[j].beat.due) }

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].beat.index, q[j].beat.index = i, j
}

// Push and Pop are for container/heap.
func (q *queue) Push(x any) {
	v := x.(*visit) //nolint:errcheck,forcetypeassert // nothing else is pushed
	v.beat.index = len(*q)
	*q = append(*q, v)
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	v := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	v.beat.index = -1
	return v
}
