// Package e2e holds the tests that need both halves of the protocols: the
// client's and the server's, as plain functions or over a simulated network.
package e2e

import (
	"crypto/rand"
	"slices"
	"testing"

	"undertone/mixclient/call"
	"undertone/mixclient/contact"
	"undertone/mixclient/core"
	mouth "undertone/mixclient/half"
	tmouth "undertone/mixclient/tmix"
	"undertone/server/internal/mix/half"
	"undertone/server/internal/mix/tmix"
	"undertone/transport/cell"
	"undertone/transport/key"
)

// A duet is the server's half of the tMIX and some clients', as plain functions:
// no network, no clock, no goroutine.
type duet struct {
	t     testing.TB
	set   half.Half
	slot  cell.Slot
	users []*user
	in    []half.In
	mode  mode
}

// A mode makes the two halves of a line.
type mode struct {
	set func(seats int) half.Half
	// line returns what the server is told of a user, and his half.
	line func(h key.Handle, link *key.Secret) (half.Member, mouth.Half)
}

// trusted is the tMIX.
var trusted = mode{
	set: func(seats int) half.Half { return tmix.New(seats) },
	line: func(h key.Handle, link *key.Secret) (half.Member, mouth.Half) {
		return half.Member{Handle: h, Link: link}, tmouth.New(link, 8)
	},
}

type user struct {
	id     *key.Identity
	intro  key.Secret
	core   *core.Core
	say    byte
	heard  []byte
	events []core.Event
}

func newDuet(t testing.TB, m mode, n int) *duet {
	t.Helper()
	d := &duet{t: t, mode: m, set: m.set(n), slot: 1_790_000_000 * 25, in: make([]half.In, n)}
	for i := range n {
		d.in[i] = half.In{Batch: make([]byte, d.set.Shape().Bytes()), Present: true, Early: 5}
		u := &user{id: identity(t), intro: *identity(t).Seed(), say: byte('a' + i)}
		c, err := core.New(core.Config{Self: u.id, Name: string(rune('a' + i)), Intro: u.intro, Interval: cell.Interval40})
		if err != nil {
			t.Fatal(err)
		}
		u.core = c
		d.users = append(d.users, u)
		d.connect(i)
	}
	return d
}

func identity(t testing.TB) *key.Identity {
	t.Helper()
	id, err := key.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// connect is protocol 1, step 1: the user sets an encrypted link with the mix.
func (d *duet) connect(i int) {
	u := d.users[i]
	link := identity(d.t).Seed() // 32 random bytes
	member, own := d.mode.line(u.handle(), link)
	e, err := d.set.Admit(member)
	if err != nil {
		d.t.Fatal(err)
	}
	d.set.Join(i, e)
	u.core.Online(d.slot, own)
}

func (u *user) handle() key.Handle { return u.id.Account().Handle() }

func (u *user) knows(o *user) {
	x := contact.New(u.handle(), "friend", o.id.Fingerprint())
	x.Intro = o.intro
	u.core.Add(x)
}

// befriend has two exchange keys by hand, as if they had paired before.
func (d *duet) befriend(a, b *user) {
	var pair key.Secret
	_, _ = rand.Read(pair.Bytes())
	for _, u := range [][2]*user{{a, b}, {b, a}} {
		u[0].knows(u[1])
		u[0].core.Contact(u[1].handle()).Pair(&pair, uint64(d.slot/90_000), true)
	}
}

// step lets one slot pass: a batch up and a batch down for each user.
func (d *duet) step() {
	d.slot++
	for i, u := range d.users {
		voice := [cell.VoiceSize]byte{u.say}
		u.core.Up(d.in[i].Batch, d.slot, &voice)
	}
	d.set.Slot(d.slot, d.in)
	for i, u := range d.users {
		for k := range d.set.Down().Messages {
			d.hear(i, k)
		}
		u.events = append(u.events, u.core.Events()...)
	}
}

// hear has a user take in a message.
func (d *duet) hear(i, k int) {
	var h core.Heard
	u := d.users[i]
	if !u.core.Down(d.set.Out(i, 0, k, make([]byte, cell.MaxMessage)), d.slot, &h) || h.Slot != d.slot || h.Feedback != 5 {
		d.t.Fatalf("user %d read %+v in slot %d", i, h.Report, d.slot)
	}
	for _, v := range h.Voices {
		u.heard = append(u.heard, v.Frame[0])
	}
}

func (d *duet) until(slots int, what string, ok func() bool) {
	d.t.Helper()
	for range slots {
		if ok() {
			return
		}
		d.step()
	}
	d.t.Fatalf("not %s after %d slots", what, slots)
}

func (d *duet) state(i int) call.State { return d.users[i].core.Call().State() }

// Protocols 1 and 2, with the real halves of both sides: pairing, ringing,
// talking in both directions, hanging up; and a third user who is rung in the
// call, who hears nothing and disturbs one cell in ten at most.
func TestProtocols1And2(t *testing.T) {
	d := newDuet(t, trusted, 3)
	a, b, c := d.users[0], d.users[1], d.users[2]
	a.knows(b)
	c.knows(b)
	paired := func(u *user) func() bool {
		return func() bool { return u.core.Contact(b.handle()).Paired() }
	}
	d.until(4000, "paired", func() bool { return paired(a)() && paired(c)() })
	d.step()
	if err := a.core.Call().Dial(d.slot, a.core.Contact(b.handle())); err != nil {
		t.Fatal(err)
	}
	d.until(25, "ringing", func() bool { return d.state(1) == call.Ringing })
	if err := b.core.Call().Accept(d.slot); err != nil {
		t.Fatal(err)
	}
	d.until(25, "talking", func() bool { return d.state(0) == call.Talking && d.state(1) == call.Talking })
	a.heard, b.heard = nil, nil
	if err := c.core.Call().Dial(d.slot, c.core.Contact(b.handle())); err != nil {
		t.Fatal(err)
	}
	const slots = 500
	for range slots {
		d.step()
	}
	if len(a.heard) < slots-3 || len(b.heard) < slots*9/10 {
		t.Errorf("in %d slots %d and %d cells of voice were heard", slots, len(a.heard), len(b.heard))
	}
	if slices.ContainsFunc(a.heard, func(v byte) bool { return v != 'b' }) || slices.ContainsFunc(b.heard, func(v byte) bool { return v != 'a' }) {
		t.Error("somebody heard another voice than his contact's")
	}
	if len(c.heard) > 0 {
		t.Error("the third user heard voice")
	}
	if err := b.core.Call().Hangup(d.slot); err != nil {
		t.Fatal(err)
	}
	d.until(12, "idle", func() bool { return d.state(0) == call.Idle && d.state(1) == call.Idle })
}

// A user who comes back on a new line goes on with his call.
func TestCallSurvivesNewLine(t *testing.T) {
	d := newDuet(t, trusted, 2)
	a, b := d.users[0], d.users[1]
	a.knows(b)
	d.until(4000, "paired", func() bool { return a.core.Contact(b.handle()).Paired() })
	d.step()
	if err := a.core.Call().Dial(d.slot, a.core.Contact(b.handle())); err != nil {
		t.Fatal(err)
	}
	d.until(25, "ringing", func() bool { return d.state(1) == call.Ringing })
	if err := b.core.Call().Accept(d.slot); err != nil {
		t.Fatal(err)
	}
	d.until(25, "talking", func() bool { return d.state(0) == call.Talking && d.state(1) == call.Talking })
	for i, u := range d.users {
		d.slot += 100 // four seconds without a line
		d.connect(i)
		u.heard = nil
		d.users[1-i].heard = nil
		for range 30 {
			d.step()
		}
		if len(a.heard) < 20 || len(b.heard) < 20 {
			t.Errorf("after user %d came back, %d and %d cells of voice were heard in 30 slots", i, len(a.heard), len(b.heard))
		}
	}
}
