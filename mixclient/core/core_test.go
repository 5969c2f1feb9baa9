package core

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"undertone/mixclient/call"
	"undertone/mixclient/group"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/uri"
)

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// Protocol 2, steps 1 to 5: A's garbage becomes information for B, who
// recognises it and replies in the same way.
func TestProtocol2Call(t *testing.T) {
	x, a, b := talking(t)
	x.run(50)
	if err := a.core.Call().Hangup(x.slot); err != nil {
		t.Fatal(err)
	}
	x.run(20)
	equal(t, x.log, []string{
		"bob: ann rings",
		"bob answers ann",
		"ann hears bob",
		"bob hears ann",
		"ann with bob: hung up",
		"bob with ann: the other side hung up",
	})
	// A letter may take the place of voice, such as the last of the pairing.
	if len(a.heard) < 45 || len(b.heard) < 45 {
		t.Errorf("heard %d and %d cells of voice, want 45 at least", len(a.heard), len(b.heard))
	}
	if i := slices.IndexFunc(a.heard, func(c byte) bool { return c != 'b' }); i >= 0 {
		t.Errorf("ann heard %q", a.heard[i])
	}
	if !a.route.IsZero() || !b.route.IsZero() {
		t.Error("the server still knows a route after the call")
	}
	if a.core.Live() || b.core.Live() {
		t.Error("a microphone is open after the call")
	}
}

// Protocol 1, steps 2 and 3: an idle user sends garbage.
func TestProtocol1IdleIsCover(t *testing.T) {
	x := newExchange(t, "ann", "bob")
	x.run(100)
	for _, u := range x.users {
		if i := slices.IndexFunc(u.kinds, func(k cell.Kind) bool { return k != cell.Cover }); i >= 0 {
			t.Errorf("%s sent %s", u.name, u.kinds[i])
		}
	}
}

// A caller cannot tell a callee who is busy, declines, has blocked him, is
// away, or does not know him: he gets nothing at all, and gives up after the
// same time.
func TestNoAnswerLooksAlike(t *testing.T) {
	cases := map[string]func(x *exchange, a, b *user){
		"away":     func(x *exchange, _, b *user) { x.users = []*user{x.users[0]} },
		"unheard":  func(*exchange, *user, *user) {},
		"blocked":  func(_ *exchange, a, b *user) { b.core.Contact(a.handle()).Blocked = true },
		"unknown":  func(_ *exchange, a, b *user) { b.core.Remove(1, a.handle()) },
		"declined": nil,
		"busy": func(x *exchange, _, b *user) {
			c := x.join("cyd")
			c.meet(b)
			x.until(1200, "cyd paired with bob")
			x.dial(c, b)
			x.until(5, "bob: cyd rings")
			if err := b.core.Call().Accept(x.slot); err != nil {
				x.t.Fatal(err)
			}
			x.until(8, "bob hears cyd")
		},
	}
	var want []cell.Slot
	for _, name := range []string{"unheard", "away", "blocked", "unknown", "declined", "busy"} {
		x, a, b := paired(t)
		if f := cases[name]; f != nil {
			f(x, a, b)
		}
		x.dial(a, b)
		start := x.slot
		got := []cell.Slot{}
		for range 40 * 25 {
			x.step()
			if name == "declined" && b.core.Call().State() == call.Ringing {
				if err := b.core.Call().Reject(x.slot); err != nil {
					t.Fatal(err)
				}
			}
			if a.box != nil || a.stream != nil {
				t.Errorf("%s: the caller was sent something", name)
			}
		}
		for _, e := range a.events {
			if e.Kind == Call {
				got = append(got, e.Call.Slot-start, cell.Slot(e.Call.Outcome))
			}
		}
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) || len(got) != 2 || call.Outcome(got[1]) != call.NoAnswer {
			t.Errorf("%s: the caller saw %v, want %v", name, got, want)
		}
	}
}

func TestTellBusyIfChosen(t *testing.T) {
	x, a, b := paired(t)
	b.core.Call().TellBusy = true
	x.dial(a, b)
	x.until(5, "bob: ann rings")
	if err := b.core.Call().Reject(x.slot); err != nil {
		t.Fatal(err)
	}
	x.until(15, "ann with bob: declined by the other side")
}

// Both at once: the calls become one.
func TestBothRing(t *testing.T) {
	x, a, b := paired(t)
	x.dial(a, b)
	x.dial(b, a)
	x.until(20, "ann hears bob")
	x.until(20, "bob hears ann")
	x.run(60)
	if a.core.Call().State() != call.Talking || b.core.Call().State() != call.Talking {
		t.Errorf("ann is %s, bob is %s", a.core.Call().State(), b.core.Call().State())
	}
}

// A caller who gives up stops the ringing.
func TestGiveUp(t *testing.T) {
	x, a, b := paired(t)
	x.dial(a, b)
	x.until(5, "bob: ann rings")
	if err := a.core.Call().Hangup(x.slot); err != nil {
		t.Fatal(err)
	}
	x.until(10, "bob with ann: missed")
	x.run(30)
	if s := b.core.Call().State(); s != call.Idle {
		t.Errorf("bob is %s", s)
	}
	if s := a.core.Call().State(); s != call.Idle {
		t.Errorf("ann is %s", s)
	}
}

// With one cell in five lost each way, pairing, ringing, answering and hanging
// up still work.
func TestLoss(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		x := newExchange(t, "ann", "bob")
		x.drop = func(cell.Slot, *user, bool) bool { return rnd.IntN(5) == 0 }
		a, b := x.users[0], x.users[1]
		a.meet(b)
		b.meet(a)
		x.until(9000, "ann paired with bob")
		x.until(9000, "bob paired with ann")
		x.dial(a, b)
		x.until(700, "bob: ann rings")
		if err := b.core.Call().Accept(x.slot); err != nil {
			t.Fatal(err)
		}
		x.until(250, "bob hears ann")
		x.run(100)
		if err := a.core.Call().Hangup(x.slot); err != nil {
			t.Fatal(err)
		}
		// One in five hundred hang-ups is lost with all its repetitions, and then
		// it is the silence that tells.
		for range 600 {
			if x.step(); b.core.Call().State() == call.Idle {
				break
			}
		}
		if s := b.core.Call().State(); s != call.Idle {
			t.Errorf("with seed %d, bob is %s long after ann has hung up", seed, s)
		}
	}
}

// A call goes on when a line was lost for some seconds and came back: the
// routes are pointed again, and no key or nonce is used twice, since the slots
// went on.
func TestCallSurvivesReconnect(t *testing.T) {
	for _, who := range []int{0, 1} {
		x, a, b := talking(t)
		u := x.users[who]
		gone := true
		x.drop = func(_ cell.Slot, w *user, _ bool) bool { return gone && w == u }
		x.run(5 * 25)
		gone = false
		x.connect(u)
		x.connect(x.users[1-who]) // as if the server had been restarted
		a.heard, b.heard = nil, nil
		x.run(30)
		if len(a.heard) < 20 || len(b.heard) < 20 {
			t.Errorf("after a reconnect %d and %d cells of voice were heard in 30 slots", len(a.heard), len(b.heard))
		}
	}
}

// The first cells on a new line come too late to count, for a second or two; the voice
// is there a few slots after that.
func TestCallResumesSoon(t *testing.T) {
	x, a, b := talking(t)
	late := true
	x.drop = func(_ cell.Slot, _ *user, up bool) bool { return late && up }
	x.run(2 * 25)
	x.connect(a)
	x.connect(b)
	x.run(30)
	late = false
	a.heard, b.heard = nil, nil
	x.run(10)
	if len(a.heard) < 5 || len(b.heard) < 5 {
		t.Errorf("%d and %d cells of voice were heard in the first 10 slots that count", len(a.heard), len(b.heard))
	}
}

// Hanging up while a contact is not paired yet tells nobody, since there is no
// key to tell it with.
func TestGiveUpBeforePairing(t *testing.T) {
	x := newExchange(t, "ann", "bob")
	a, b := x.users[0], x.users[1]
	a.meet(b)
	x.users = x.users[:1]
	x.dial(a, b)
	x.run(10)
	if err := a.core.Call().Hangup(x.slot); err != nil {
		t.Fatal(err)
	}
	x.run(10)
	if s := a.core.Call().State(); s != call.Idle {
		t.Errorf("ann is %s", s)
	}
}

// A call without a sign of the other side ends.
func TestLostCallEnds(t *testing.T) {
	x, a, _ := talking(t)
	b := x.users[1]
	x.drop = func(_ cell.Slot, u *user, _ bool) bool { return u == b }
	x.until(22*25, "ann with bob: lost")
	x.run(20)
	if s := a.core.Call().State(); s != call.Idle {
		t.Errorf("ann is %s", s)
	}
}

// A replayed knock does not ring, neither soon after (the call is known) nor
// later (it is stale), not even after the callee was restarted.
func TestReplayedKnock(t *testing.T) {
	x, a, b := paired(t)
	var knock *cell.Body
	x.tamper = func(from, _ *user, k *cell.Kind, body *cell.Body) {
		if from == a && *k == cell.Letter && knock == nil {
			c := *body
			knock = &c
		}
	}
	x.dial(a, b)
	x.until(5, "bob: ann rings")
	if err := a.core.Call().Hangup(x.slot); err != nil {
		t.Fatal(err)
	}
	x.run(30)
	x.log = nil
	replay := func() {
		b.box = &parcel{cell.Letter, *knock}
		x.run(3)
		if len(x.log) != 0 {
			t.Errorf("a replayed knock: %q", x.log)
		}
	}
	replay()
	b.core.call = group.New(group.Config{Self: b.handle(), Interval: testInterval}) // forgets the calls that it knew
	x.run(40 * 25)
	replay()
}

// Letters that were changed or made up by the server open nothing.
func TestTamperedLettersAreDropped(t *testing.T) {
	x, a, b := paired(t)
	rnd := rand.New(rand.NewPCG(7, 7))
	x.tamper = func(_, _ *user, _ *cell.Kind, body *cell.Body) {
		body[cell.AddressSize+rnd.IntN(cell.SealedLetterSize)] ^= 1 << rnd.IntN(8)
	}
	x.dial(a, b)
	x.run(200)
	if len(x.log) != 0 {
		t.Errorf("tampered letters led to %q", x.log)
	}
}

// Whoever has our link can introduce himself; whoever has a revoked one can
// not.
func TestRevokedIntroduction(t *testing.T) {
	x := newExchange(t, "ann", "bob")
	a, b := x.users[0], x.users[1]
	old := b.intro
	b.core.SetIntro(randomKey())
	a.meet(b)
	x.run(1500)
	if len(x.log) != 0 {
		t.Errorf("a revoked introduction led to %q", x.log)
	}
	if old.IsZero() {
		t.Fatal("no introduction")
	}
	// With the link that counts now, she is let in at once.
	fresh := randomKey()
	b.core.SetIntro(fresh)
	a.core.Introduce(b.handle(), fresh)
	x.until(1200, "ann paired with bob")
}

// A contact whose profile was restored from before the pairing pairs again, to
// the same identity.
func TestPairAgain(t *testing.T) {
	x, a, b := paired(t)
	a.core.Contact(b.handle()).Forget()
	x.until(1200, "ann paired with bob")
	x.dial(a, b)
	x.until(5, "bob: ann rings")
}

// Both have each other's link and begin at the same time.
func TestBothInitiate(t *testing.T) {
	x := newExchange(t, "ann", "bob")
	a, b := x.users[0], x.users[1]
	a.meet(b)
	b.meet(a)
	x.until(1200, "ann paired with bob")
	x.until(1200, "bob paired with ann")
	x.run(100)
	x.dial(b, a)
	x.until(5, "ann: bob rings")
}

// The pairwise key is another one after an hour, the last is gone after two,
// and both sides still understand each other.
func TestHourlyRatchet(t *testing.T) {
	x, a, b := paired(t)
	before := a.core.Contact(b.handle()).State()
	x.slot += 90000
	x.run(2)
	after := a.core.Contact(b.handle()).State()
	if slices.Equal(before, after) {
		t.Error("the key did not change with the hour")
	}
	x.slot += 100 * 90000
	x.run(2)
	x.dial(a, b)
	x.until(5, "bob: ann rings")
}

// The state of a contact survives the profile.
func TestContactState(t *testing.T) {
	x, a, b := paired(t)
	c := a.core.Contact(b.handle())
	again := a.meet(b)
	if err := again.SetState(c.State()); err != nil {
		t.Fatal(err)
	}
	x.dial(a, b)
	x.until(5, "bob: ann rings")
	if again.SetState([]byte{9, 9}) == nil {
		t.Error("a damaged state was accepted")
	}
}

// Two calls share no key: what one call opens, no other does.
func TestTwoCallsShareNoKey(t *testing.T) {
	x, a, b := talking(t)
	var stream *cell.Body
	x.tamper = func(from, _ *user, k *cell.Kind, body *cell.Body) {
		if from == a && *k == cell.Stream && stream == nil {
			c := *body
			stream = &c
		}
	}
	x.run(2)
	x.tamper = nil
	if err := a.core.Call().Hangup(x.slot); err != nil {
		t.Fatal(err)
	}
	x.run(20)
	x.log = nil
	x.dial(a, b)
	x.until(10, "bob: ann rings")
	if err := b.core.Call().Accept(x.slot); err != nil {
		t.Fatal(err)
	}
	x.until(8, "bob hears ann")
	var plain [cell.StreamSize]byte
	if _, ok := b.core.Call().OpenStream(x.slot, key.Handle{}, -1, stream, &plain); ok {
		t.Error("a cell of the last call opens in this one")
	}
}

// Names from contact links never collide with rules of the wire.
func TestNewContactHasGivenName(t *testing.T) {
	x, a, b := paired(t)
	_ = x
	c := b.core.Contact(a.handle())
	if c == nil || c.Name != "ann" || uri.CheckName(c.Name) != nil {
		t.Fatalf("bob's new contact is %+v", c)
	}
	if c.Fingerprint != a.id.Fingerprint() {
		t.Error("the new contact has another fingerprint")
	}
	var none key.Handle
	if b.core.Contact(none) != nil {
		t.Error("nobody is a contact")
	}
}

// The path of voice allocates nothing but what the dummy handshake does.
func BenchmarkUp(b *testing.B) {
	x, a, _ := talking(b)
	var c cell.Cell
	var voice [cell.VoiceSize]byte
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if i%1000 == 0 {
			a.core.call.Resume(x.slot) // keeps the call from timing out
		}
		x.slot++
		a.core.Up(c[:], x.slot, &voice)
	}
}
