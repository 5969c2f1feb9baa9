package core

import (
	"testing"

	"undertone/mixclient/call"
	"undertone/mixclient/contact"
	"undertone/transport/cell"
	"undertone/transport/wire"
)

// restart is a client that was ended and started again, with the contacts that
// its profile kept.
func (x *exchange) restart(u *user, keep bool) {
	x.t.Helper()
	old := u.core
	c, err := New(Config{Self: u.id, Name: u.name, Intro: u.intro, Interval: testInterval})
	if err != nil {
		x.t.Fatal(err)
	}
	c.dummy = rest{}
	old.Contacts(func(k *contact.Contact) {
		again := contact.New(u.handle(), k.Name, k.Fingerprint)
		again.Intro = k.Intro
		if err := again.SetState(k.State()); err != nil {
			x.t.Fatal(err)
		}
		if keep {
			c.Add(again)
		}
	})
	u.core = c
	x.connect(u)
}

func (x *exchange) do(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

// Whoever begins a pairing and never ends it can count our letters. They come at
// the same rate whatever we do: idle, in a call, while it rings, when we decline,
// and if we have blocked him.
func TestOpenPairingTellsNothing(t *testing.T) {
	x, a, b := paired(t)
	cyd := x.join("cyd")
	cyd.meet(b)
	x.until(1200, "cyd paired with bob")
	x.run(100)
	letters := 0
	x.tamper = func(from, to *user, k *cell.Kind, body *cell.Body) {
		if from == b && to == cyd && *k == cell.Letter {
			letters++
			body[len(body)-1] ^= 1
		}
	}
	cyd.core.Contact(b.handle()).Forget()
	x.run(600)
	count := func() int {
		letters = 0
		x.run(100)
		return letters
	}
	// A letter of cyd may take the place of a knock.
	ring := func() {
		x.dial(a, b)
		for range 10 {
			if x.step(); b.core.Call().State() == call.Ringing {
				return
			}
		}
		t.Fatal("it does not ring")
	}
	got := map[string]int{"idle": count()}
	ring()
	got["ringing"] = count()
	x.do(b.core.Call().Reject(x.slot))
	got["declined"] = count()
	x.do(a.core.Call().Hangup(x.slot))
	x.run(20)
	ring()
	x.do(b.core.Call().Accept(x.slot))
	x.run(10)
	if s := b.core.Call().State(); s != call.Talking {
		t.Fatalf("bob is %s", s)
	}
	got["talking"] = count()
	b.core.Contact(cyd.handle()).Blocked = true
	got["blocked"] = count()
	for state, n := range got {
		if n != 10 {
			t.Errorf("%s: bob sends %d letters in 100 slots, want 10", state, n)
		}
	}
}

// A pairing whose other side comes online hours later still completes.
func TestPairingHoursLater(t *testing.T) {
	x := newExchange(t, "ann", "bob")
	a, b := x.users[0], x.users[1]
	a.meet(b)
	x.users = []*user{a}
	for range 3 {
		x.run(100)
		x.slot += 90000
	}
	x.users = []*user{a, b}
	x.until(1500, "ann paired with bob")
	x.until(20, "bob paired with ann")
}

// A server whose clock was a day ahead for a while leaves no contact behind who
// cannot be called, whether both of the two were online then or one.
func TestServerClockWasAhead(t *testing.T) {
	for _, both := range []bool{true, false} {
		x, a, b := paired(t)
		const day = 24 * 90000
		x.slot += day
		if !both {
			x.users = []*user{a}
		}
		x.run(3)
		x.users = []*user{a, b}
		x.slot -= day
		x.restart(a, true)
		x.restart(b, true)
		x.run(2)
		x.dial(a, b)
		x.until(10, "bob: ann rings")
		x.do(b.core.Call().Accept(x.slot))
		x.until(10, "bob hears ann")
		x.until(10, "ann hears bob")
	}
}

// A responder that lost the key in a crash gets another, since the initiator has
// not heard of him under the first.
func TestResponderCrashesAfterPairing(t *testing.T) {
	x, a, b := paired(t)
	x.restart(b, false)
	x.restart(a, true)
	x.until(1200, "bob paired with ann")
	x.run(20)
	x.dial(a, b)
	x.until(10, "bob: ann rings")
	x.do(b.core.Call().Accept(x.slot))
	x.until(10, "ann hears bob")
	if !a.core.Contact(b.handle()).Confirmed() {
		t.Error("a key that served a call is not confirmed")
	}
}

// Two ring each other, one slot or a few apart, in either order.
func TestBothRingSoon(t *testing.T) {
	for lag := range 6 {
		for _, swap := range []bool{false, true} {
			x, a, b := paired(t)
			if swap {
				a, b = b, a
			}
			x.dial(a, b)
			x.run(lag)
			if b.core.Call().State() == call.Idle {
				x.dial(b, a)
			} else {
				x.do(b.core.Call().Accept(x.slot))
			}
			x.until(30, "ann hears bob")
			x.until(30, "bob hears ann")
		}
	}
}

// A contact whose client crashed in a call can call again at once.
func TestCallAgainAfterCrash(t *testing.T) {
	x, a, b := talking(t)
	x.restart(a, true)
	x.run(5)
	x.log = nil
	x.dial(a, b)
	x.until(60, "bob: ann rings")
}

// Somebody who rings in the moment in which we hang up is not lost, and we can
// ring somebody else in that moment.
func TestRingWhileLeaving(t *testing.T) {
	x, a, b := talking(t)
	cyd := x.join("cyd")
	cyd.meet(b)
	x.until(1500, "cyd paired with bob")
	x.do(b.core.Call().Hangup(x.slot))
	x.dial(cyd, b)
	x.until(60, "bob: cyd rings")
	x.do(b.core.Call().Reject(x.slot))
	x.log = nil
	x.dial(b, a)
	x.until(60, "ann: bob rings")
}

// A contact who rings a hundred times in a call of ours makes one entry of it.
func TestFloodOfCalls(t *testing.T) {
	x, a, b := talking(t)
	cyd := x.join("cyd")
	cyd.meet(b)
	x.until(1500, "cyd paired with bob")
	x.log = nil
	_ = a
	for range 100 {
		x.dial(cyd, b)
		x.run(4)
		x.do(cyd.core.Call().Hangup(x.slot))
		x.run(10)
	}
	missed := 0
	for _, l := range x.log {
		if l == "bob with cyd: missed" {
			missed++
		}
	}
	if missed < 1 || missed > 3 {
		t.Errorf("%d calls were reported as missed", missed)
	}
}

// Any letter of a contact, in any state, does no harm.
func FuzzLetters(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6})
	f.Add([]byte{3, 251, 4, 1, 251, 5, 251})
	known := newExchange(f, "ann", "bob") // Identities take longer to make than most scripts to run.
	f.Fuzz(func(t *testing.T, script []byte) {
		script = script[:min(len(script), 100)]
		x := newExchange(t)
		a, b := x.joinAs("ann", known.users[0].id), x.joinAs("bob", known.users[1].id)
		pair := *randomKey()
		for _, u := range x.users {
			o := x.other(u)
			c := contact.New(u.handle(), o.name, o.id.Fingerprint())
			c.Pair(&pair, uint64(x.slot/90000), true)
			u.core.Add(c)
		}
		for _, s := range script {
			m := b.core.Call()
			switch s % 9 {
			case 0:
				_ = m.Dial(x.slot, b.core.Contact(a.handle()))
			case 1:
				_ = m.Accept(x.slot)
			case 2:
				_ = m.Hangup(x.slot)
			case 8:
				x.run(int(s) / 8) // More than a second at most; several make what waits give up.
			default:
				l := wire.CallLetter{Type: wire.LetterType(s%9 - 2), Call: wire.CallID{s >> 5}, Slot: x.slot, Hour: uint64(x.slot / 90000), Reason: wire.Busy}
				l.Key[0] = s
				if l.Type == wire.FragmentLetter {
					continue
				}
				var plain wire.Plain
				var body cell.Body
				l.Put(&plain)
				a.core.Contact(b.handle()).Seal(&body, &plain)
				h := a.handle()
				copy(body[:], h[:])
				b.box = &parcel{cell.Letter, body}
			}
			x.step()
		}
		x.run(20)
	})
}
