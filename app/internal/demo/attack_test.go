//go:build !race

package demo

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"undertone/mixclient"
	"undertone/mixclient/call"
	"undertone/transport/cell"
	"undertone/transport/simnet"
	"undertone/transport/superpose"
	layout "undertone/transport/wire"
)

// A fate is what becomes of a datagram that comes so long after an attack began, in
// copies that are so much later than without.
type fate func(at time.Duration) []time.Duration

// An attack is what somebody in the middle of ann's line does, up and down.
type attack struct{ up, down fate }

// attacks are what active attackers do. Each is so hard that voice is lost or late, and
// not so hard that the line is lost. What is swapped is what comes down: of swapped
// uploads one is too late, and the client moves its slots without end, by 200 ppm at the
// most, to be in time again. So it does without a call, but no window is as the last.
func attacks(i cell.Interval) map[string]attack {
	slot := i.Duration()
	untouched := []time.Duration{0}
	// In some slots, of so many each.
	some := func(slots, which int, copies ...time.Duration) fate {
		return func(at time.Duration) []time.Duration {
			if int(at/slot)%slots == which {
				return copies
			}
			return untouched
		}
	}
	always := func(time.Duration) []time.Duration { return untouched }
	pause := func(at time.Duration) []time.Duration {
		if at%(3*time.Second) < 600*time.Millisecond { // The line counts as lost after a second.
			return nil
		}
		return untouched
	}
	drop, delay, double := some(5, 3), some(4, 1, 3*slot+1717*time.Microsecond), some(3, 0, 0, slot/2+337*time.Microsecond)
	return map[string]attack{
		"drop":             {drop, drop},
		"drop for a while": {pause, pause},
		"delay":            {delay, delay},
		"duplicate":        {double, double},
		"swap":             {always, some(4, 0, slot+slot/3)},
	}
}

// attackFor is how long a window is: a whole number of everything that an attack does
// again and again.
const attackFor = 12 * time.Second

// Active attackers: somebody who drops, delays, doubles and swaps ann's datagrams, both
// ways, in the hope that a call answers to it otherwise than none. Everybody sends
// exactly the same, at the same times, acknowledgements and all that is sent again
// included, once the line has settled under the attack.
func TestAttackedLineIsUnobservable(t *testing.T) {
	t.Parallel()
	for _, i := range intervals() {
		t.Run(i.String(), func(t *testing.T) {
			t.Parallel()
			for name, how := range attacks(i) {
				t.Run("tmix "+name, func(t *testing.T) {
					t.Parallel()
					attacked(t, scene{interval: i}, how, strings.HasPrefix(name, "drop"))
				})
			}
			if i != cell.Interval100 {
				return
			}
			// In an sMIX two acknowledgements of one instant are now one way round and now
			// the other, call or not.
			t.Run("bmix drop", func(t *testing.T) {
				t.Parallel()
				attacked(t, scene{mode: cell.BMIX, interval: i, members: 2}, attacks(i)["drop"], true)
			})
		})
	}
}

func attacked(t *testing.T, where scene, how attack, drops bool) {
	t.Helper()
	where.each = attackFor
	begin := func(tr *trace) {
		tr.hosts[0].SetPaths(
			simnet.Path{Delay: upDelay, Fate: func(at time.Duration, _ int) []time.Duration { return how.up(at) }},
			simnet.Path{Delay: downDelay, Fate: func(at time.Duration, _ int) []time.Duration { return how.down(at) }},
		)
	}
	tr := record(t, where, begin, idle, busy, nothing)
	for k, what := range map[int]string{2: "a call", 3: "what follows"} {
		if d := simnet.Diff(tr.windows[1], tr.windows[k]); d != "" {
			t.Errorf("%s shows:\n%s", what, d)
		}
	}
	lost := slices.ContainsFunc(tr.windows[2], func(p simnet.Packet) bool { return p.Lost })
	if tr.offline > 0 || lost != drops {
		t.Errorf("the line was lost %d times; are there packets that were: %v", tr.offline, lost)
	}
	t.Logf("%d packets in each window", len(tr.windows[1]))
}

// busy calls, is answered, talks, and hangs up, all by the clock, since whoever attacks
// may well keep people from hearing each other for a while.
func busy(tr *trace) {
	for _, u := range []*User{tr.ann, tr.bob} {
		tr.drain(u, nil)
	}
	tr.do(tr.ann.Phone.Call("bob"))
	time.Sleep(3500 * time.Millisecond)
	tr.do(tr.bob.Phone.Answer())
	time.Sleep(1500 * time.Millisecond)
	before := []uint64{tr.ann.Phone.State().Played.Heard, tr.bob.Phone.State().Played.Heard}
	time.Sleep(3 * time.Second)
	for k, u := range []*User{tr.ann, tr.bob} {
		s := u.Phone.State()
		if heard := s.Played.Heard - before[k]; s.Call != call.Talking || heard < uint64(tr.scene.interval.Slots(time.Second)) {
			tr.t.Errorf("%s is %s, and heard %d cells in three seconds", u.Name, s.Call, heard)
		}
	}
	tr.do(tr.ann.Phone.Hangup())
}

// A lie makes of an honest message what a server that lies sends in its place. old is a
// message from some slots before.
type lie func(message, old []byte)

// lies are what a server can do to one user: in every second slot it drops what is in
// the cells, or brings old ones again.
func lies(m cell.Mode) map[string]lie {
	cells := func(change func(to, old []byte)) lie {
		return func(message, old []byte) {
			was := channelsOf(m, old)
			for k, to := range channelsOf(m, message) {
				change(to, was[k])
			}
		}
	}
	return map[string]lie{
		"blank":        cells(func(to, _ []byte) { _, _ = rand.Read(to) }),
		"zeros":        cells(func(to, _ []byte) { clear(to) }),
		"replay":       cells(func(to, old []byte) { copy(to, old) }),
		"old messages": func(message, old []byte) { copy(message, old) },
	}
}

// channelsOf returns the cells in a message of a mode.
func channelsOf(m cell.Mode, b []byte) (all [][]byte) {
	switch m {
	case cell.BMIX:
		for at := layout.BroadcastSize - layout.BroadcastCells*cell.Size; at < len(b); at += cell.Size {
			all = append(all, b[at:at+cell.Size])
		}
	case cell.SMIX:
		for k := range superpose.Cells {
			all = append(all, superpose.Channel(superpose.Body(b), k))
		}
	case cell.TMIX:
		all = append(all, b[label:]) // It is sealed, and does not open then.
	}
	return all
}

// label is the length of the slot's label, with which every message begins.
const label = 2

// A liar is a dialer to whose link the server lies, once lying is set.
type liar struct {
	mixclient.Dialer
	how    lie
	lying  atomic.Bool
	lied   atomic.Int64
	before [8][]byte // messages, the newest anywhere
	count  int
}

// Dial puts the lie between the link and the client.
func (l *liar) Dial(ctx context.Context, w mixclient.Wish, receive func([]byte, time.Time)) (mixclient.Link, mixclient.Ticket, error) {
	return l.Dialer.Dial(ctx, w, func(b []byte, at time.Time) {
		old := l.before[l.count%len(l.before)]
		l.before[l.count%len(l.before)] = slices.Clone(b)
		l.count++
		// By the slot, so that both copies of a message are forged where there are two.
		if l.lying.Load() && b[label-1]%2 == 0 && len(old) == len(b) {
			b = slices.Clone(b)
			l.how(b, old)
			l.lied.Add(1)
		}
		receive(b, at)
	})
}

// A server that lies to ann, by blanking what it should bring or bringing it again,
// changes nothing of what anybody sends, in a call or not. Once it has begun, it lies in
// all windows.
func TestLyingServerIsNotAnswered(t *testing.T) {
	t.Parallel()
	for _, m := range []cell.Mode{cell.TMIX, cell.BMIX, cell.SMIX} {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			for name, how := range lies(m) {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					lied(t, m, how)
				})
			}
		})
	}
}

func lied(t *testing.T, m cell.Mode, how lie) {
	l := &liar{how: how}
	begin := func(tr *trace) {
		time.Sleep(tr.scene.each / 2)
		l.lying.Store(true)
	}
	dial := func(d mixclient.Dialer) mixclient.Dialer {
		l.Dialer = d
		return l
	}
	tr := record(t, scene{mode: m, interval: pace(), members: 2, dial: dial}, begin, idle, busy, nothing)
	for k, what := range map[int]string{2: "a call", 3: "what follows"} {
		if d := simnet.Diff(tr.windows[1], tr.windows[k]); d != "" {
			t.Errorf("%s shows:\n%s", what, d)
		}
	}
	n := l.lied.Load()
	if least := int64(3*pace().Slots(window)) / 2; tr.offline > 0 || n < least {
		t.Errorf("the line was lost %d times, and %d messages were forged, want %d at least", tr.offline, n, least)
	}
	t.Logf("%d packets in every window, %d messages forged", len(tr.windows[1]), n)
}
