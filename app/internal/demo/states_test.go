//go:build !race

package demo

import (
	"testing"
	"time"

	"undertone/app/internal/profile"
	"undertone/mixclient/call"
	"undertone/mixclient/call/calltest"
	"undertone/transport/cell"
	"undertone/transport/simnet"
)

// Trace equality in every state of a call: whatever way a call goes, everybody's
// packets and the server's are the same as in as much time without one. The ways are
// those that the call machine itself has (package calltest), so that no state and no
// way from one to the next is left out; and each ends where the machine says.
func TestEveryStateIsUnobservable(t *testing.T) {
	t.Parallel()
	const pace = cell.Interval100 // Nothing of it depends on the pace, and this takes the least time.
	for name, where := range map[string]scene{
		"tmix":    {interval: pace, members: 1},
		"telling": {interval: pace, members: 1},
		"bmix":    {mode: cell.BMIX, interval: pace, members: 2},
		"smix":    {mode: cell.SMIX, interval: pace, members: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			follow(t, where, name == "telling")
		})
	}
}

// Windows in which a path has room, and both sides hang up afterwards.
const (
	shortWay = 20 * time.Second
	longWay  = 60 * time.Second
	// Who rings in vain is told once in half a minute.
	tellingWay = 40 * time.Second
)

// follow goes every way in a window of its own.
func follow(t *testing.T, where scene, tells bool) {
	var short, long []calltest.Path
	for _, p := range calltest.Explore(tells, true).Paths {
		if p.Long() {
			long = append(long, p)
		} else {
			short = append(short, p)
		}
	}
	seen := map[call.State]bool{}
	where.each = shortWay
	if tells {
		where.each = tellingWay
	}
	ways(t, where, tells, short, seen)
	where.each = longWay
	ways(t, where, tells, long, seen)
	for _, s := range call.States() {
		if !seen[s] {
			t.Errorf("nobody was ever %s", s)
		}
	}
}

// ways goes some ways in one session, and compares each with a window without a call.
func ways(t *testing.T, where scene, tells bool, paths []calltest.Path, seen map[call.State]bool) {
	where.before = func(tr *trace) {
		for _, u := range []*User{tr.ann, tr.bob} {
			tr.do(u.profile.Update(func(c *profile.Content) error {
				c.Settings.TellBusy = tells
				return nil
			}))
		}
	}
	scenarios := []func(*trace){idle}
	for _, p := range paths {
		if least := (p.Seconds() + 2*calltest.While) * int(time.Second); least > int(where.each) {
			t.Fatalf("%q takes %d s", p, p.Seconds())
		}
		scenarios = append(scenarios, func(tr *trace) { tr.follow(p, seen) })
	}
	tr := record(t, where, append(scenarios, nothing)...)
	if least := 2 * len(tr.hosts) * int(where.interval.Slots(where.each)); len(tr.windows[0]) < least {
		t.Fatalf("the observer saw %d packets, want %d at least", len(tr.windows[0]), least)
	}
	for k, p := range paths {
		if d := simnet.Diff(tr.windows[0], tr.windows[k+1]); d != "" {
			t.Errorf("%q shows:\n%s", p, d)
		}
	}
	if tr.offline > 0 {
		t.Errorf("the line was lost %d times", tr.offline)
	}
	t.Logf("%d packets in %v, the same on %d ways", len(tr.windows[0]), where.each, len(paths))
}

// follow goes a way, and then ends whatever is left of the call.
func (tr *trace) follow(p calltest.Path, seen map[call.State]bool) {
	people := []*User{calltest.Ann: tr.ann, calltest.Bob: tr.bob, calltest.Carol: tr.others[0]}
	callees := []string{calltest.Ann: "bob", calltest.Bob: "ann", calltest.Carol: "bob"}
	look := func() {
		for _, u := range people {
			seen[u.Phone.State().Call] = true
		}
	}
	wait := func(seconds time.Duration) {
		// Some times in a slot, and at no time at which anything else happens.
		for end := time.Now().Add(seconds * time.Second); time.Now().Before(end); time.Sleep(31*time.Millisecond + 119*time.Microsecond) {
			look()
		}
	}
	for _, m := range p.Moves {
		phone := people[m.Who].Phone
		switch m.What {
		case calltest.Waits:
			wait(calltest.While)
		case calltest.WaitsLong:
			wait(calltest.LongWhile)
		case calltest.Calls:
			tr.do(phone.Call(callees[m.Who]))
		case calltest.Answers:
			tr.do(phone.Answer())
		case calltest.Declines:
			tr.do(phone.Decline())
		case calltest.HangsUp:
			tr.do(phone.Hangup())
		}
	}
	for i, u := range people {
		if s := u.Phone.State().Call; p.Settled() && s != p.Ends[i] {
			tr.t.Errorf("after %q %s is %s, and the machine says %s", p, u.Name, s, p.Ends[i])
		}
	}
	for _, u := range people {
		_ = u.Phone.Hangup() // If there is nothing to hang up, all the better.
	}
	wait(calltest.While)
	for _, u := range people {
		if s := u.Phone.State().Call; s != call.Idle {
			tr.t.Errorf("after %q and hanging up, %s is %s", p, u.Name, s)
		}
		tr.countOffline(u)
	}
}
