package core

import (
	"fmt"
	"testing"

	"undertone/mixclient/call"
	"undertone/mixclient/contact"
	"undertone/mixclient/tmix"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/uri"
)

// An exchange is a slow and simple tMIX in memory, for tests of the client's
// half alone. Letters and streams arrive in the slot that they were sent in.
type exchange struct {
	t     testing.TB
	slot  cell.Slot
	users []*user
	// drop says which cells are lost.
	drop func(n cell.Slot, u *user, up bool) bool
	// tamper may change what the server passes on.
	tamper func(from, to *user, k *cell.Kind, body *cell.Body)
	log    []string
}

type user struct {
	name   string
	core   *Core
	id     *key.Identity
	intro  key.Secret
	up     *seal.Opener
	down   *seal.Sealer
	route  key.Handle
	box    *parcel
	stream *parcel
	kinds  []cell.Kind // of its uploads
	heard  []byte      // the first byte of each voice heard
	events []Event
	say    byte // the first byte of the voice to send
}

// rest is a dummy that does no arithmetic, so that tests of long times are quick.
type rest struct{}

func (rest) Step() {}

type parcel struct {
	kind cell.Kind
	body cell.Body
}

const testInterval = cell.Interval40

func newExchange(t testing.TB, names ...string) *exchange {
	x := &exchange{t: t, slot: cell.Slot(1_790_000_000 * 25)}
	for _, n := range names {
		x.join(n)
	}
	return x
}

func (x *exchange) join(name string) *user {
	id, err := key.NewIdentity()
	if err != nil {
		x.t.Fatal(err)
	}
	return x.joinAs(name, id)
}

func (x *exchange) joinAs(name string, id *key.Identity) *user {
	u := &user{name: name, id: id, intro: *randomKey()}
	var err error
	u.core, err = New(Config{Self: id, Name: name, Intro: u.intro, Interval: testInterval})
	if err != nil {
		x.t.Fatal(err)
	}
	u.core.dummy = rest{}
	x.users = append(x.users, u)
	x.connect(u)
	return u
}

// connect gives the user a new line; the server forgets his route.
func (x *exchange) connect(u *user) {
	link := randomKey()
	upKey, downKey := seal.LinkKeys(link)
	u.up, u.down, u.route = seal.NewOpener(&upKey), seal.NewSealer(&downKey, 0), key.Handle{}
	u.core.Online(x.slot, tmix.New(link, 64))
}

func (u *user) handle() key.Handle { return u.id.Account().Handle() }

// meet gives a the link of b.
func (u *user) meet(b *user) *contact.Contact {
	link := &uri.Contact{Name: b.name, Host: "example.org:7443", Fingerprint: b.id.Fingerprint(), Intro: b.intro}
	c := contact.New(u.handle(), link.Name, link.Fingerprint)
	c.Intro = link.Intro
	u.core.Add(c)
	return c
}

func (x *exchange) by(h key.Handle) *user {
	for _, u := range x.users {
		if u.handle() == h {
			return u
		}
	}
	return nil
}

// run lets n slots pass.
func (x *exchange) run(n int) {
	for range n {
		x.step()
	}
}

func (x *exchange) step() {
	x.slot++
	for _, u := range x.users {
		var c cell.Cell
		voice := [cell.VoiceSize]byte{u.say}
		u.core.Cover(c[:], x.slot)
		u.core.Up(c[:], x.slot, &voice)
		if x.drop == nil || !x.drop(x.slot, u, true) {
			x.take(u, &c)
		} else {
			u.kinds = append(u.kinds, cell.Cover)
		}
	}
	for _, u := range x.users {
		x.give(u)
	}
}

func (x *exchange) take(u *user, c *cell.Cell) {
	var body cell.Body
	_, head, ok := u.up.Open(c, x.slot, &body)
	if !ok {
		x.t.Fatalf("the server cannot open a cell of %s", u.name)
	}
	u.kinds = append(u.kinds, head.Kind)
	switch head.Kind {
	case cell.Stream:
		if peer := x.by(u.route); peer != nil && peer.route == u.handle() {
			x.pass(u, peer, head.Kind, body)
		}
	case cell.Ring, cell.Letter:
		to := seal.LetterAddress(&body)
		if head.Kind == cell.Ring {
			u.route = to
		}
		if peer := x.by(to); peer != nil {
			seal.SetLetterAddress(&body, u.handle())
			x.pass(u, peer, cell.Letter, body)
		}
	case cell.Control:
		u.route = key.Handle{}
	case cell.Cover:
	}
}

func (x *exchange) pass(from, to *user, k cell.Kind, body cell.Body) {
	if x.tamper != nil {
		x.tamper(from, to, &k, &body)
	}
	p := &parcel{k, body}
	if k == cell.Stream {
		to.stream = p
	} else {
		to.box = p
	}
}

func (x *exchange) give(u *user) {
	p := &parcel{kind: cell.Cover}
	switch {
	case u.box != nil:
		p, u.box = u.box, nil
	case u.stream != nil:
		p = u.stream
	}
	u.stream = nil
	var c cell.Cell
	u.down.Seal(&c, x.slot, seal.Head{Feedback: 5, Kind: p.kind}, &p.body)
	if x.drop != nil && x.drop(x.slot, u, false) {
		return
	}
	var h Heard
	if !u.core.Down(c[:], x.slot, &h) {
		x.t.Fatalf("%s cannot open a cell of the server", u.name)
	}
	for _, v := range h.Voices {
		u.heard = append(u.heard, v.Frame[0])
	}
	for _, e := range u.core.Events() {
		u.events = append(u.events, e)
		x.log = append(x.log, u.describe(x, e))
	}
}

func (u *user) describe(x *exchange, e Event) string {
	peer := "?"
	if p := x.by(e.Peer); p != nil {
		peer = p.name
	}
	switch e.Kind {
	case Paired:
		return fmt.Sprintf("%s paired with %s", u.name, peer)
	case PairFailed:
		return fmt.Sprintf("%s could not pair with %s: %v", u.name, peer, e.Err)
	case Call:
	}
	switch e.Call.Kind {
	case call.Rings:
		return fmt.Sprintf("%s: %s rings", u.name, peer)
	case call.Accepted:
		return fmt.Sprintf("%s answers %s", u.name, peer)
	case call.Connected:
		return fmt.Sprintf("%s hears %s", u.name, peer)
	case call.Ended:
		return fmt.Sprintf("%s with %s: %s", u.name, peer, e.Call.Outcome)
	}
	return "?"
}

// until runs until the log has a line, or fails after n slots.
func (x *exchange) until(n int, line string) {
	x.t.Helper()
	for range n {
		for _, l := range x.log {
			if l == line {
				return
			}
		}
		x.step()
	}
	x.t.Fatalf("after %d slots, not yet %q in %q", n, line, x.log)
}

// paired returns an exchange in which a and b are contacts.
func paired(t testing.TB) (x *exchange, a, b *user) {
	t.Helper()
	x = newExchange(t, "ann", "bob")
	a, b = x.users[0], x.users[1]
	a.meet(b)
	x.until(1200, "ann paired with bob")
	x.until(20, "bob paired with ann")
	x.log = nil
	return x, a, b
}

// talking returns an exchange in which a has called b and both talk.
func talking(t testing.TB) (x *exchange, a, b *user) {
	t.Helper()
	x, a, b = paired(t)
	a.say, b.say = 'a', 'b'
	x.dial(a, b)
	x.until(5, "bob: ann rings")
	if err := b.core.Call().Accept(x.slot); err != nil {
		t.Fatal(err)
	}
	x.until(8, "bob hears ann")
	x.until(8, "ann hears bob")
	return x, a, b
}

func (x *exchange) dial(a, b *user) {
	x.t.Helper()
	if err := a.core.Call().Dial(x.slot, a.core.Contact(b.handle())); err != nil {
		x.t.Fatal(err)
	}
}
