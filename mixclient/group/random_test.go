package group

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"undertone/mixclient/call"
	"undertone/mixclient/contact"
	"undertone/transport/cell"
	"undertone/transport/wire"
)

// rapidTB lets a set be made where only a rapid.T is at hand.
type rapidTB struct {
	testing.TB
	t *rapid.T
}

func (t rapidTB) Helper()                   {}
func (t rapidTB) Fatalf(f string, a ...any) { t.t.Fatalf(f, a...) }
func (t rapidTB) Errorf(f string, a ...any) { t.t.Errorf(f, a...) }

// Whatever users do, and whatever happens to their cells and letters: once nothing
// is lost any more and nobody does anything, those who are in a call hear each
// other, and nobody else can.
func TestWhateverHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		names := []string{"ann", "bob", "cyd", "dan", "eve", "fay", "gus", "hal"}
		x := newSetOf(rapidTB{t: rt}, cell.Interval100, names[:rapid.IntRange(2, 8).Draw(rt, "users")]...)
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1)) //nolint:gosec // a test
		x.random(rnd, rapid.SampledFrom([]float64{0, 0.01, 0.05, 0.3}).Draw(rt, "loss"))
		if rapid.Bool().Draw(rt, "in a group") {
			a := x.users[0]
			x.must(a.call.Dial(x.slot, x.contacts(a, x.users[1:]...)...))
			x.run(20)
			for _, u := range x.users[1:] {
				_ = u.call.Accept(x.slot)
			}
		}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			x.act(rt)
			x.run(rapid.IntRange(0, 60).Draw(rt, "slots"))
		}
		x.lost = func(*parcel, *user) bool { return false }
		x.late = func() cell.Slot { return delay }
		x.run(45 * x.second) // Who is still rung is rung no more, and lost legs are dropped.
		x.checkCalls()
		x.checkNumbers()
	})
}

// act lets one user do something.
func (x *set) act(rt *rapid.T) {
	u := rapid.SampledFrom(x.users).Draw(rt, "who")
	var others []*user
	for _, o := range x.users {
		if o != u && rapid.Bool().Draw(rt, "with "+o.name) {
			others = append(others, o)
		}
	}
	switch rapid.SampledFrom([]string{"dial", "dial", "add", "accept", "accept", "accept", "reject", "hangup", "drop"}).Draw(rt, "what") {
	case "dial":
		_ = u.call.Dial(x.slot, x.contacts(u, others...)...)
	case "add":
		for _, o := range others {
			_ = u.call.Add(x.slot, u.contact(o))
		}
	case "accept":
		for _, o := range append(others, u) {
			_ = o.call.Accept(x.slot)
		}
	case "reject":
		_ = u.call.Reject(x.slot)
	case "hangup":
		_ = u.call.Hangup(x.slot)
	case "drop":
		for _, o := range others[:min(1, len(others))] {
			_ = u.call.Drop(x.slot, u.contact(o))
		}
	}
}

// checkCalls fails unless everybody is idle or in one call that is as it should
// be.
func (x *set) checkCalls() {
	spoken := x.slot
	hosts := map[*user][]*user{}
	for _, u := range x.users {
		if u.call.State() != call.Idle && u.call.State() != call.Talking {
			x.t.Fatalf("%s is %s\n%s", u.name, u.call.State(), x.transcript())
		}
		for _, p := range u.call.Peers() {
			if u.call.hosts() {
				hosts[u] = append(hosts[u], x.who(p.Handle()))
			}
		}
	}
	for host, members := range hosts {
		all := append([]*user{host}, members...)
		for _, u := range members {
			if got := u.call.Peers(); len(got) != 1 || got[0] != u.contact(host) {
				x.t.Fatalf("%s is in no call with %s\n%s", u.name, host.name, x.transcript())
			}
		}
		if !x.all(all...)() {
			x.t.Fatalf("those with %s do not hear each other\n%s", host.name, x.transcript())
		}
		x.checkNobodyElse(spoken, all)
	}
}

// checkNobodyElse fails if somebody who is not in the group has a secret that was
// spoken under after a slot.
func (x *set) checkNobodyElse(after cell.Slot, members []*user) {
	for _, k := range members[0].keys {
		when := x.spoken[string(k.Secret.Bytes())]
		for _, u := range x.users {
			if u.had(k.Secret) && when[1] > after && !slices.Contains(members, u) {
				x.t.Fatalf("%s is not in the group of %s, and can hear it\n%s", u.name, members[0].name, x.transcript())
			}
		}
	}
}

// checkNumbers fails if a host has welcomed somebody with one number to two
// generations: they would have one mask.
func (x *set) checkNumbers() {
	secrets := map[string]string{}
	for _, p := range x.kept {
		l, ok := wire.ParseCall(&p.letter)
		if !ok || l.Type != wire.Welcome {
			continue
		}
		name := fmt.Sprintf("%x %d", l.Call, l.Generation)
		masked := string(l.Key[:])
		if old, ok := secrets[name]; ok && old != masked {
			x.t.Fatalf("generation %d has two secrets", l.Generation)
		}
		secrets[name] = masked
	}
}

// An oracle is a machine, and who is to be called when its call is left.
type oracle struct {
	*call.Machine
	next *contact.Contact
}

func (o *oracle) dial(n cell.Slot, peer *contact.Contact) error {
	if o.State() == call.Leaving {
		o.next = peer
		return nil
	}
	return o.Dial(n, peer, false)
}

func (o *oracle) hangup(n cell.Slot) error {
	if o.State() == call.Leaving && o.next != nil {
		o.next = nil
		return nil
	}
	return o.Hangup(n)
}

func (o *oracle) again(n cell.Slot) {
	if o.State() == call.Idle && o.next != nil {
		_ = o.Dial(n, o.next, false) // It is idle.
		o.next = nil
	}
}

// With one leg a call is what its machine is: the same items in the same slots,
// whatever the two do, and the same events.
func TestOneLegIsAMachine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x := newSet(rapidTB{t: rt}, "ann", "bob")
		y := newSet(rapidTB{t: rt}, "ann", "bob")
		var machines [2]*oracle
		for i := range x.users {
			x.users[i].call = New(Config{Self: x.users[i].handle, Interval: cell.Interval40, Groups: rapid.Bool().Draw(rt, "groups")})
			machines[i] = &oracle{Machine: call.New(y.users[i].handle, cell.Interval40)}
			tell := rapid.Bool().Draw(rt, "tell")
			x.users[i].call.TellBusy, machines[i].TellBusy = tell, tell
		}
		var way [2][]call.Item // items of the machines on their way
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			i := rapid.IntRange(0, 1).Draw(rt, "who")
			u, m, peer := x.users[i], machines[i], y.users[i].contact(y.users[1-i])
			var got, want error
			switch rapid.SampledFrom([]string{"dial", "dial", "accept", "accept", "reject", "hangup", "resume", "abandon"}).Draw(rt, "what") {
			case "dial":
				got, want = u.call.Dial(x.slot, u.contact(x.users[1-i])), m.dial(x.slot, peer)
			case "accept":
				got, want = u.call.Accept(x.slot), m.Accept(x.slot)
			case "reject":
				got, want = u.call.Reject(x.slot), m.Reject(x.slot)
			case "hangup":
				got, want = u.call.Hangup(x.slot), m.hangup(x.slot)
			case "resume":
				u.call.Resume(x.slot)
				m.Resume(x.slot)
			case "abandon":
				u.call.Abandon(x.slot)
				m.Abandon(x.slot)
			}
			if (got == nil) != (want == nil) {
				rt.Fatalf("the call says %v, the machine %v", got, want)
			}
			broken := rapid.IntRange(0, 9).Draw(rt, "broken") == 0
			x.lost = func(*parcel, *user) bool { return broken }
			x.late = func() cell.Slot { return 0 }
			for range rapid.SampledFrom([]int{0, 1, 3, 10, 60, 900}).Draw(rt, "slots") {
				x.step()
				y.machines(x.slot, machines, &way, broken)
				for i, u := range x.users {
					got, want := u.items[len(u.items)-1], way[i][len(way[i])-1]
					if got.Kind != want.Kind || got.Head != want.Head || got.Letter.Type != want.Letter.Type || got.Group || got.Letter.Several {
						rt.Fatalf("slot %d of %s: the call says %+v, the machine %+v", x.slot, u.name, got, want)
					}
				}
			}
		}
		for i, u := range x.users {
			for _, e := range u.call.Events() {
				u.log = append(u.log, x.line(u, e))
			}
			var want []string
			for _, e := range machines[i].Events() {
				want = append(want, y.line(y.users[i], e))
			}
			if !slices.Equal(u.log, want) {
				rt.Fatalf("%s: the call says %q, the machine %q", u.name, u.log, want)
			}
		}
	})
}

// machines lets a slot pass for two machines, as step does for calls.
func (x *set) machines(n cell.Slot, m [2]*oracle, way *[2][]call.Item, broken bool) {
	var said [2]cell.Body
	for i := range m {
		m[i].Expire(n)
		m[i].again(n)
		it := m[i].Next(n)
		m[i].again(n)
		if way[i] = append(way[i], it); it.Kind == cell.Stream {
			m[i].SealStream(n, &[cell.StreamSize]byte{it.Head}, &said[i])
		}
	}
	for i := range m {
		it, to := way[i][len(way[i])-1], m[1-i]
		switch {
		case broken:
		case it.Kind == cell.Stream:
			to.OpenStream(n, &said[i], new([cell.StreamSize]byte))
		case it.Kind == cell.Letter || it.Kind == cell.Ring:
			to.Letter(n, x.users[1-i].contact(x.users[i]), it.Letter)
		}
	}
	for i := range m {
		if m[i].Due() {
			m[i].Step(n)
		}
	}
}

// Whatever a peer writes in letters that open, the call goes on, and so do its
// slots.
func FuzzLetters(f *testing.F) {
	x := groupOf(f, "ann", "bob", "cyd")
	for _, p := range x.kept {
		f.Add(uint8(1), p.letter[:])
	}
	f.Add(uint8(0), []byte{byte(wire.Welcome)})
	f.Fuzz(func(t *testing.T, who uint8, b []byte) {
		x := newSet(t, "ann", "bob", "cyd")
		x.must(x.users[0].call.Dial(x.slot, x.contacts(x.users[0], x.users[1:]...)...))
		x.run(int(who>>4) * 2)
		for _, u := range x.users[1:] {
			_ = u.call.Accept(x.slot)
		}
		x.run(int(who>>4) * 2)
		u, from := x.users[who%3], x.users[(who%3+1)%3]
		for len(b) > 0 {
			var p wire.Plain
			b = b[copy(p[:], b):]
			if l, ok := wire.ParseCall(&p); ok {
				l.Call = u.call.legs[0].ID()
				u.call.Letter(x.slot, u.contact(from), l)
			}
			x.run(2)
		}
		for range 3 * second {
			x.slot++
			it := u.call.Next(x.slot)
			if it.Kind == cell.Stream {
				var body cell.Body
				u.call.SealStream(x.slot, &[cell.StreamSize]byte{it.Head}, &body)
			}
			u.call.Step(x.slot)
		}
	})
}
