//go:build !race

package demo

import (
	"crypto/rand"
	"encoding/binary"
	"flag"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"undertone/app/internal/profile"
	"undertone/codec"
	"undertone/transport/cell"
	"undertone/transport/simnet"
)

// hum is a Voice that costs nothing: random frames with the number of their slot go
// out, and what comes in is counted. Everything else of a client with it is real. A
// crowd of such clients fits on one machine, where as many of Opus would not.
type hum struct {
	frame codec.Frame
	muted atomic.Bool
	after uint64 // how much later the slots are in which frames are heard

	said  atomic.Uint64 // slots of calls
	due   atomic.Uint64 // slots of calls from the first voice on
	heard atomic.Uint64 // of those, slots with voice

	// Of the slots without voice, those for which the frame after was there, and
	// those for which it was of any other slot.
	spared, misled atomic.Uint64
}

// humMost is by how many samples a slot of a hum can be longer: what a real voice, which
// repeats its periods, may come to in a slot of 20 ms.
const humMost = codec.SampleRate / 80

func newHum() *hum {
	h := &hum{}
	_, _ = rand.Read(h.frame[:])
	return h
}

func (h *hum) Mouth(n cell.Slot, live bool, f *codec.Frame) {
	*f = h.frame
	binary.BigEndian.PutUint64(f[:], uint64(n))
	if live {
		h.said.Add(1)
	}
}

func (h *hum) Ear(n cell.Slot, live bool, frames, next []*codec.Frame, more int) int {
	some := false
	for _, f := range frames {
		if f != nil {
			some, h.after = true, uint64(n)-slotOf(f)
		}
	}
	if !live || !some && h.due.Load() == 0 {
		return 0
	}
	h.due.Add(1)
	by := min(more, humMost)
	if some {
		h.heard.Add(1)
		return by
	}
	for _, f := range next {
		if f != nil && uint64(n+1)-slotOf(f) == h.after {
			h.spared.Add(1)
		} else if f != nil {
			h.misled.Add(1)
		}
	}
	return by
}

// slotOf returns in which slot a frame was said.
func slotOf(f *codec.Frame) uint64 { return binary.BigEndian.Uint64(f[:]) }

func (h *hum) SetMuted(on bool) { h.muted.Store(on) }
func (h *hum) Muted() bool      { return h.muted.Load() }

// lost returns how many slots of calls had no voice, and out of how many. The next
// call is counted anew.
func (h *hum) lost() (missing, of uint64) {
	of = h.due.Swap(0)
	return of - h.heard.Swap(0), of
}

// A crowd is a set of many in fake time, on lines that all are alike.
type crowd struct {
	t     *testing.T
	scene scene
	star  *simnet.Star
	set   *Set
	users []*User
	hums  []*hum
	hosts []*simnet.Host
}

// inCrowd gathers a crowd, brings it online, and acts once everybody can speak.
func inCrowd(t *testing.T, where scene, line simnet.Path, act func(c *crowd)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{t: t, scene: where, star: simnet.New(simnet.Config{Seed: 1})}
		defer c.star.Close()
		set, err := NewSet(t.Context(), SetConfig{
			Dir: t.TempDir(), Mode: where.mode, Interval: where.interval, Node: listen7443(t, c.star),
		})
		if err != nil {
			t.Fatal(err)
		}
		c.set = set
		for range where.members {
			c.join(line)
		}
		for _, u := range c.users {
			c.do(u.Start(t.Context()))
		}
		c.await("everybody can speak", func() bool { return !slices.ContainsFunc(c.users, c.mute) })
		time.Sleep(5 * time.Second) // Phases settle.
		act(c)
		for _, u := range c.users {
			c.do(u.Close())
		}
		c.do(set.Close())
	})
}

// join adds a user who knows those who came right before him.
func (c *crowd) join(line simnet.Path) *User {
	c.t.Helper()
	host, h, i := c.star.User(line, line), newHum(), len(c.users)
	u, err := c.set.Join(c.t.Context(), UserConfig{
		Name: name(i), Answer: profile.AnswerAuto, Voice: h,
		Place: Place{Connect: host.DialContext, Socket: func() (net.PacketConn, error) { return host.ListenUDP(0) }},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, o := range c.users[max(0, i-circle):] {
		c.do(Befriend(o, u))
	}
	c.users, c.hums, c.hosts = append(c.users, u), append(c.hums, h), append(c.hosts, host)
	return u
}

// mute reports whether a user is not all there yet.
func (c *crowd) mute(u *User) bool {
	s := u.Phone.State()
	return !s.Online || s.Set.Members != len(c.users) || s.Set.Channels == 0 && !s.Set.Ready
}

func (c *crowd) do(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// await waits until something is so, and returns how long that took.
func (c *crowd) await(what string, ok func() bool) time.Duration {
	c.t.Helper()
	look := time.NewTicker(c.scene.interval.Duration())
	defer look.Stop()
	for from := time.Now(); ; <-look.C {
		switch took := time.Since(from); {
		case ok():
			return took
		case took > time.Minute:
			c.t.Fatalf("not within a minute: %s", what)
		}
	}
}

// call has one call another, who answers by himself, and returns when both hear
// each other.
func (c *crowd) call(from, to int) time.Duration {
	c.t.Helper()
	c.do(c.users[from].Phone.Call(c.users[to].Name))
	return c.await("a call", func() bool { return c.hums[from].heard.Load() > 0 && c.hums[to].heard.Load() > 0 })
}

// lost returns the share of slots of calls without voice, since it was last asked.
func (c *crowd) lost(who ...int) float64 {
	var missing, of uint64
	for _, i := range who {
		m, n := c.hums[i].lost()
		missing, of = missing+m, of+n
	}
	return float64(missing) / float64(max(of, 1))
}

// How large and how long crowds are: make crowds has more.
var (
	many    = flag.Int("many", 16, "members of a bMIX in fake time")
	crowded = flag.Int("crowded", 12, "members of the sMIX from which one vanishes")
	losing  = flag.Duration("losing", 10*time.Second, "how long calls of an sMIX last that lose cells")
	sockets = flag.Int("sockets", 6, "members of a bMIX on real sockets")
)

// A bMIX of many, with two calls at once: everybody is there for everybody, and
// no cell of either call is lost.
func TestBMIXOfMany(t *testing.T) {
	t.Parallel()
	line := simnet.Path{Delay: 20*time.Millisecond + 137*time.Microsecond}
	inCrowd(t, scene{mode: cell.BMIX, interval: cell.Interval100, members: *many}, line, func(c *crowd) {
		last := len(c.users) - 1
		first := c.call(0, 1)
		second := c.call(last, last-1)
		time.Sleep(10 * time.Second)
		lost := c.lost(0, 1, last, last-1)
		t.Logf("%d members: calls stand after %s and %s; %.2f %% of the slots had no voice", len(c.users), first, second, 100*lost)
		if lost > 0 {
			t.Errorf("%.2f %% of the voice was lost on lines that lose nothing", 100*lost)
		}
	})
}

// lossy is the line of a network that loses one packet in a hundred, each way.
var lossy = simnet.Path{Delay: 50*time.Millisecond + 137*time.Microsecond, Loss: 0.01}

// Superposed sending on a network that loses: one member's lost packet would cost
// everybody the slot, so everything goes twice. With 20 members and 1 % loss each
// way, at most 1 % of the voice is lost.
func TestSMIXLosesLittle(t *testing.T) {
	t.Parallel()
	inCrowd(t, scene{mode: cell.SMIX, interval: cell.Interval40, members: 20}, lossy, func(c *crowd) {
		c.call(0, 1)
		c.call(4, 5)
		c.lost(0, 1, 4, 5)
		time.Sleep(*losing)
		lost := c.lost(0, 1, 4, 5)
		t.Logf("%d members, 1 %% loss each way, 50 ms: %.2f %% of the voice of two calls was lost in %s", len(c.users), 100*lost, *losing)
		if lost > 0.01 {
			t.Errorf("%.2f %% of the voice was lost", 100*lost)
		}
	})
}

// A member who vanishes costs the others less than half a second of voice; one who
// joins, or who takes leave, costs nothing.
func TestSMIXChurn(t *testing.T) {
	t.Parallel()
	line := simnet.Path{Delay: 50*time.Millisecond + 137*time.Microsecond}
	inCrowd(t, scene{mode: cell.SMIX, interval: cell.Interval40, members: *crowded}, line, func(c *crowd) {
		last := len(c.users) - 1
		callers := []int{0, 1, 2, 3}
		c.call(0, 1)
		c.call(2, 3)
		slots := func(what string, act func()) time.Duration {
			for _, i := range callers {
				c.lost(i)
			}
			act()
			time.Sleep(8 * time.Second)
			var worst time.Duration
			for _, i := range callers {
				missing, _ := c.hums[i].lost()
				worst = max(worst, time.Duration(missing)*c.scene.interval.Duration()) //nolint:gosec // a few
			}
			t.Logf("%d members, %s: at most %s of voice lost", len(c.users), what, worst)
			return worst
		}
		if d := slots("nothing happens", func() {}); d != 0 {
			t.Errorf("%s of voice lost for nothing", d)
		}
		if d := slots("one joins", func() { c.do(c.join(line).Start(c.t.Context())) }); d != 0 {
			t.Errorf("a join costs %s of voice", d)
		}
		leave := func() {
			c.users[last].Phone.Leave(c.t.Context())
			c.users[last].leave()
		}
		if d := slots("one takes leave", leave); d != 0 {
			t.Errorf("a leave costs %s of voice", d)
		}
		gone := simnet.Path{Loss: 1}
		if d := slots("one vanishes", func() { c.hosts[last-1].SetPaths(gone, gone) }); d >= 500*time.Millisecond {
			t.Errorf("a member who vanishes costs %s of voice", d)
		}
	})
}

// A bMIX on real sockets and in real time, with two calls at once. What is lost is
// what the machine is too busy for.
func TestBMIXOnSockets(t *testing.T) {
	ctx := t.Context()
	set, err := NewSet(ctx, SetConfig{Dir: t.TempDir(), Mode: cell.BMIX, Interval: cell.Interval100})
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{t: t, scene: scene{mode: cell.BMIX, interval: cell.Interval100}, set: set}
	for i := range *sockets {
		h := newHum()
		u, err := set.Join(ctx, UserConfig{Name: name(i), Answer: profile.AnswerAuto, Voice: h})
		c.do(err)
		for _, o := range c.users[max(0, i-circle):] {
			c.do(Befriend(o, u))
		}
		c.users, c.hums = append(c.users, u), append(c.hums, h)
	}
	for _, u := range c.users {
		c.do(u.Start(ctx))
	}
	settled := func(u *User) bool { e := u.Phone.State().Early; return !c.mute(u) && e > 0 && e < 20 }
	c.await("everybody can speak", func() bool {
		return !slices.ContainsFunc(c.users[:4], func(u *User) bool { return !settled(u) })
	})
	c.call(0, 1)
	c.call(2, 3)
	c.lost(0, 1, 2, 3)
	was := c.disturbed()
	talk := time.NewTimer(5 * time.Second)
	<-talk.C
	lost, late := c.lost(0, 1, 2, 3), c.disturbed()-was
	t.Logf("%d members on sockets: %.2f %% of the voice was lost; %d cells were skipped, lost, or late", len(c.users), 100*lost, late)
	if lost == 1 || lost > 0.02 && late == 0 {
		t.Errorf("%.0f %% of the voice was lost", 100*lost)
	}
	for _, u := range c.users {
		c.do(u.Close())
	}
	c.do(set.Close())
}

// disturbed counts what a machine that is too busy does to cells.
func (c *crowd) disturbed() uint64 {
	n := c.set.node.Status().Late
	for _, u := range c.users {
		s := u.Phone.State()
		n += s.Counts.Pacer.Skipped + s.Counts.Pacer.Bare + s.Counts.Pacer.StagedLate + s.Counts.Lost
	}
	return n
}
