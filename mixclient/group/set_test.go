package group

import (
	"bytes"
	"crypto/rand"
	"fmt"
	mrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"undertone/mixclient/call"
	"undertone/mixclient/contact"
	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/wire"
)

const (
	second = 25 // slots
	delay  = 3  // slots that a cell takes
)

// A user of a set, and what happened to him.
type user struct {
	name     string
	handle   key.Handle
	call     *Call
	contacts map[key.Handle]*contact.Contact
	log      []string
	heard    map[byte]int      // how many voices of whom, by the first letter of his name
	places   map[byte]int      // the number of the speaker
	items    []call.Item       // what he said
	secrets  map[string]string // secrets of groups that he had, and what he was then
	version  uint64
	keys     []half.Group
}

// A parcel is a cell on its way.
type parcel struct {
	from, to *user // to is nil for a group
	at       cell.Slot
	letter   wire.Plain
	kind     cell.Kind
	body     cell.Body
	place    int
	group    *half.Group
}

// A set is some users who know each other, and what carries their cells: as the
// server and the halves of a bMIX do.
type set struct {
	t      testing.TB
	slot   cell.Slot
	second int // slots
	users  []*user
	way    []*parcel
	// lost drops a cell, late delays it by some slots.
	lost func(p *parcel, to *user) bool
	late func() cell.Slot
	// spoken has, for each secret, the slots in which somebody first and last
	// spoke under it.
	spoken map[string][2]cell.Slot
	kept   []*parcel // letters, for replays
}

func newSet(t testing.TB, names ...string) *set { return newSetOf(t, cell.Interval40, names...) }

func newSetOf(t testing.TB, i cell.Interval, names ...string) *set {
	x := &set{t: t, slot: 1000 * second, second: 1000 / i.Milliseconds(), spoken: map[string][2]cell.Slot{}}
	x.lost = func(*parcel, *user) bool { return false }
	x.late = func() cell.Slot { return delay }
	prints := map[string]key.Fingerprint{}
	for n, name := range names {
		// Addresses rise in the order of the names.
		f := key.Fingerprint{byte(n + 1)}
		_, _ = rand.Read(f[1:])
		prints[name] = f
		x.users = append(x.users, &user{
			name: name, handle: f.Handle(), contacts: map[key.Handle]*contact.Contact{},
			call:  New(Config{Self: f.Handle(), Interval: i, Groups: true}),
			heard: map[byte]int{}, places: map[byte]int{}, secrets: map[string]string{},
		})
	}
	for n, a := range x.users {
		for _, b := range x.users[:n] {
			var pair key.Secret
			_, _ = rand.Read(pair.Bytes())
			meet := func(a, b *user) {
				c := contact.New(a.handle, b.name, prints[b.name])
				c.Pair(&pair, 7, true)
				a.contacts[b.handle] = c
			}
			meet(a, b)
			meet(b, a)
		}
	}
	return x
}

func (u *user) had(k *key.Secret) bool {
	_, ok := u.secrets[string(k.Bytes())]
	return ok
}

func (u *user) contact(o *user) *contact.Contact { return u.contacts[o.handle] }

func (x *set) contacts(u *user, others ...*user) []*contact.Contact {
	var all []*contact.Contact
	for _, o := range others {
		all = append(all, u.contact(o))
	}
	return all
}

// step lets one slot pass.
func (x *set) step() {
	x.slot++
	for _, u := range x.users {
		x.say(u)
	}
	way := x.way
	x.way = nil
	for _, p := range way {
		if p.at > x.slot {
			x.way = append(x.way, p)
			continue
		}
		x.deliver(p)
	}
	for _, u := range x.users {
		if u.call.Due() {
			u.call.Step(x.slot)
		}
		for _, e := range u.call.Events() {
			u.log = append(u.log, x.line(u, e))
		}
	}
}

func (x *set) run(slots int) {
	for range slots {
		x.step()
	}
}

// until runs until ok, for some seconds at most.
func (x *set) until(seconds int, what string, ok func() bool) {
	x.t.Helper()
	for range seconds * x.second {
		if ok() {
			return
		}
		x.step()
	}
	if !ok() {
		x.t.Fatalf("not within %d s: %s\n%s", seconds, what, x.transcript())
	}
}

func (x *set) transcript() string {
	var b strings.Builder
	for _, u := range x.users {
		fmt.Fprintf(&b, "%s is %s: %s\n", u.name, u.call.State(), strings.Join(u.log, "; "))
	}
	return b.String()
}

// say does what the core and a half do for a slot.
func (x *set) say(u *user) {
	if v := u.call.Version(); v != u.version {
		u.version = v
		u.keys = nil
		for _, g := range u.call.Keys() {
			secret := *g.Secret
			g.Secret = &secret
			u.keys = append(u.keys, g)
			u.secrets[string(secret.Bytes())] = u.name
		}
	}
	it := u.call.Next(x.slot)
	u.items = append(u.items, it)
	p := &parcel{from: u, at: x.slot + x.late(), kind: it.Kind}
	switch it.Kind {
	case cell.Letter, cell.Ring:
		it.Letter.Put(&p.letter)
		p.to = x.who(it.To.Handle())
		x.kept = append(x.kept, p)
	case cell.Stream:
		plain := [cell.StreamSize]byte{it.Head, u.name[0]}
		u.call.SealStream(x.slot, &plain, &p.body)
		if it.Group {
			x.toGroup(u, p)
		} else {
			p.to = x.who(it.To.Handle())
		}
	case cell.Cover, cell.Control:
		return
	}
	x.way = append(x.way, p)
}

func (x *set) toGroup(u *user, p *parcel) {
	if len(u.keys) == 0 {
		x.t.Fatalf("%s speaks to a group that the half does not know", u.name)
	}
	g := u.keys[0]
	if !u.call.said.secret.Equal(g.Secret) {
		x.t.Fatalf("%s speaks in another generation than the half", u.name)
	}
	p.group, p.place = &g, g.Place
	name := string(g.Secret.Bytes())
	when, ok := x.spoken[name]
	if !ok {
		when[0] = x.slot
	}
	when[1] = x.slot
	x.spoken[name] = when
}

func (x *set) who(h key.Handle) *user {
	i := slices.IndexFunc(x.users, func(u *user) bool { return u.handle == h })
	return x.users[i]
}

func (x *set) deliver(p *parcel) {
	for _, u := range x.users {
		switch {
		case u == p.from || p.to != nil && p.to != u || x.lost(p, u):
		case p.kind != cell.Stream:
			if l, ok := wire.ParseCall(&p.letter); ok {
				u.call.Letter(x.slot, u.contact(p.from), l)
			} else {
				x.t.Fatalf("%s said a letter that does not parse: %x", p.from.name, p.letter)
			}
		case p.to != nil:
			x.hear(u, p, p.from.handle, -1)
		case u.finds(p):
			x.hear(u, p, key.Handle{}, p.place)
		}
	}
}

// finds reports whether the user's half finds a cell of a group: by a key that he
// has, and who sits where.
func (u *user) finds(p *parcel) bool {
	return slices.ContainsFunc(u.keys, func(g half.Group) bool {
		return g.Secret.Equal(p.group.Secret) && g.Members[p.place] == p.from.handle
	})
}

func (x *set) hear(u *user, p *parcel, from key.Handle, place int) {
	var plain [cell.StreamSize]byte
	speaker, ok := u.call.OpenStream(x.slot, from, place, &p.body, &plain)
	if !ok {
		return
	}
	if plain[1] != p.from.name[0] {
		x.t.Fatalf("%s heard %q in the voice of %s", u.name, plain[1], p.from.name)
	}
	u.heard[plain[1]]++
	u.places[plain[1]] = speaker
}

func (x *set) line(u *user, e call.Event) string {
	switch e.Kind { // Who comes and leaves is what a host says: anybody.
	case call.Came:
		return fmt.Sprintf("%s came to %d", e.Name, e.Place)
	case call.Left:
		return fmt.Sprintf("%s left %d", e.Name, e.Place)
	case call.Rings, call.Accepted, call.Connected, call.Ended:
	}
	who := x.who(e.Peer).name
	switch e.Kind {
	case call.Rings:
		if e.Several {
			return who + " rings several"
		}
		return who + " rings"
	case call.Accepted:
		return "answers " + who
	case call.Connected:
		return "hears " + who
	case call.Ended:
		return who + ": " + e.Outcome.String()
	case call.Came, call.Left:
	}
	return "?"
}

// all reports whether each of the users hears all others: something of everybody
// within the next two seconds.
func (x *set) all(users ...*user) func() bool {
	return func() bool {
		for _, u := range users {
			clear(u.heard)
		}
		x.run(2 * x.second)
		for _, u := range users {
			for _, o := range users {
				if u != o && u.heard[o.name[0]] < x.second {
					return false
				}
			}
		}
		return true
	}
}

func (x *set) must(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatalf("%v\n%s", err, x.transcript())
	}
}

// accept answers as soon as it rings.
func (x *set) accept(users ...*user) {
	x.t.Helper()
	for _, u := range users {
		x.until(5, u.name+" is rung", func() bool { return u.call.State() == call.Ringing })
		x.must(u.call.Accept(x.slot))
	}
}

// group returns a set whose first user has called all others, who hear each other.
func groupOf(t testing.TB, names ...string) *set {
	t.Helper()
	x := newSet(t, names...)
	x.must(x.users[0].call.Dial(x.slot, x.contacts(x.users[0], x.users[1:]...)...))
	x.accept(x.users[1:]...)
	x.until(20, "all hear each other", x.all(x.users...))
	return x
}

func equal(t testing.TB, u *user, want ...string) {
	t.Helper()
	if !slices.Equal(u.log, want) {
		t.Errorf("%s got:\n  %s\nwant:\n  %s", u.name, strings.Join(u.log, "\n  "), strings.Join(want, "\n  "))
	}
}

// random makes the set lose and reorder cells, and replay letters.
func (x *set) random(rnd *mrand.Rand, loss float64) {
	x.lost = func(*parcel, *user) bool { return rnd.Float64() < loss }
	x.late = func() cell.Slot {
		if len(x.kept) > 0 && rnd.IntN(10) == 0 {
			again := *x.kept[rnd.IntN(len(x.kept))]
			again.at = x.slot + 1
			x.way = append(x.way, &again)
		}
		return cell.Slot(1 + rnd.IntN(8)) //nolint:gosec // positive
	}
}

// checkSecrets fails if somebody who is not in users had a secret that was spoken
// under after a slot.
func (x *set) checkSecrets(after cell.Slot, users ...*user) {
	x.t.Helper()
	for secret, when := range x.spoken {
		for _, u := range x.users {
			if _, has := u.secrets[secret]; has && !slices.Contains(users, u) && when[1] > after {
				x.t.Errorf("%s has left, and can hear what was said %d slots later", u.name, when[1]-after)
			}
		}
	}
}

func isIdle(users ...*user) func() bool {
	return func() bool {
		return !slices.ContainsFunc(users, func(u *user) bool { return u.call.State() != call.Idle })
	}
}

func zeros(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
