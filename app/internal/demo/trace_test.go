package demo

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/quality"
	"undertone/assets"
	"undertone/codec"
	"undertone/mixclient"
	"undertone/server/node"
	"undertone/transport/cell"
	"undertone/transport/simnet"
)

// Times of a trace. When the observer begins, both users are online, are
// contacts, and their phases have settled. Each scenario has a window of its own
// in the same session, and each is compared with the first. A window is a whole
// number of slots, of acknowledgements (one for two cells) and of ICE's checks
// (one in two seconds), so that what has nothing to do with calls is the same in
// all.
const (
	settled = 20 * time.Second
	window  = 10 * time.Second

	// apart is how long one user comes online after the other, so that two sessions have
	// them in the same order.
	apart = 53 * time.Millisecond

	// speech is how much of the recording is said: it has to fit into a window
	// with the ringing before it and some silence after it.
	speech = 4 * time.Second
)

// The delays of everybody's line. They are odd, so that no two things that have
// nothing to do with each other happen at one instant: in which order goroutines
// run then is open, even in fake time.
const (
	upDelay   = 30*time.Millisecond + 137*time.Microsecond
	downDelay = 29*time.Millisecond + 211*time.Microsecond
)

// A scene is where a trace is recorded.
type scene struct {
	mode     cell.Mode // zero is tMIX
	interval cell.Interval
	members  int // besides ann and bob
	// each is how long a window is; zero stands for window.
	each time.Duration
	// Everybody's line, besides the delay.
	jitter time.Duration
	loss   float64
	// leak changes ann's socket, for controls; before is done before anybody goes
	// online.
	leak   func(net.PacketConn) net.PacketConn
	before func(*trace)
	// dial changes how ann's links are opened.
	dial func(mixclient.Dialer) mixclient.Dialer
}

// A trace is one session of a set in fake time: what the observer saw in each
// window, and what was heard. In each, ann and bob may call.
type trace struct {
	t        *testing.T
	scene    scene
	start    time.Time
	ann, bob *User
	others   []*User
	star     *simnet.Star
	set      *Set
	hosts    []*simnet.Host
	said     []float32
	windows  [][]simnet.Packet
	offline  int // how often ann's line was lost
	heard    quality.Report
}

// record runs scenarios, one in each window.
func record(t *testing.T, where scene, scenarios ...func(*trace)) *trace {
	t.Helper()
	if where.mode == 0 {
		where.mode = cell.TMIX
	}
	if where.each == 0 {
		where.each = window
	}
	tr := &trace{scene: where}
	synctest.Test(t, func(t *testing.T) {
		tr.t, tr.start = t, time.Now()
		tr.star = simnet.New(simnet.Config{Seed: 1})
		defer tr.star.Close()
		tr.set = tr.serve()
		users := tr.gather()
		if where.before != nil {
			where.before(tr)
		}
		for _, u := range users {
			tr.do(u.Start(t.Context()))
			time.Sleep(apart)
		}
		for k, scenario := range scenarios {
			tr.at(settled + time.Duration(k)*where.each)
			scenario(tr)
		}
		tr.at(settled + time.Duration(len(scenarios))*where.each)
		tr.countOffline(tr.ann)
		tr.split(tr.star.Since(tr.start.Add(settled)), len(scenarios))
		if heard := tr.bob.Tape.Samples(); len(heard) > 0 {
			// Only the first call: the tape goes on in the next, and ends in a word.
			tr.heard = quality.Compare(tr.said, heard[:min(len(heard), audio.Samples(speech+time.Second))])
		}
		for _, u := range users {
			tr.do(u.Close())
		}
		tr.do(tr.set.Close())
	})
	return tr
}

// gather has all users of the scene join, and makes friends of them.
func (tr *trace) gather() []*User {
	tr.ann = tr.join("ann", tr.scene.leak)
	tr.bob = tr.join("bob", nil)
	for i := range tr.scene.members {
		tr.others = append(tr.others, tr.join(name(i+2), nil))
	}
	users := append([]*User{tr.ann, tr.bob}, tr.others...)
	for i, u := range users {
		for k, o := range users[:i] {
			if i-k <= circle {
				tr.do(Befriend(o, u))
			}
		}
	}
	return users
}

// split sorts packets into windows, with the times of the first.
func (tr *trace) split(packets []simnet.Packet, n int) {
	tr.windows = make([][]simnet.Packet, n)
	for _, p := range packets {
		k := int(p.At.Sub(tr.start.Add(settled)) / tr.scene.each)
		if k < n {
			p.At = p.At.Add(-time.Duration(k) * tr.scene.each)
			tr.windows[k] = append(tr.windows[k], p)
		}
	}
}

func (tr *trace) serve() *Set {
	tr.t.Helper()
	// Users get places in the window in the order in which they come.
	var mu sync.Mutex
	next := time.Duration(0)
	offset := func(below time.Duration) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		next += below/time.Duration(4*(tr.scene.members+2)) + 17*time.Microsecond
		return next % below
	}
	cfg := listen7443(tr.t, tr.star)
	cfg.Offset = offset
	set, err := NewSet(tr.t.Context(), SetConfig{Dir: tr.t.TempDir(), Mode: tr.scene.mode, Interval: tr.scene.interval, Node: cfg})
	if err != nil {
		tr.t.Fatal(err)
	}
	return set
}

// listen7443 is where the server listens in the middle of a star.
func listen7443(t *testing.T, star *simnet.Star) node.Config {
	t.Helper()
	signal, err := star.Server().ListenStream(7443)
	if err != nil {
		t.Fatal(err)
	}
	cells, err := star.Server().ListenUDP(7443)
	if err != nil {
		t.Fatal(err)
	}
	return node.Config{Signal: signal, Cells: cells}
}

func (tr *trace) join(name string, leak func(net.PacketConn) net.PacketConn) *User {
	tr.t.Helper()
	line := simnet.Path{Delay: upDelay, Jitter: tr.scene.jitter, Loss: tr.scene.loss}
	back := line
	back.Delay = downDelay
	host := tr.star.User(line, back)
	tr.hosts = append(tr.hosts, host)
	says := assets.Answer()
	var dial func(mixclient.Dialer) mixclient.Dialer
	if name == "ann" {
		says, dial = assets.Speech(), tr.scene.dial
	}
	pcm, err := codec.Convert(says.PCM(), assets.SampleRate, cell.SampleRate)
	if err != nil {
		tr.t.Fatal(err)
	}
	pcm = pcm[:audio.Samples(speech)]
	if name == "ann" {
		tr.said = pcm
	}
	u, err := tr.set.Join(tr.t.Context(), UserConfig{
		Name: name, Says: pcm, Hears: window, Answer: profile.AnswerNever,
		Place: Place{
			Dial:    dial,
			Connect: host.DialContext,
			Socket: func() (net.PacketConn, error) {
				conn, err := host.ListenUDP(0)
				if err == nil && leak != nil {
					conn = leak(conn)
				}
				return conn, err
			},
		},
	})
	if err != nil {
		tr.t.Fatal(err)
	}
	return u
}

// at waits until some time of the trace.
func (tr *trace) at(d time.Duration) { time.Sleep(time.Until(tr.start.Add(d))) }

func (tr *trace) expect(u *User, kind phone.EventKind) phone.Event {
	tr.t.Helper()
	ctx, cancel := context.WithTimeout(tr.t.Context(), 30*time.Second)
	defer cancel()
	e, err := u.Await(ctx, kind)
	if err != nil {
		tr.t.Fatal(err)
	}
	return e
}

func (tr *trace) do(err error) {
	tr.t.Helper()
	if err != nil {
		tr.t.Fatal(err)
	}
}

// The scenarios.

// idle is the window that others are compared with, nothing one that is the same.
func idle(*trace) {}

func nothing(*trace) {}

// talk rings, is answered, speaks, falls silent when the recording is over, and
// hangs up.
func talk(tr *trace) {
	tr.do(tr.ann.Phone.Call("bob"))
	tr.expect(tr.bob, phone.Rings)
	time.Sleep(time.Second) // bob walks to the telephone
	tr.do(tr.bob.Phone.Answer())
	tr.expect(tr.bob, phone.VoiceHeard)
	tr.expect(tr.ann, phone.VoiceHeard)
	time.Sleep(speech + 1500*time.Millisecond)
	tr.do(tr.ann.Phone.Hangup())
	tr.expect(tr.bob, phone.Ended)
	tr.expect(tr.ann, phone.Ended)
}

// decline rings, is declined, and gives up.
func decline(tr *trace) {
	tr.do(tr.ann.Phone.Call("bob"))
	tr.expect(tr.bob, phone.Rings)
	time.Sleep(time.Second)
	tr.do(tr.bob.Phone.Decline())
	tr.expect(tr.bob, phone.Ended)
	time.Sleep(5 * time.Second)
	tr.do(tr.ann.Phone.Hangup())
	tr.expect(tr.ann, phone.Ended)
}

// Trace equality: somebody who records every packet of every user and of the
// server sees the same list, time by time and size by size, whether nothing
// happens, or somebody rings, is answered, speaks, falls silent and hangs up, or
// rings and is declined. The speech is really heard in the same run.
func TestProtocol2IsUnobservable(t *testing.T) {
	t.Parallel()
	for _, i := range intervals() {
		t.Run(i.String(), func(t *testing.T) {
			t.Parallel()
			tr := record(t, scene{interval: i}, idle, talk, decline, nothing)
			checkEqual(t, tr, 1, "a call", "a declined call", "nothing at all")
			checkSpeech(t, i, tr)
		})
	}
}

func checkSpeech(t *testing.T, i cell.Interval, tr *trace) {
	t.Helper()
	least := 0.9
	if i == cell.Interval100 {
		least = 0.75
	}
	if tr.heard.Similarity < least || !tr.heard.Whole() {
		t.Errorf("the speech was not heard whole: similarity %.2f, %d clicks, %d gaps, %d repeats, stretch %d",
			tr.heard.Similarity, len(tr.heard.Clicks), len(tr.heard.Gaps), len(tr.heard.Repeats), tr.heard.Stretch)
	}
}

// A leak is a socket that changes the next packet, when it is told to.
type leak struct {
	net.PacketConn
	next atomic.Pointer[func([]byte) []byte]
}

func (l *leak) WriteTo(b []byte, to net.Addr) (int, error) {
	n := len(b)
	if act := l.next.Swap(nil); act != nil {
		b = (*act)(b)
	}
	_, err := l.PacketConn.WriteTo(b, to)
	return n, err
}

// Controls: one byte too many, and one millisecond too late, in one packet of
// thousands, are caught.
func TestTraceEqualityCatches(t *testing.T) {
	t.Parallel()
	var socket *leak
	act := func(how func([]byte) []byte) func(*trace) {
		return func(*trace) {
			time.Sleep(time.Second)
			socket.next.Store(&how)
		}
	}
	extraByte := func(b []byte) []byte { return append(b[:len(b):len(b)], 0) }
	late := func(b []byte) []byte {
		time.Sleep(time.Millisecond)
		return b
	}
	tap := func(c net.PacketConn) net.PacketConn {
		socket = &leak{PacketConn: c}
		return socket
	}
	tr := record(t, scene{interval: pace(), leak: tap}, idle, nothing, act(extraByte), act(late))
	for k, want := range map[int]string{1: "", 2: "an extra byte", 3: "a delay of 1 ms"} {
		if caught := simnet.Diff(tr.windows[0], tr.windows[k]) != ""; caught != (want != "") {
			t.Errorf("window %d, with %q: caught is %v", k, want, caught)
		}
	}
}
