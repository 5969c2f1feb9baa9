package group

import (
	"slices"
	"testing"

	"undertone/mixclient/call"
	"undertone/transport/cell"
	"undertone/transport/wire"
)

// A call of two becomes a group when a third is added. Neither of the two misses
// more of the other's voice than the letters take.
func TestAddWhileTalking(t *testing.T) {
	x := newSet(t, "ann", "bob", "cyd")
	a, b, c := x.users[0], x.users[1], x.users[2]
	x.must(a.call.Dial(x.slot, a.contact(b)))
	x.accept(b)
	x.until(5, "two hear each other", x.all(a, b))
	if a.call.IsGroup() || b.call.IsGroup() {
		t.Error("a call of two is a group")
	}
	x.must(a.call.Add(x.slot, a.contact(c)))
	x.until(5, "cyd is rung", func() bool { return c.call.State() == call.Ringing })
	clear(a.heard)
	clear(b.heard)
	start := x.slot
	x.must(c.call.Accept(x.slot))
	x.until(5, "cyd hears bob", func() bool { return c.heard['b'] > 0 })
	slots := int(x.slot - start)
	if a.heard['b'] < slots-2 || b.heard['a'] < slots/2 {
		t.Errorf("of %d slots of the change, ann heard %d and bob %d", slots, a.heard['b'], b.heard['a'])
	}
	if slots > 40 {
		t.Errorf("the change took %d slots", slots)
	}
	x.until(5, "all hear each other", x.all(a, b, c))
}

// While somebody joins, those who talk hear each other on: of what is said, only
// what letters take is missing.
func TestNoGapInAChange(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd", "dan", "eve")
	a, b, c, d, e := x.users[0], x.users[1], x.users[2], x.users[3], x.users[4]
	x.must(d.call.Hangup(x.slot))
	x.must(e.call.Hangup(x.slot))
	x.until(5, "two have left", isIdle(d, e))
	x.run(5 * second)
	x.must(a.call.Add(x.slot, a.contact(d)))
	x.must(a.call.Add(x.slot, a.contact(e)))
	x.accept(d)
	x.run(5) // The change for dan is under way when eve comes.
	x.accept(e)
	for _, u := range []*user{a, b, c} {
		clear(u.heard)
	}
	slots := 6 * second
	x.run(slots)
	for who, least := range map[*user][2]int{a: {slots - 2, slots - 2}, b: {slots * 2 / 3, slots - 2}, c: {slots * 2 / 3, slots - 2}} {
		for _, o := range []*user{a, b, c} {
			want := least[1]
			if o == a {
				want = least[0]
			}
			if got := who.heard[o.name[0]]; o != who && got < want {
				t.Errorf("%s heard %d of %d slots of %s", who.name, got, slots, o.name)
			}
		}
	}
	x.until(2, "all hear each other", x.all(a, b, c, d, e))
}

// Who has left opens nothing that is said once the change is over, and who comes
// nothing that was said before.
func TestSecretsOfThoseWhoComeAndLeave(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd", "dan")
	a, b, c, d := x.users[0], x.users[1], x.users[2], x.users[3]
	seen := map[string]bool{}
	for s := range x.spoken {
		seen[s] = true
	}
	x.must(d.call.Hangup(x.slot))
	left := x.slot
	x.until(8, "three hear each other", x.all(a, b, c))
	x.checkSecrets(left+2*second, a, b, c)
	before := map[string]bool{}
	for s := range x.spoken {
		before[s] = true
	}
	if len(before) <= len(seen) {
		t.Error("there is no fresh secret after somebody has left")
	}
	old := len(d.secrets)
	came := x.slot
	x.must(a.call.Add(x.slot, a.contact(d)))
	x.accept(d)
	x.until(8, "four hear each other", x.all(a, b, c, d))
	if len(d.secrets) == old {
		t.Error("there is no fresh secret after somebody has come")
	}
	for s, when := range x.spoken {
		if _, has := d.secrets[s]; has && !seen[s] && when[0] <= came {
			t.Error("who came can hear what was said before")
		}
	}
}

// A member who was cut off for some seconds is heard again by all, though the
// generation has changed meanwhile.
func TestMemberWhoMissedAChange(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd", "dan")
	a, b, c, d := x.users[0], x.users[1], x.users[2], x.users[3]
	away := true
	x.lost = func(p *parcel, to *user) bool { return away && (p.from == c || to == c) }
	x.must(d.call.Hangup(x.slot))
	x.run(14 * second)
	away = false
	x.until(5, "three hear each other", x.all(a, b, c))
}

// Only the last leg to answer is there: all who answered before have left.
func TestAllChangeBeforeTheFirstGeneration(t *testing.T) {
	x := newSet(t, "ann", "bob", "cyd", "dan", "eve")
	a, b, c, d, e := x.users[0], x.users[1], x.users[2], x.users[3], x.users[4]
	x.must(a.call.Dial(x.slot, x.contacts(a, b, c, d)...))
	x.accept(b, c)
	x.until(5, "a generation is drawn", a.call.IsGroup)
	x.must(b.call.Hangup(x.slot))
	x.must(c.call.Hangup(x.slot))
	x.until(5, "two have left", isIdle(b, c))
	x.accept(d)
	x.until(6, "two hear each other", x.all(a, d))
	x.must(a.call.Add(x.slot, a.contact(e)))
	x.accept(e)
	x.run(4 * second)
	x.until(6, "three hear each other", x.all(a, d, e))
	x.checkSecrets(x.slot-3*second, a, d, e)
}

// A welcome or a member that is told again changes nothing.
func TestReplayedWelcomeIsIgnored(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd", "dan")
	b, d := x.users[1], x.users[3]
	x.must(d.call.Hangup(x.slot))
	x.until(8, "three hear each other", x.all(x.users[:3]...))
	x.run(3 * second)
	b.log = nil
	version, welcomes := b.call.Version(), 0
	for _, p := range x.kept {
		if l, ok := wire.ParseCall(&p.letter); ok && p.to == b && (l.Type == wire.Welcome || l.Type == wire.Member) {
			welcomes++
			b.call.Letter(x.slot, b.contact(p.from), l)
			if b.call.Due() {
				t.Error("a welcome told again is taken in")
			}
		}
	}
	x.run(second)
	if b.call.Version() != version || welcomes < 3 {
		t.Errorf("%d letters told again changed version %d to %d", welcomes, version, b.call.Version())
	}
	equal(t, b)
}

// Nobody but the host of the call is believed.
func TestWelcomeOfAnotherIsIgnored(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd")
	a, b, c := x.users[0], x.users[1], x.users[2]
	l := wire.CallLetter{Type: wire.Welcome, Generation: 99, Place: 2, Since: [wire.Places]uint16{1, 1, 1}}
	try := func(name string, to, from *user, id wire.CallID) {
		l.Call = id
		to.call.Letter(x.slot, to.contact(from), l)
		if to.call.Due() {
			t.Errorf("%s is taken in", name)
		}
	}
	try("a welcome of another member", b, c, b.call.legs[0].ID())
	try("a welcome of another call", b, a, c.call.legs[0].ID())
	try("a welcome of a member for the host", a, b, a.call.legs[0].ID())
}

// Numbers of generations are not used twice: the call ends before.
func TestNumbersRunOut(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd", "dan")
	a, d := x.users[0], x.users[3]
	a.call.gen.last = 1<<16 - 1
	x.must(d.call.Hangup(x.slot))
	x.until(20, "all are idle", isIdle(x.users...))
}

// Once anybody talks, a letter takes at most one slot in three.
func TestLettersLeaveRoomForVoice(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd", "dan", "eve", "fay", "gus", "hal")
	for _, u := range x.users {
		talking, last := false, -3
		for i, it := range u.items {
			switch it.Kind {
			case cell.Stream:
				talking = true
			case cell.Letter, cell.Ring:
				if talking && i-last < 3 {
					t.Fatalf("%s says letters in slots %d and %d", u.name, last, i)
				}
				last = i
			case cell.Cover, cell.Control:
				if talking {
					t.Fatalf("%s says nothing in slot %d", u.name, i)
				}
			}
		}
	}
}

// letters returns what was told to a user by letters of a type since a slot.
func (x *set) letters(to *user, since int, t wire.LetterType) (all []wire.CallLetter) {
	for _, p := range x.kept[since:] {
		if l, ok := wire.ParseCall(&p.letter); ok && p.to == to && l.Type == t {
			all = append(all, l)
		}
	}
	return all
}

// Nobody is told what he knows.
func TestOnlyNewsIsTold(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd", "dan")
	a, b, d := x.users[0], x.users[1], x.users[3]
	x.run(3 * second)
	since := len(x.kept)
	x.must(d.call.Hangup(x.slot))
	x.run(5 * second)
	if got := len(x.letters(b, since, wire.Member)); got != 0 {
		t.Errorf("when dan had left, bob was told of %d members", got)
	}
	since = len(x.kept)
	x.must(a.call.Add(x.slot, a.contact(d)))
	x.accept(d)
	x.run(5 * second)
	for _, l := range x.letters(b, since, wire.Member) {
		if l.Handle != d.handle {
			t.Errorf("when dan had come, bob was told of %q", l.NameString())
		}
	}
	for _, typ := range []wire.LetterType{wire.Welcome, wire.Member} {
		if got := len(x.letters(b, since, typ)); got < 1 || got > 2 {
			t.Errorf("bob was told %d %s letters", got, typ)
		}
	}
}

// Who is ready, but lacks a name, is told the name, and is not welcomed again.
func TestLostNames(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd", "dan")
	a, b, d := x.users[0], x.users[1], x.users[3]
	x.must(d.call.Hangup(x.slot))
	x.run(5 * second)
	x.lost = func(p *parcel, to *user) bool { return to == b && p.letter[0] == byte(wire.Member) }
	since := len(x.kept)
	x.must(a.call.Add(x.slot, a.contact(d)))
	x.accept(d)
	x.run(5 * second)
	if w, m := len(x.letters(b, since, wire.Welcome)), len(x.letters(b, since, wire.Member)); w > 2 || m < 4 {
		t.Errorf("bob was told %d welcomes and %d members", w, m)
	}
	x.lost = func(*parcel, *user) bool { return false }
	x.until(2, "all hear each other", x.all(x.users...))
}

// The last generation is closed two seconds after a change, for all.
func TestLastGenerationIsClosed(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd", "dan")
	x.must(x.users[3].call.Hangup(x.slot))
	x.until(3, "two generations", func() bool { return len(x.users[1].call.Keys()) == 2 })
	last := x.users[1].call.gen.older
	x.run((1 + closingSeconds) * second)
	for _, u := range x.users[:3] {
		if got := len(u.call.Keys()); got != 1 {
			t.Errorf("%s has %d generations", u.name, got)
		}
	}
	if !last.secret.IsZero() {
		t.Error("the secret of the last generation is kept")
	}
}

// A place that is given to somebody else is his, whatever is told again of the one
// who had it before.
func TestPlaceOfSomebodyElse(t *testing.T) {
	x := newSet(t, "ann", "bob", "cyd", "dan")
	a, b, c, d := x.users[0], x.users[1], x.users[2], x.users[3]
	x.must(a.call.Dial(x.slot, x.contacts(a, b, c)...))
	x.accept(b, c)
	x.until(5, "three hear each other", x.all(a, b, c))
	x.must(c.call.Hangup(x.slot))
	x.until(5, "cyd has left", isIdle(c))
	x.must(a.call.Add(x.slot, a.contact(d)))
	x.accept(d)
	x.until(8, "three hear each other", x.all(a, b, d))
	for _, p := range slices.Clone(x.kept) {
		if l, ok := wire.ParseCall(&p.letter); ok && p.to == b && l.Type == wire.Member {
			b.call.Letter(x.slot, b.contact(a), l)
		}
	}
	x.until(2, "three still hear each other", x.all(a, b, d))
	equal(t, b, "ann rings several", "answers ann", "hears ann", "cyd came to 2", "cyd left 2", "dan came to 2")
}

// Who hears nobody, but is welcomed to one generation after the other, speaks in
// the one that the others are in.
func TestWelcomeShowsThatTheLastIsInUse(t *testing.T) {
	x := groupOf(t, "ann", "bob", "cyd", "dan", "eve")
	a, b, d, e := x.users[0], x.users[1], x.users[3], x.users[4]
	x.lost = func(p *parcel, to *user) bool { return to == b && p.kind == cell.Stream }
	x.must(d.call.Hangup(x.slot))
	x.run(4 * second)
	first := b.call.gen.older
	x.must(e.call.Hangup(x.slot))
	x.run(4 * second)
	clear(a.heard)
	x.until(1, "dan welcomed", func() bool { return b.call.gen.last > 2 })
	if b.call.gen.spoken != b.call.gen.older || b.call.gen.spoken == nil {
		t.Error("bob does not speak in the second generation")
	}
	if first == nil || !first.secret.IsZero() {
		t.Error("the secret of the first generation is kept")
	}
}

// A change waits for who is there and not ready, for five seconds and no more; in
// the meantime, who has answered is told that he is heard. For who is away it does
// not wait.
func TestChangeWaits(t *testing.T) {
	for name, away := range map[string]bool{"not ready": false, "away": true} {
		x := groupOf(t, "ann", "bob", "cyd", "dan", "eve")
		a, b, c, d, e := x.users[0], x.users[1], x.users[2], x.users[3], x.users[4]
		x.must(d.call.Hangup(x.slot))
		x.must(e.call.Hangup(x.slot))
		x.run(6 * second)
		x.lost = func(p *parcel, to *user) bool {
			return away && (to == b || p.from == b) || to == b && p.letter[0] == byte(wire.Welcome)
		}
		x.run(2 * second)
		x.must(a.call.Add(x.slot, a.contact(d)))
		x.must(a.call.Add(x.slot, a.contact(e)))
		x.accept(d)
		clear(d.heard)
		start := x.slot
		x.run(second)
		x.accept(e)
		x.until(1, "eve knows that she is heard", func() bool { return e.call.State() == call.Talking })
		x.until(10, "dan hears cyd", func() bool { return d.heard['c'] > 0 })
		took := x.slot - start
		if !away && (took < 5*second || took > 6*second) || away && took > 2*second {
			t.Errorf("%s: dan waited for %d slots", name, took)
		}
		x.until(12, "those who are there hear each other", x.all(a, c, d, e))
	}
}

// When all have left but who has just answered, he hears the host at once: not
// only when there is a generation for him.
func TestOnlyANewcomerIsLeft(t *testing.T) {
	x := newSet(t, "ann", "bob", "cyd", "dan")
	a, b, c, d := x.users[0], x.users[1], x.users[2], x.users[3]
	x.must(a.call.Dial(x.slot, x.contacts(a, b, c, d)...))
	x.accept(b, c)
	x.until(5, "three hear each other", x.all(a, b, c))
	x.must(b.call.Hangup(x.slot))
	x.must(c.call.Hangup(x.slot))
	x.run(second / 2)
	x.late = func() cell.Slot { return 10 }
	x.accept(d)
	start := x.slot
	x.until(3, "dan hears ann", func() bool { return d.heard['a'] > 0 })
	if took := x.slot - start; took > 2*10+4 {
		t.Errorf("dan waited for %d slots", took)
	}
}

// A hang-up is said in the voice and in letters: either is enough.
func TestHangupIsSaidTwofold(t *testing.T) {
	for name, kind := range map[string]cell.Kind{"letters are lost": cell.Letter, "voice is lost": cell.Stream} {
		for _, who := range []int{0, 1} {
			x := groupOf(t, "ann", "bob", "cyd")
			x.lost = func(p *parcel, _ *user) bool { return p.kind == kind }
			x.must(x.users[who].call.Hangup(x.slot))
			done := isIdle(x.users...)
			if who == 1 {
				done = func() bool { return slices.Contains(x.users[0].log, "bob: the other side hung up") }
			}
			x.until(3, name, done)
		}
	}
}
