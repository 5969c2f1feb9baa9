package signal

import (
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
	// Users is how many users there may be online: 200. After a restart all of them
	// come at once, from addresses that nobody came from lately, so what strangers may
	// do grows with them.
	Users int
	// Address is how often somebody may connect from one address: 128 times at
	// once, as a house or a newsroom behind one does when the server comes back,
	// and then 10 times a second. Site is how often from all networks that somebody
	// may have (throttle.Site): four times that.
	Address, Site throttle.Rate
	// Strangers is how often all may connect together from whose addresses nobody
	// came online lately, and Known all others: as many at once as there are Users,
	// 400 at least, and then a tenth of that, 200 at least, a second each. 200
	// handshakes take about a tenth of a second of one processor.
	Strangers, Known throttle.Rate
	// Open is how many connections there may be at once, of strangers and as many of
	// others: a fifth of Users, 640 at least. OpenPerAddress is how many from one
	// address: 128.
	Open, OpenPerAddress int
}

// patience is how long a connection without a request is safe, when others wait for
// its place. A good client on a line of 300 ms needs 1.2 s. With so many places for
// all, those who say nothing leave faster than new ones may come.
const patience = 1500 * time.Millisecond

// looks bounds how often a connection is looked at at all, if only to close it, which
// takes a quarter of one processor at this rate. The system's queue for those that wait
// is short, and it drops the rest, whoever they are.
var looks = throttle.Rate{Burst: 1000, PerSecond: 12_000}

func (l *Limits) populate() {
	count := func(n *int, usual int) {
		if *n == 0 {
			*n = usual
		}
	}
	rates := func(r *throttle.Rate, burst int, perSecond float64) {
		if *r == (throttle.Rate{}) {
			*r = throttle.Rate{Burst: burst, PerSecond: perSecond}
		}
	}
	count(&l.Users, 200)
	rates(&l.Address, 128, 10)
	rates(&l.Site, 4*l.Address.Burst, 4*l.Address.PerSecond)
	burst, perSecond := max(400, l.Users), max(200, float64(l.Users)/10)
	rates(&l.Strangers, burst, perSecond)
	rates(&l.Known, burst, perSecond)
	count(&l.Open, max(640, l.Users/5))
	count(&l.OpenPerAddress, 128)
}

// GuardCounts counts connections and requests since the start. None of it depends
// on calls.
type GuardCounts struct {
	// Connections is how many were given a place, Throttled how many were cut at
	// once, since there were too many.
	Connections, Throttled uint64
	// Cut is how many were cut to make room, before they had made a request.
	Cut uint64
	// Refused is how many requests were answered with a refusal.
	Refused uint64
}

// A Guard decides which connections a server takes. It bounds what strangers cost:
//
//	connect ──▶ too often from this address? ──▶ known, or a stranger?
//	             │ cut                                │
//	             ▼                                    ▼
//	            too often from this site, or from all of this kind? ──▶ waiting
//	             │ cut
//	             ▼
//
//	waiting ──a place──▶ early ──the whole request is there──▶ heard ──response──▶ gone
//	                       │ all places taken, and early for too long: cut
//	                       ▼
//
// An address from which somebody came online is known for a while, and known ones
// have rates, a queue and places to themselves. So a flood from many addresses keeps
// newcomers out, but not those who come back, unless it is from their own address, or
// so large that nobody can look at all that comes. After a restart all are newcomers.
//
// When all places are taken, others wait until one is free, or one has been early
// for too long: a crowd that comes at once gets in one after the other, and who says
// nothing keeps nobody out.
//
// Who is let in does not count for his address: behind one there may be many users,
// and each of those without UDP connects a second time.
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
	looks     *rate.Limiter

	mu      sync.Mutex
	from    map[netip.Prefix]int // connections of each address
	friends *hall                // of those who come from where somebody came online
	others  *hall                // of strangers, and of this machine

	changed chan struct{} // one deep: somebody has come, or has left

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
		looks:     looks.Bucket(),
		from:      make(map[netip.Prefix]int),
		friends:   newHall(l.Site, l.Known, l.Open),
		others:    newHall(l.Site, l.Strangers, l.Open),
		changed:   make(chan struct{}, 1),
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

// origin is who is at the other end of a connection.
type origin struct {
	network, site netip.Prefix
	local         bool // it is this machine
}

func originOf(a net.Addr) origin {
	ap, _ := netip.ParseAddrPort(a.String()) // Those without an address are all one.
	addr := ap.Addr()
	return origin{network: throttle.Network(addr), site: throttle.Site(addr), local: addr.Unmap().IsLoopback()}
}

// receive has a connection wait for a place, or reports that it is one too many.
func (g *Guard) receive(c net.Conn, now time.Time) bool {
	in := &guest{Conn: c, guard: g, from: originOf(c.RemoteAddr())}
	if in.hall = g.hallFor(in.from, now); in.hall == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if in.hall.waiting.Len() >= in.hall.queue || !in.from.local && g.from[in.from.network] >= g.limits.OpenPerAddress {
		return false
	}
	in.move(waiting)
	return true
}

// hallFor returns where somebody waits, or nil if he comes too early after others. Who
// comes too often from his own address is told so first, and takes nothing from those
// who share the rest with him.
func (g *Guard) hallFor(from origin, now time.Time) *hall {
	switch {
	case from.local:
		return g.others
	case !g.addresses.Allow(from.network, now):
		return nil
	case g.known.Has(from.network) && g.friends.allows(from.site, now):
		return g.friends
	case g.others.allows(from.site, now):
		return g.others
	}
	return nil
}

// heard says that the whole request has come. It does nothing for nil, which is
// a connection without a guard.
func (c *guest) heard() {
	if c == nil {
		return
	}
	c.guard.mu.Lock()
	defer c.guard.mu.Unlock()
	c.move(heard)
}

// answered says what became of the request.
func (c *guest) answered(in bool, now time.Time) {
	switch {
	case c == nil:
	case in:
		c.guard.known.Add(c.from.network)
		c.guard.addresses.Return(c.from.network, now)
		c.hall.sites.Return(c.from.site, now)
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
