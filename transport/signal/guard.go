package signal

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"undertone/transport/throttle"
)

// remembered is how many addresses a Guard remembers at least, of each kind: more
// than there are users of any server.
const remembered = 16 << 10

// Limits says how much strangers can ask of a server. What is zero stands for
// what is said here.
type Limits struct {
	// Address is how often somebody may connect from one address: 128 times at
	// once, as a house or a newsroom behind one does when the server comes back,
	// and then 10 times a second.
	Address throttle.Rate
	// Strangers is how often all may connect together from whose addresses nobody
	// came online lately, and Known all others: 400 at once, and then 200 times a
	// second each. That many handshakes take about a tenth of one processor.
	Strangers, Known throttle.Rate
	// Open is how many connections there may be at once: 640. OpenPerAddress is
	// how many from one address: 128.
	Open, OpenPerAddress int
}

// patience is how long a connection without a request is safe, when others wait for
// its place. A good client on a line of 300 ms needs 1.2 s. With so many places for
// all, those who say nothing leave faster than new ones may come.
const patience = 1500 * time.Millisecond

// accepts bounds how often a connection is looked at at all. The system's queue
// for those that wait is short, and it drops the rest.
var accepts = throttle.Rate{Burst: 1000, PerSecond: 1000}

func (l *Limits) populate() {
	rates := func(r *throttle.Rate, burst int, perSecond float64) {
		if *r == (throttle.Rate{}) {
			*r = throttle.Rate{Burst: burst, PerSecond: perSecond}
		}
	}
	rates(&l.Address, 128, 10)
	rates(&l.Strangers, 400, 200)
	rates(&l.Known, 400, 200)
	if l.Open == 0 {
		l.Open = 640
	}
	if l.OpenPerAddress == 0 {
		l.OpenPerAddress = 128
	}
}

// GuardCounts counts connections and requests since the start. None of it depends
// on calls.
type GuardCounts struct {
	// Connections is how many came in, Throttled how many were cut at once,
	// since there were too many.
	Connections, Throttled uint64
	// Cut is how many were cut to make room, before they had made a request.
	Cut uint64
	// Refused is how many requests were answered with a refusal.
	Refused uint64
}

// A Guard decides which connections a server takes. It bounds what strangers cost:
//
//	connect ──▶ room? ──▶ too often from this address? ──▶ too often in all? ──▶ early
//	             │ wait        │ cut                            │ cut
//	             ▼             ▼                                ▼
//
//	early ──the whole request is there──▶ heard ──response──▶ closed
//	  │ all places taken, and early for too long: cut
//	  ▼
//
// An address from which somebody came online is known for a while, and known
// ones have a share of their own: a flood from many addresses at once keeps
// newcomers out, but not those who come back. When all places are taken, others
// wait, in the system's queue, until one is free, or one has been early for too
// long: a crowd that comes at once gets in one after the other, and who says nothing
// keeps nobody out.
//
// What comes from the machine itself is not counted by address or time, since
// there it is a proxy for many, or its operator.
//
// A connection that does not begin as TLS does may be one of a link, of a client
// without UDP. It is handed over to whoever Divert names, and stays early until it
// has shown that it is; then it has no place here any more (divert.go).
//
// A Guard is for one Serve. Its methods may be called from any goroutine.
type Guard struct {
	limits    Limits
	addresses *throttle.Table[netip.Prefix]
	known     *throttle.Memory[netip.Prefix]
	strangers *rate.Limiter
	friends   *rate.Limiter
	accepts   *rate.Limiter

	mu    sync.Mutex
	open  int
	from  map[netip.Prefix]int // open connections of each address
	early *list.List           // of *guest, the oldest first

	freed chan struct{} // one deep: somebody has left

	diverted func(c net.Conn, settled func()) // nil if nobody takes them

	connections, throttled, cut, refused atomic.Uint64
}

// NewGuard returns a Guard.
func NewGuard(l Limits) *Guard {
	l.populate()
	return &Guard{
		limits:    l,
		addresses: throttle.NewTable[netip.Prefix](l.Address, remembered),
		known:     throttle.NewMemory[netip.Prefix](remembered),
		strangers: l.Strangers.Bucket(),
		friends:   l.Known.Bucket(),
		accepts:   accepts.Bucket(),
		from:      make(map[netip.Prefix]int),
		early:     list.New(),
		freed:     make(chan struct{}, 1),
	}
}

// Counts returns what was counted so far.
func (g *Guard) Counts() GuardCounts {
	return GuardCounts{
		Connections: g.connections.Load(),
		Throttled:   g.throttled.Load(),
		Cut:         g.cut.Load(),
		Refused:     g.refused.Load(),
	}
}

// A door is a listener with a guard.
type door struct {
	net.Listener
	guard *Guard
	ctx   context.Context // Accept has no other way to hear of the end.
}

// Accept returns the next connection that the guard lets in.
func (d *door) Accept() (net.Conn, error) {
	for {
		if d.guard.accepts.Wait(d.ctx) != nil || !d.guard.await(d.ctx) {
			return nil, net.ErrClosed
		}
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if g := d.guard.admit(c, time.Now()); g != nil {
			return g, nil
		}
		d.guard.throttled.Add(1)
		_ = c.Close()
	}
}

// A guest is a connection that was let in.
type guest struct {
	net.Conn
	guard *Guard
	from  netip.Prefix
	since time.Time

	// Touched by who reads.
	looked bool // the first byte was looked at

	turned atomic.Bool // it was handed over: nothing here touches it any more

	// Guarded by the guard's mu.
	early *list.Element // nil when it is early no more
	left  bool
}

// admit returns the connection as a guest, or nil.
func (g *Guard) admit(c net.Conn, now time.Time) *guest {
	from, local := origin(c.RemoteAddr())
	if !local && !g.inTime(from, now) {
		return nil
	}
	in := &guest{Conn: c, guard: g, from: from, since: now}
	oldest, ok := g.seat(in, local)
	if oldest != nil {
		g.cut.Add(1)
		_ = oldest.Conn.Close() // Its goroutine sees that, and ends.
	}
	if !ok {
		return nil
	}
	g.connections.Add(1)
	return in
}

// await returns when there is a place for one more, and reports whether that was
// before the end.
func (g *Guard) await(ctx context.Context) bool {
	for {
		wait, ok := g.room(time.Now())
		if ok {
			return true
		}
		timer := time.NewTimer(wait)
		select {
		case <-g.freed:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
		timer.Stop()
	}
}

// room reports whether there is a place, or when there may be one.
func (g *Guard) room(now time.Time) (wait time.Duration, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open < g.limits.Open {
		return 0, true
	}
	oldest := g.oldest()
	if oldest == nil {
		return patience, false // All are at the gate, or hear its answer.
	}
	wait = patience - now.Sub(oldest.since)
	return wait, wait <= 0
}

// oldest returns who has been early for longest, or nil. mu is held.
func (g *Guard) oldest() *guest {
	first := g.early.Front()
	if first == nil {
		return nil
	}
	return first.Value.(*guest) //nolint:errcheck,forcetypeassert // nothing else is put there
}

// origin returns who is at the other end, and whether it is this machine.
func origin(a net.Addr) (from netip.Prefix, local bool) {
	ap, _ := netip.ParseAddrPort(a.String()) // Those without an address are all one.
	return throttle.Network(ap.Addr()), ap.Addr().Unmap().IsLoopback()
}

// inTime reports whether a connection does not come too early after others.
func (g *Guard) inTime(from netip.Prefix, now time.Time) bool {
	if !g.addresses.Allow(from, now) {
		return false
	}
	return g.known.Has(from) && g.friends.AllowN(now, 1) || g.strangers.AllowN(now, 1)
}

// seat gives a guest a place, if need be that of the oldest early one.
func (g *Guard) seat(in *guest, local bool) (oldest *guest, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !local && g.from[in.from] >= g.limits.OpenPerAddress {
		return nil, false
	}
	if g.open >= g.limits.Open {
		if oldest = g.oldest(); oldest == nil || in.since.Sub(oldest.since) < patience {
			return nil, false // Who could have been cut has made his request meanwhile.
		}
		g.forget(oldest)
	}
	g.open++
	g.from[in.from]++
	in.early = g.early.PushBack(in)
	return oldest, true
}

// forget takes a guest off all lists. mu is held.
func (g *Guard) forget(c *guest) {
	if c.left {
		return
	}
	c.left = true
	c.settle()
	g.open--
	if g.from[c.from]--; g.from[c.from] == 0 {
		delete(g.from, c.from)
	}
	select {
	case g.freed <- struct{}{}:
	default:
	}
}

// settle has a guest be early no more. mu is held.
func (c *guest) settle() {
	if c.early != nil {
		c.guard.early.Remove(c.early)
		c.early = nil
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
	c.guard.forget(c)
}

// heard says that the whole request has come. It does nothing for nil, which is
// a connection without a guard.
func (c *guest) heard() {
	if c == nil {
		return
	}
	c.guard.mu.Lock()
	defer c.guard.mu.Unlock()
	c.settle()
}

// answered says what became of the request.
func (c *guest) answered(in bool) {
	switch {
	case c == nil:
	case in:
		c.guard.known.Add(c.from)
	default:
		c.guard.refused.Add(1)
	}
}

// guestKey is where the guest of a request is found.
type guestKey struct{}

// withGuest remembers the guest below a TLS connection.
func withGuest(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		if g, ok := t.NetConn().(*guest); ok {
			return context.WithValue(ctx, guestKey{}, g)
		}
	}
	return ctx
}

func guestOf(ctx context.Context) *guest {
	g, _ := ctx.Value(guestKey{}).(*guest)
	return g
}
