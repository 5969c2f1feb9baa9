package simnet

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A Path is one direction of a user's line.
type Path struct {
	Delay  time.Duration // of every packet
	Jitter time.Duration // up to this much more; packets keep their order
	Loss   float64       // the share of datagrams that do not arrive, 0 to 1

	// Held is the share of datagrams that are held back, 0 to 1, as on a way of their
	// own, and Hold is for how long: what is sent within that time overtakes them.
	Held float64
	Hold time.Duration

	// Fate, if it is set, is what somebody in the middle of the line does to a datagram of
	// a size that is sent so long after the path was set: one copy arrives for each time
	// returned, so much later than otherwise. None at all drops it, a single zero lets it
	// through, and what is made late is overtaken by what is not.
	Fate func(at time.Duration, size int) []time.Duration
}

// path carries packets in one direction.
type path struct {
	seed, id uint64

	mu      sync.Mutex
	now     Path
	since   time.Time // when now was set
	stopped bool
	queue   []flight // in order of due
	timer   *time.Timer
	instant time.Time   // when the newest packet was sent
	sizes   map[int]int // how many packets of each size were sent at instant
	before  time.Time   // when the last packet from before instant arrives
	last    time.Time   // when the last packet of all arrives
}

// flight is a packet on its way.
type flight struct {
	due    time.Time
	arrive func()
}

func newPath(seed, id uint64, now Path) *path {
	return &path{seed: seed, id: id, now: now, since: time.Now(), sizes: make(map[int]int)}
}

func (p *path) set(now Path) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now, p.since = now, time.Now()
}

func (p *path) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped, p.queue = true, nil
	if p.timer != nil {
		p.timer.Stop()
	}
}

// delay returns how long something that is never lost takes.
func (p *path) delay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now.Delay
}

// send calls arrive when a packet sent now arrives, and reports whether it does.
// arrive must not wait.
func (p *path) send(now time.Time, size int, arrive func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return false
	}
	luck := p.luck(now, size)
	if luck.Float64() < p.now.Loss {
		return false
	}
	due := now.Add(p.now.Delay)
	if p.now.Jitter > 0 {
		due = due.Add(time.Duration(luck.Int64N(int64(p.now.Jitter))))
	}
	// Packets do not overtake those of earlier instants. Among those of one
	// instant there is no order to keep: goroutines sent them, and which of
	// them came first must not decide when any of them arrives.
	if due.Before(p.before) {
		due = p.before
	}
	// Nothing waits for what is held back.
	held := time.Duration(0)
	if p.now.Held > 0 && luck.Float64() < p.now.Held {
		held = p.now.Hold
	}
	copies := []time.Duration{0}
	if p.now.Fate != nil {
		copies = p.now.Fate(now.Sub(p.since), size)
	}
	for _, late := range copies {
		p.carry(now, due, held+late, arrive)
	}
	return len(copies) > 0
}

// carry has a copy of a packet arrive, late by so much.
func (p *path) carry(now, due time.Time, late time.Duration, arrive func()) {
	if late == 0 && p.last.Before(due) {
		p.last = due
	}
	if due = due.Add(late); len(p.queue) == 0 && !due.After(now) {
		arrive()
		return
	}
	p.enqueue(now, flight{due, arrive})
}

// enqueue keeps the queue in order of due.
func (p *path) enqueue(now time.Time, f flight) {
	i := len(p.queue)
	for i > 0 && f.due.Before(p.queue[i-1].due) {
		i--
	}
	p.queue = slices.Insert(p.queue, i, f)
	if i == 0 {
		p.wait(now)
	}
}

// luck returns the random numbers of one packet. They follow from what the
// observer sees of it, and for several packets of one size at one instant from
// their number.
func (p *path) luck(now time.Time, size int) *rand.Rand {
	if !now.Equal(p.instant) {
		p.instant, p.before = now, p.last
		clear(p.sizes)
	}
	same := p.sizes[size]
	p.sizes[size]++
	return rand.New(rand.NewPCG(
		p.seed^p.id<<48^uint64(now.UnixNano()),
		uint64(size)<<32^uint64(same)))
}

// wait arms the timer for the head of the queue.
func (p *path) wait(now time.Time) {
	d := p.queue[0].due.Sub(now)
	if p.timer == nil {
		p.timer = time.AfterFunc(d, p.deliver)
	} else {
		p.timer.Reset(d)
	}
}

// deliver hands over what is due, in order.
func (p *path) deliver() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for len(p.queue) > 0 && !p.queue[0].due.After(now) {
		arrive := p.queue[0].arrive
		p.queue[0].arrive = nil
		p.queue = p.queue[1:]
		arrive()
	}
	if len(p.queue) > 0 {
		p.wait(now)
	}
}
