//go:build !race

package demo

import (
	"context"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/mixclient/call"
	"undertone/transport/cell"
	"undertone/transport/simnet"
)

const (
	// noUDP loses every datagram, and leaves connections alone.
	noUDP = 1.0
	// cellFrame is a cell on a connection: its datagram (package rtc), behind the length.
	cellFrame = 2 + 197
)

// Trace equality where nobody has UDP: everything goes over TCP then, and whether
// there is a call shows neither in what is written to connections nor in when.
func TestCallsOverTCPAreUnobservable(t *testing.T) {
	t.Parallel()
	over := func(act func(*trace)) func(*trace) {
		return func(tr *trace) {
			for _, u := range []*User{tr.ann, tr.bob} {
				if s := u.Phone.State(); !s.Online || !s.OverTCP {
					tr.t.Errorf("%s is online: %v, over TCP: %v", u.Name, s.Online, s.OverTCP)
				}
			}
			act(tr)
		}
	}
	tr := record(t, scene{interval: pace(), loss: noUDP}, over(idle), over(talk), over(decline), over(nothing))
	checkEqual(t, tr, 1, "a call", "a declined call", "nothing at all")
	checkSpeech(t, tr.scene.interval, tr)
	for _, p := range tr.windows[1] {
		if !p.Stream {
			t.Fatalf("a datagram: %v", p)
		}
	}
	if tr.offline > 0 {
		t.Errorf("the line was lost %d times", tr.offline)
	}
}

// alone is a set in fake time with one user, whose line and socket can be bad.
func alone(t *testing.T, loss float64, wrap func(net.PacketConn) net.PacketConn, test func(t *testing.T, u *User)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		star := simnet.New(simnet.Config{Seed: 1})
		defer star.Close()
		set, err := NewSet(t.Context(), SetConfig{Dir: t.TempDir(), Mode: cell.TMIX, Interval: cell.Interval40, Node: listen7443(t, star)})
		check(t, err)
		host := star.User(simnet.Path{Delay: upDelay, Loss: loss}, simnet.Path{Delay: downDelay, Loss: loss})
		u, err := set.Join(t.Context(), UserConfig{Name: "ann", Answer: profile.AnswerNever, Voice: newHum(), Place: Place{
			Connect: host.DialContext,
			Socket: func() (net.PacketConn, error) {
				c, err := host.ListenUDP(0)
				return wrap(c), err
			},
		}})
		check(t, err)
		check(t, u.Start(t.Context()))
		test(t, u)
		check(t, u.Close())
		check(t, set.Close())
	})
}

// Who has no UDP is online within four seconds and is told that it is over TCP, and
// who has it is told nothing of the kind.
func TestFallsBackInTime(t *testing.T) {
	t.Parallel()
	asIs := func(c net.PacketConn) net.PacketConn { return c }
	for loss, want := range map[float64]bool{0: false, noUDP: true} {
		alone(t, loss, asIs, func(t *testing.T, u *User) {
			start := time.Now()
			e, err := u.Await(t.Context(), phone.Online)
			check(t, err)
			if took := time.Since(start); took > 4*time.Second || e.OverTCP != want {
				t.Errorf("online after %v, over TCP: %v", took, e.OverTCP)
			}
			time.Sleep(5 * time.Second)
			if s := u.Phone.State(); !s.Online || s.OverTCP != want || s.Counts.Lost > 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// A half-open firewall lets through what begins a link over UDP, and nothing of the
// link.
type halfOpen struct{ net.PacketConn }

func (h halfOpen) WriteTo(b []byte, to net.Addr) (int, error) {
	if b[0] > 3 { // No check of the line.
		return len(b), nil
	}
	return h.PacketConn.WriteTo(b, to)
}

// Where UDP seems to work, and does not, the next attempt goes over TCP at once.
func TestFallsBackBehindAHalfOpenFirewall(t *testing.T) {
	t.Parallel()
	alone(t, 0, func(c net.PacketConn) net.PacketConn { return halfOpen{c} }, func(t *testing.T, u *User) {
		start := time.Now()
		_, err := u.Await(t.Context(), phone.Offline)
		check(t, err)
		failed := time.Now()
		e, err := u.Await(t.Context(), phone.Online)
		check(t, err)
		if took := time.Since(failed); took > 2*time.Second || failed.Sub(start) > 15*time.Second || !e.OverTCP {
			t.Errorf("offline after %v, online %v later, over TCP: %v", failed.Sub(start), took, e.OverTCP)
		}
	})
}

// A deaf socket is one of the system through which no datagram comes or goes.
type deaf struct{ net.PacketConn }

func (deaf) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), nil }

func newDeaf() (net.PacketConn, error) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	return deaf{c}, err
}

// A streamTap is what somebody sees who takes a user's connections apart into
// frames: how many of each size there are.
type streamTap struct {
	mu       sync.Mutex
	up, down map[int]int
	alone    bool // each frame up was one write
}

// connect opens a connection that is watched, if it is none of TLS.
func (l *streamTap) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &tapped{Conn: c, to: l}, nil
}

// reset forgets what was before.
func (l *streamTap) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up, l.down, l.alone = map[int]int{}, map[int]int{}, true
}

// seen returns what was seen since.
func (l *streamTap) seen() (up, down map[int]int, alone bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.up, l.down, l.alone
}

type tapped struct {
	net.Conn
	to       *streamTap
	up, down []byte // what is no whole frame yet
	other    bool   // it is no connection of frames
	began    bool
}

func (c *tapped) Write(b []byte) (int, error) {
	c.to.mu.Lock()
	c.other = c.other || !c.began && b[0] > 5
	c.began = true
	if !c.other {
		c.up = split(append(c.up, b...), c.to.up)
		c.to.alone = c.to.alone && len(c.up) == 0 && len(b) == 2+int(binary.BigEndian.Uint16(b))
	}
	c.to.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *tapped) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.to.mu.Lock()
	defer c.to.mu.Unlock()
	if !c.other {
		c.down = split(append(c.down, b[:n]...), c.to.down)
	}
	return n, err
}

// split counts the whole frames of b, and returns what remains.
func split(b []byte, count map[int]int) []byte {
	for len(b) >= 2 {
		size := 2 + int(binary.BigEndian.Uint16(b))
		if len(b) < size {
			break
		}
		if count != nil {
			count[size]++
		}
		b = b[size:]
	}
	return b
}

// Two users without UDP, on real sockets and in real time: they come online, hold
// their slots and talk, and what crosses their connections has the same sizes, one
// frame for each slot, before the call and in it.
func TestCallOverTCPOnSockets(t *testing.T) {
	t.Parallel()
	const pace, long = cell.Interval40, 2 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	set, err := NewSet(ctx, SetConfig{Dir: t.TempDir(), Mode: cell.TMIX, Interval: pace})
	check(t, err)
	var users [2]*User
	var taps [2]streamTap
	for i := range users {
		taps[i].reset()
		users[i], err = set.Join(ctx, UserConfig{
			Name: name(i), Answer: profile.AnswerAuto, Voice: newHum(),
			Place: Place{Connect: taps[i].connect, Socket: newDeaf},
		})
		check(t, err)
	}
	check(t, Befriend(users[0], users[1]))
	for _, u := range users {
		check(t, u.Start(ctx))
	}
	for _, u := range users {
		e, err := u.Await(ctx, phone.Online)
		check(t, err)
		if !e.OverTCP {
			t.Errorf("%s is not over TCP", u.Name)
		}
	}
	// watch counts frames for a while, and compares with the slots that there were.
	watch := func(what string) {
		var before [2]uint64
		for i, u := range users {
			taps[i].reset()
			before[i] = u.Phone.State().Counts.Pacer.Sent
		}
		<-time.After(long)
		for i, u := range users {
			up, down, alone := taps[i].seen()
			sent := int(u.Phone.State().Counts.Pacer.Sent - before[i])
			if cells := up[cellFrame]; cells < sent*19/20-2 || cells > sent+2 || sent < int(pace.Slots(long))/2 || !alone {
				t.Errorf("%s: %s sent %d cells in %d slots, each alone: %v", what, u.Name, cells, sent, alone)
			}
			for _, way := range []map[int]int{up, down} {
				for size := range way {
					if !likely(size - 2) {
						t.Errorf("%s: %s has frames of %d bytes", what, u.Name, size)
					}
				}
			}
			t.Logf("%s: %s in %d slots, up %v, down %v", what, u.Name, sent, up, down)
		}
	}
	watch("idle")
	check(t, users[0].Phone.Call(users[1].Name))
	for _, u := range []*User{users[1], users[0]} {
		_, err := u.Await(ctx, phone.VoiceHeard)
		check(t, err)
	}
	watch("in a call")
	for _, u := range users {
		if s := u.Phone.State(); s.Call != call.Talking || s.Played.Heard == 0 || !s.OverTCP {
			t.Errorf("%s is %s, and heard %d", u.Name, s.Call, s.Played.Heard)
		}
	}
	check(t, users[0].Phone.Hangup())
	for _, u := range users {
		check(t, u.Close())
	}
	check(t, set.Close())
}

// likely reports whether a datagram is a cell, or one of those that go beside cells
// whatever is in them: a check of the line or its answer, an acknowledgement with
// 4 bytes for each gap, or cells that are sent again.
func likely(size int) bool {
	const request, answer, ack, gap, chunk, single = 112, 64, 65, 4, 148, cellFrame - 2
	return size == request || size == answer || size >= single && (size-single)%chunk == 0 ||
		size >= ack && size < single && (size-ack)%gap == 0
}
