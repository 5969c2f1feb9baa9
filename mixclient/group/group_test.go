package group

import (
	"errors"
	"slices"
	"testing"

	"undertone/mixclient/call"
	"undertone/transport/cell"
	"undertone/transport/wire"
)

// Ann calls two, who do not know each other; all hear all, each by the number of
// his place.
func TestThreeInACall(t *testing.T) {
	x := newSet(t, "ann", "bob", "cyd")
	a, b, c := x.users[0], x.users[1], x.users[2]
	delete(b.contacts, c.handle)
	delete(c.contacts, b.handle)
	x.must(a.call.Dial(x.slot, x.contacts(a, b, c)...))
	x.accept(b, c)
	x.until(5, "all hear each other", x.all(a, b, c))
	x.must(a.call.Hangup(x.slot))
	x.until(5, "all have left", isIdle(a, b, c))
	equal(t, a, "hears bob", "hears cyd", "bob came to 1", "cyd came to 2", "bob: hung up", "cyd: hung up")
	equal(t, b, "ann rings several", "answers ann", "hears ann", "cyd came to 2", "ann: the other side hung up")
	equal(t, c, "ann rings several", "answers ann", "hears ann", "bob came to 1", "ann: the other side hung up")
	for _, u := range x.users {
		want := map[byte]int{'a': 0, 'b': 1, 'c': 2}
		delete(want, u.name[0])
		for who, place := range want {
			if u.places[who] != place {
				t.Errorf("%s hears %q as number %d", u.name, who, u.places[who])
			}
		}
		if u.call.IsGroup() || len(u.call.Keys()) != 0 {
			t.Errorf("%s has a group after the call", u.name)
		}
	}
}

func TestEightInACall(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd", "dan", "eve", "fay", "gus", "hal")
	a := x.users[0]
	for _, u := range x.users {
		if got := len(u.call.Participants()); got != 7 {
			t.Errorf("%s sees %d participants", u.name, got)
		}
	}
	if err := a.call.Add(x.slot, a.contact(x.users[1])); !errors.Is(err, ErrThere) {
		t.Errorf("a second leg to somebody: %v", err)
	}
	last := x.users[7]
	x.must(last.call.Hangup(x.slot))
	left := x.slot
	x.until(5, "hal has left", isIdle(last))
	x.run(3 * second)
	x.until(4, "the others hear each other", x.all(x.users[:7]...))
	x.checkSecrets(left+2*second, x.users[:7]...)
	x.must(a.call.Hangup(x.slot))
	x.until(5, "all have left", isIdle(x.users...))
}

// The leg of somebody who is heard no more drops him, and nobody else.
func TestLostLegDropsOne(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd", "dan")
	a, b, c, d := x.users[0], x.users[1], x.users[2], x.users[3]
	x.lost = func(p *parcel, to *user) bool { return p.from == d || to == d }
	x.until(25, "ann misses dan", func() bool { return slices.Contains(a.log, "dan: lost") })
	left := x.slot
	x.until(5, "dan misses ann", func() bool { return slices.Contains(d.log, "ann: lost") })
	x.until(3, "bob is told", func() bool { return slices.Contains(b.log, "dan left 3") })
	x.until(5, "three hear each other", x.all(a, b, c))
	x.until(6, "dan is idle", isIdle(d))
	x.checkSecrets(left+2*second, a, b, c)
}

// No answer, and a no, of one does not end the call of the others.
func TestOneDoesNotAnswer(t *testing.T) {
	x := newSet(t, "ann", "bob", "cyd", "dan", "eve")
	a, b, c, d, e := x.users[0], x.users[1], x.users[2], x.users[3], x.users[4]
	d.call.TellBusy = true
	x.must(a.call.Dial(x.slot, x.contacts(a, b, c, d, e)...))
	x.accept(b, e)
	x.until(5, "dan is rung", func() bool { return d.call.State() == call.Ringing })
	x.must(d.call.Reject(x.slot))
	x.until(32, "cyd does not answer", func() bool { return slices.Contains(a.log, "cyd: no answer") })
	if !slices.Contains(a.log, "dan: declined by the other side") {
		t.Errorf("ann was not told: %q", a.log)
	}
	x.until(5, "cyd's phone is quiet", isIdle(c, d))
	x.until(5, "three hear each other", x.all(a, b, e))
	if got := a.call.Peers(); len(got) != 2 || got[0] != a.contact(b) || got[1] != a.contact(e) {
		t.Errorf("ann is in a call with %d", len(got))
	}
}

// The call goes on as a group of two, and ends with the last leg.
func TestEndsWithTheLastLeg(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd")
	a, b, c := x.users[0], x.users[1], x.users[2]
	x.must(c.call.Hangup(x.slot))
	left := x.slot
	x.until(5, "cyd has left", isIdle(c))
	x.run(3 * second)
	x.until(5, "two hear each other", x.all(a, b))
	if !a.call.IsGroup() || !b.call.IsGroup() {
		t.Error("the group has ended")
	}
	x.checkSecrets(left+2*second, a, b)
	x.must(b.call.Hangup(x.slot))
	x.until(5, "all are idle", isIdle(a, b, c))
	x.must(a.call.Dial(x.slot, a.contact(c)))
	x.accept(c)
	x.until(5, "a call of two after the group", x.all(a, c))
	if a.call.IsGroup() {
		t.Error("a new call of two is a group")
	}
}

// Two who ring each other come to one call, whoever rings several.
func TestBothRing(t *testing.T) {
	for name, several := range map[string][2]bool{"one each": {}, "the lower several": {true, false}, "the higher several": {false, true}, "both several": {true, true}} {
		x := newSet(t, "ann", "bob", "cyd", "dan")
		a, b, c, d := x.users[0], x.users[1], x.users[2], x.users[3]
		toBob, toAnn := x.contacts(a, b), x.contacts(b, a)
		if several[0] {
			toBob = append(toBob, a.contact(c))
		}
		if several[1] {
			toAnn = append(toAnn, b.contact(d))
		}
		x.must(a.call.Dial(x.slot, toBob...))
		x.must(b.call.Dial(x.slot, toAnn...))
		x.until(5, name, x.all(a, b))
		host, member := a, b
		if several == [2]bool{false, true} {
			host, member = b, a
		}
		if !host.call.hosts() || member.call.hosts() {
			t.Errorf("%s: the wrong one hosts", name)
		}
		if member.places[host.name[0]] != 0 {
			t.Errorf("%s: the host is number %d", name, member.places[host.name[0]])
		}
		if several == [2]bool{true, true} {
			x.until(5, "dan's phone is quiet", isIdle(d))
		}
	}
}

// Whoever did not take a call, and calls back while the caller still rings, is in a call
// with him, whoever has the higher address.
func TestCallingBack(t *testing.T) {
	for _, caller := range []int{0, 1} {
		for _, busy := range []bool{false, true} {
			x := newSet(t, "ann", "bob", "cyd")
			from, to, c := x.users[caller], x.users[1-caller], x.users[2]
			if busy {
				x.must(c.call.Dial(x.slot, x.contacts(c, to)...))
				x.accept(to)
				x.until(5, "a call", x.all(c, to))
			}
			x.must(from.call.Dial(x.slot, x.contacts(from, to)...))
			if !busy {
				x.until(5, "it rings", func() bool { return to.call.State() == call.Ringing })
			}
			x.run(second)
			x.must(to.call.Hangup(x.slot))
			x.until(5, "nobody is in a call with him", isIdle(to))
			x.must(to.call.Dial(x.slot, x.contacts(to, from)...))
			x.until(5, "they talk", x.all(from, to))
		}
	}
}

// Who talks with somebody in a group does not leave him for somebody whom he has
// rung and who rings him.
func TestNobodyIsLeftForABiggerGroup(t *testing.T) {
	x := newSet(t, "ann", "bob", "cyd", "dan")
	a, b, c, d := x.users[0], x.users[1], x.users[2], x.users[3]
	x.must(d.call.Dial(x.slot, d.contact(c)))
	x.accept(c)
	x.until(5, "dan and cyd talk", x.all(c, d))
	x.must(a.call.Dial(x.slot, x.contacts(a, d, b)...))
	x.must(d.call.Add(x.slot, d.contact(a)))
	x.run(5 * second)
	if !x.all(c, d)() || d.call.State() != call.Talking || !d.call.hosts() {
		t.Errorf("dan and cyd talk no more\n%s", x.transcript())
	}
	if !slices.Contains(d.log, "ann: missed") {
		t.Errorf("dan: %q", d.log)
	}
}

// Who rings somebody in a group rings in vain, as with any call.
func TestKnockInAGroupIsInVain(t *testing.T) {
	x := newSet(t, "ann", "bob", "cyd", "dan")
	a, b, c, d := x.users[0], x.users[1], x.users[2], x.users[3]
	x.must(a.call.Dial(x.slot, x.contacts(a, b, c)...))
	x.accept(b, c)
	x.until(5, "all hear each other", x.all(a, b, c))
	for _, u := range []*user{a, b} {
		x.must(d.call.Dial(x.slot, d.contact(u)))
		x.run(3 * second)
		if !slices.Contains(u.log, "dan: missed") || d.call.State() != call.Dialing {
			t.Errorf("%s: %q, dan is %s", u.name, u.log, d.call.State())
		}
		x.must(d.call.Hangup(x.slot))
		x.run(2 * second)
	}
	x.until(2, "all hear each other", x.all(a, b, c))
}

// A contact who is removed is dropped, and nobody else.
func TestDrop(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd", "dan")
	a, b, c, d := x.users[0], x.users[1], x.users[2], x.users[3]
	x.must(a.call.Drop(x.slot, a.contact(c)))
	left := x.slot
	x.until(3, "cyd is idle", isIdle(c))
	x.run(3 * second)
	x.until(5, "three hear each other", x.all(a, b, d))
	x.checkSecrets(left+2*second, a, b, d)
	if err := a.call.Drop(x.slot, a.contact(c)); !errors.Is(err, call.ErrNoCall) {
		t.Errorf("dropping nobody: %v", err)
	}
	x.must(b.call.Drop(x.slot, b.contact(a)))
	x.until(3, "bob is idle", isIdle(b))
}

func TestCommandsThatCannotBe(t *testing.T) {
	x := newSet(t, "ann", "bob", "cyd", "dan", "eve", "fay", "gus", "hal", "ivo")
	a, b := x.users[0], x.users[1]
	check := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	check("calling nobody", a.call.Dial(x.slot), ErrNobody)
	check("calling eight", a.call.Dial(x.slot, x.contacts(a, x.users[1:]...)...), ErrFull)
	check("calling one twice", a.call.Dial(x.slot, a.contact(b), a.contact(b)), ErrThere)
	check("adding to no call", a.call.Add(x.slot, a.contact(b)), call.ErrNoCall)
	check("hanging up no call", a.call.Hangup(x.slot), call.ErrNoCall)
	check("answering no call", a.call.Accept(x.slot), call.ErrNoCall)
	check("declining no call", a.call.Reject(x.slot), call.ErrNoCall)
	x.must(a.call.Dial(x.slot, x.contacts(a, x.users[1:8]...)...))
	check("calling in a call", a.call.Dial(x.slot, a.contact(b)), call.ErrBusy)
	check("adding a ninth", a.call.Add(x.slot, a.contact(x.users[8])), ErrFull)
	x.accept(b)
	x.until(5, "two talk", x.all(a, b))
	check("adding as a member", b.call.Add(x.slot, b.contact(x.users[8])), ErrNotHost)
	single := New(Config{Self: a.handle, Interval: cell.Interval40})
	check("several where there is one route", single.Dial(x.slot, x.contacts(a, x.users[1:3]...)...), ErrNoGroups)
	check("adding where there is one route", single.Add(x.slot, a.contact(b)), ErrNoGroups)
}

// Whoever is called while the last call is left is called when that is done.
func TestDialWhileLeaving(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd")
	a, b, c := x.users[0], x.users[1], x.users[2]
	x.must(a.call.Hangup(x.slot))
	x.must(a.call.Dial(x.slot, x.contacts(a, b, c)...))
	x.accept(b, c)
	x.until(5, "all hear each other again", x.all(a, b, c))
	x.must(a.call.Hangup(x.slot))
	x.must(a.call.Dial(x.slot, a.contact(b)))
	x.must(a.call.Hangup(x.slot))
	x.until(5, "all are idle", isIdle(a, b, c))
	x.run(second)
	if a.call.State() != call.Idle {
		t.Error("a call that was given up is made")
	}
}

// When the clock goes back the keys cannot be used any more.
func TestRewindEndsTheGroup(t *testing.T) {
	for name, end := range map[string]func(c *Call, n cell.Slot){"rewind": (*Call).Rewind, "abandon": (*Call).Abandon} {
		x := groupOf(t, "ann", "bob", "cyd")
		a, b, c := x.users[0], x.users[1], x.users[2]
		x.must(a.call.Hangup(x.slot))
		x.run(2) // Not all is said.
		for _, u := range []*user{a, b} {
			end(u.call, x.slot)
			if u.call.Live() || u.call.IsGroup() || len(u.call.Keys()) != 0 {
				t.Errorf("%s: %s is still in a group", name, u.name)
			}
		}
		x.run(second)
		if a.call.State() != call.Idle || b.call.State() != call.Idle {
			t.Errorf("%s: ann is %s, bob is %s", name, a.call.State(), b.call.State())
		}
		x.must(a.call.Dial(x.slot, x.contacts(a, b, c)...))
		x.accept(b, c)
		x.until(6, "a group after that", x.all(a, b, c))
	}
}

func TestTalkAllocatesNothing(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd", "dan", "eve", "fay", "gus", "hal")
	x.run(5 * second)
	a, b := x.users[0], x.users[1]
	var plain [cell.StreamSize]byte
	var body cell.Body
	n := x.slot
	if got := testing.AllocsPerRun(20, func() {
		n++
		for _, way := range [][2]*user{{a, b}, {b, a}} {
			it := way[0].call.Next(n)
			plain[0] = it.Head
			way[0].call.SealStream(n, &plain, &body)
			if _, ok := way[1].call.OpenStream(n, way[0].handle, way[0].keys[0].Place, &body, &plain); !it.Group || !ok || zeros(body[:]) {
				t.Fatal("nothing was said, or nothing heard")
			}
		}
	}); got != 0 {
		t.Errorf("%v allocations in a slot", got)
	}
}

func BenchmarkTalk(b *testing.B) {
	x := groupOf(b, "ann", "bob", "cyd", "dan", "eve", "fay", "gus", "hal")
	host, member := x.users[0], x.users[1]
	var plain [cell.StreamSize]byte
	var body cell.Body
	n := x.slot
	b.ReportAllocs()
	for b.Loop() {
		n++
		plain[0] = host.call.Next(n).Head
		host.call.SealStream(n, &plain, &body)
		member.call.OpenStream(n, host.handle, 0, &body, &plain)
		if n%second == 0 {
			host.call.Resume(n) // nothing
			for _, l := range host.call.legs {
				l.Hear(n, wire.HeadVoice) // Keeps the call from timing out.
			}
		}
	}
}
