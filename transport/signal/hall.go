package signal

import (
	"container/list"
	"context"
	"math"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"undertone/transport/throttle"
)

// A hall is where those of one kind wait for a place, and have it.
type hall struct {
	sites  *throttle.Table[netip.Prefix] // how often one more may come from each
	all    *rate.Limiter                 // and from all of them
	queue  int                           // how many may wait
	places int

	// Guarded by the guard's mu.
	waiting list.List // of *guest, who came first at the front
	early   list.List // of *guest, who was seated first at the front
	open    int       // places that are taken
}

func newHall(site, all throttle.Rate, places int) *hall {
	return &hall{sites: throttle.NewTable[netip.Prefix](site, remembered), all: all.Bucket(), queue: all.Burst, places: places}
}

// allows reports whether somebody may come who does not come too often for himself.
func (h *hall) allows(site netip.Prefix, now time.Time) bool {
	return h.sites.Allow(site, now) && h.all.AllowN(now, 1)
}

// A stage is how far a guest has come:
//
//	waiting ──▶ early ──▶ heard ──▶ gone
//	   │          │                  ▲
//	   └──────────┴──────────────────┘
type stage int

const (
	outside stage = iota
	waiting
	early
	heard
	gone
)

// A guest is a connection that was not cut at once.
type guest struct {
	net.Conn
	guard *Guard
	from  origin
	hall  *hall

	// Touched by who reads.
	looked bool // the first byte was looked at

	turned atomic.Bool // it was handed over: nothing here touches it any more

	// Guarded by the guard's mu.
	stage  stage
	listed *list.Element // where he is in the hall's list of his stage
	since  time.Time     // when he got a place
}

// seated reports whether those who have come so far hold a place.
func (s stage) seated() bool { return s == early || s == heard }

// move brings a guest to a later stage; who has come further stays there. mu is held.
func (c *guest) move(to stage) {
	from, h, g := c.stage, c.hall, c.guard
	if to <= from {
		return
	}
	c.stage = to
	switch from {
	case outside:
		g.from[c.from.network]++
	case waiting:
		h.waiting.Remove(c.listed)
	case early:
		h.early.Remove(c.listed)
	case heard, gone:
	}
	switch to {
	case waiting:
		c.listed = h.waiting.PushBack(c)
	case early:
		c.listed = h.early.PushBack(c)
	case gone:
		if g.from[c.from.network]--; g.from[c.from.network] == 0 {
			delete(g.from, c.from.network)
		}
	case outside, heard:
	}
	switch {
	case !from.seated() && to.seated():
		h.open++
	case from.seated() && !to.seated():
		h.open--
	}
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

// Close ends the connection.
func (c *guest) Close() error {
	if c.turned.Load() {
		return nil
	}
	c.leave()
	return c.Conn.Close()
}

// leave gives the place back.
func (c *guest) leave() {
	c.guard.mu.Lock()
	defer c.guard.mu.Unlock()
	c.move(gone)
}

// forever is how long nobody waits.
const forever = math.MaxInt64

// next gives a place to whoever is first, and returns him; or nobody, and after how
// long it is worth asking again if nothing changes before.
func (g *Guard) next(now time.Time) (in *guest, wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	wait = forever
	for _, h := range []*hall{g.friends, g.others} {
		first := guestAt(h.waiting.Front())
		if first == nil {
			continue
		}
		if later := h.makeRoom(now); later > 0 {
			wait = min(wait, later)
			continue
		}
		first.since = now
		first.move(early)
		g.connections.Add(1)
		return first, 0
	}
	return nil, wait
}

// makeRoom sees to it that a place is free, and cuts who has said nothing for too long
// if that takes it; or it returns after how long there is somebody to cut.
func (h *hall) makeRoom(now time.Time) (later time.Duration) {
	if h.open < h.places {
		return 0
	}
	oldest := guestAt(h.early.Front())
	if oldest == nil {
		return forever // All are at the gate, or hear its answer.
	}
	if later = patience - now.Sub(oldest.since); later > 0 {
		return later
	}
	oldest.move(gone)
	oldest.guard.cut.Add(1)
	_ = oldest.Conn.Close() // Its goroutine sees that, and ends.
	return 0
}

// guestAt returns who is in an element of a list, or nil if there is none.
func guestAt(e *list.Element) *guest {
	if e == nil {
		return nil
	}
	return e.Value.(*guest) //nolint:errcheck,forcetypeassert // nothing else is put there
}

// dismiss cuts those who still wait when there will be no more places.
func (g *Guard) dismiss() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, h := range []*hall{g.friends, g.others} {
		for first := guestAt(h.waiting.Front()); first != nil; first = guestAt(h.waiting.Front()) {
			first.move(gone)
			_ = first.Conn.Close()
		}
	}
}

// A door is a listener with a guard: receive takes in who comes, and Accept returns
// them when they have a place. They are apart so that no crowd keeps anybody from being
// looked at.
type door struct {
	net.Listener
	guard  *Guard
	ctx    context.Context // Accept has no other way to hear of the end.
	failed chan error      // what the listener says instead of a connection
}

func newDoor(ctx context.Context, l net.Listener, g *Guard) *door {
	return &door{Listener: l, guard: g, ctx: ctx, failed: make(chan error)}
}

// Accept returns the next connection that has a place.
func (d *door) Accept() (net.Conn, error) {
	for d.ctx.Err() == nil {
		in, wait := d.guard.next(time.Now())
		if in != nil {
			return in, nil
		}
		var later <-chan time.Time
		if wait < forever {
			later = time.After(wait)
		}
		select {
		case <-d.guard.changed:
		case <-later:
		case err := <-d.failed:
			return nil, err
		case <-d.ctx.Done():
		}
	}
	return nil, net.ErrClosed
}

// receive takes in whoever comes until the context ends and the listener is closed, and
// cuts those who waited in vain.
func (d *door) receive() {
	defer d.guard.dismiss()
	for d.guard.looks.Wait(d.ctx) == nil {
		c, err := d.Listener.Accept()
		if err != nil {
			select {
			case d.failed <- err: // Whoever accepts knows whether that is the end.
				continue
			case <-d.ctx.Done():
				return
			}
		}
		if !d.guard.receive(c, time.Now()) {
			d.guard.throttled.Add(1)
			cut(c)
		}
	}
}

// cut closes a connection in the way that costs least: the system keeps nothing of it.
func cut(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}
