package e2e

import (
	"bytes"
	"testing"

	"undertone/mixclient/contact"
	"undertone/mixclient/core"
	client "undertone/mixclient/smix"
	"undertone/server/internal/mix/half"
	"undertone/server/internal/mix/smix"
	"undertone/transport/cell"
	"undertone/transport/key"
)

// A band is the sMIX with whole clients, as plain functions over no network.
type band struct {
	t     *testing.T
	set   *smix.Set
	slot  cell.Slot
	in    []half.In
	users []*bandsman
}

// A bandsman has batches for some slots in advance, as every client has.
type bandsman struct {
	id    *key.Identity
	intro key.Secret
	core  *core.Core
	top   cell.Slot
	batch []byte
}

// bandAhead is how many slots batches are made ahead.
const bandAhead = 20

func newBand(t *testing.T, n int) *band {
	t.Helper()
	b := &band{t: t, slot: 1_790_000_000 * 25, in: make([]half.In, n)}
	var err error
	b.set, err = smix.New(smix.Config{Interval: cell.Interval40, Channels: 8, Seats: n, Pin: orchestraPin})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		b.users = append(b.users, b.join(i))
	}
	return b
}

func (b *band) join(i int) *bandsman {
	u := &bandsman{id: identity(b.t), intro: *identity(b.t).Seed()}
	pass, err := client.NewPassport(u.id, orchestraPin)
	if err != nil {
		b.t.Fatal(err)
	}
	h, err := client.New(pass, client.Config{Interval: cell.Interval40, Channels: 8})
	if err != nil {
		b.t.Fatal(err)
	}
	if u.core, err = core.New(core.Config{Self: u.id, Name: "somebody", Intro: u.intro, Interval: cell.Interval40}); err != nil {
		b.t.Fatal(err)
	}
	e, err := b.set.Admit(half.Member{Handle: u.handle(), Record: pass.Record})
	if err != nil {
		b.t.Fatal(err)
	}
	b.set.Join(i, e)
	u.core.Online(b.slot, h)
	u.batch = make([]byte, h.Shape().Bytes())
	return u
}

func (u *bandsman) handle() key.Handle { return u.id.Account().Handle() }

// adds makes somebody a contact, by his link.
func (u *bandsman) adds(o *bandsman) {
	x := contact.New(u.handle(), "friend", o.id.Fingerprint())
	x.Intro = o.intro
	u.core.Add(x)
}

// up returns the batch that a user sends in slot n, and makes what must be made
// anew, or in advance.
func (u *bandsman) up(n cell.Slot) []byte {
	var voice [cell.VoiceSize]byte
	u.core.Up(u.batch, n, &voice)
	sent := bytes.Clone(u.batch[:len(u.batch)/2])
	if stale, ok := u.core.Half().Stale(); ok {
		for m := u.top; m >= max(stale, n+1); m-- {
			u.core.Cover(u.batch, m)
		}
	}
	for u.top = max(u.top, n); u.top < n+bandAhead; u.top++ {
		u.core.Cover(u.batch, u.top+1)
	}
	return sent
}

// step lets one slot pass.
func (b *band) step() {
	b.slot++
	for i, u := range b.users {
		b.in[i] = half.In{Batch: u.up(b.slot), Present: true, Early: 5}
	}
	b.set.Slot(b.slot, b.in)
	for i, u := range b.users {
		var h core.Heard
		for k := range b.set.Down().Messages {
			u.core.Down(b.set.Out(i, 0, k, make([]byte, cell.MaxMessage)), b.slot, &h)
		}
	}
}

// Section 5.2 with protocol 1: in a set in which nobody is known yet, two users pair
// with the link of one, through cells, and nothing else is said.
func TestSMIXPairingAmongStrangers(t *testing.T) {
	b := newBand(t, 4)
	x, y := b.users[0], b.users[1]
	x.adds(y)
	const slots = 3000
	for range slots {
		b.step()
		if x.core.Contact(y.handle()).Paired() {
			t.Logf("paired after %d slots", b.slot-1_790_000_000*25)
			if s := x.core.Half().Status(); !s.Unsafe || s.Ready {
				t.Errorf("status %+v", s)
			}
			return
		}
	}
	t.Errorf("not paired after %d slots: %+v", slots, x.core.Half().Status())
}
