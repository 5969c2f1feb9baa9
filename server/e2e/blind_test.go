//go:build !race

package e2e

import (
	"slices"
	"testing"
	"testing/cryptotest"

	"undertone/mixclient/call"
	"undertone/transport/cell"
)

// callsOfTwo has the users call each other by twos: the first rings the second, who
// answers, and so on; in between everything happens that can. Users who are in no
// call stay as they are.
func (d *duet) callsOfTwo(calls int, record func()) {
	dial := func(i int) {
		if err := d.users[2*i].core.Call().Dial(d.slot, d.users[2*i].core.Contact(d.users[2*i+1].handle())); err != nil {
			d.t.Fatal(err)
		}
	}
	run := func(slots int) {
		for range slots {
			d.step()
			record()
		}
	}
	for i := range calls {
		dial(i)
	}
	run(30)
	for i := range calls {
		if err := d.users[2*i+1].core.Call().Accept(d.slot); err != nil {
			d.t.Fatal(err)
		}
	}
	run(280)
	for i := range calls {
		if s := d.state(2 * i); s != call.Talking || len(d.users[2*i].heard) < 200 {
			d.t.Fatalf("call %d: %s, and %d cells of voice were heard", i, s, len(d.users[2*i].heard))
		}
		if err := d.users[2*i].core.Call().Hangup(d.slot); err != nil {
			d.t.Fatal(err)
		}
	}
	run(40)
}

// seen is the whole view of the server of a bMIX with so many calls. Its randomness
// is the same for any number.
func seen(t *testing.T, calls int) *view {
	t.Helper()
	cryptotest.SetGlobalRandom(t, 7)
	const users = 6
	d := newDuet(t, broadcast, users)
	for i := range users / 2 {
		d.befriend(d.users[2*i], d.users[2*i+1])
	}
	for range 10 {
		d.step() // Everybody learns who is there.
	}
	v := &view{users: make([][][]byte, users)}
	for _, u := range d.users {
		h := u.handle()
		v.known = append(v.known, h[:], u.id.Public().Bytes())
	}
	d.callsOfTwo(calls, func() {
		for i := range users {
			v.users[i] = append(v.users[i], slices.Clone(d.in[i].Batch[2:])) // Without the slot's label.
		}
		if d.slot%50 == 0 {
			v.held = append(v.held, lengths(d.set)...)
		}
		d.checkSent()
	})
	return v
}

// checkSent looks at what the server sends: to everybody the same bytes but for his
// feedback, and in them each upload as it came.
func (d *duet) checkSent() {
	const feedbackAt = 2
	first := make([]byte, cell.MaxMessage)
	other := make([]byte, cell.MaxMessage)
	for k := range d.set.Down().Messages {
		m := d.set.Out(0, 0, k, first)
		for i := range d.users {
			o := d.set.Out(i, 0, k, other)
			o[feedbackAt] = m[feedbackAt]
			if !slices.Equal(m, o) {
				d.t.Fatalf("user %d is sent another message than the first", i)
			}
		}
		for i := range d.users {
			if i*apart/8 == k {
				at := len(m) - 8*cell.Size + i*apart%8*cell.Size
				if !slices.Equal(m[at:at+cell.Size], d.in[i].Batch) {
					d.t.Fatalf("the upload of user %d was changed", i)
				}
			}
		}
	}
}

// Blindness of the bMIX: somebody who reads everything that the server holds,
// receives and sends finds nothing in a set with two calls, nothing in one
// without, and nothing by which to tell one from the other; and he would see the
// smallest leak.
func TestBMIXServerIsBlind(t *testing.T) {
	with, without := seen(t, 2), seen(t, 0)
	for name, v := range map[string]*view{"two calls": with, "no call": without} {
		if s := v.suspicions(); len(s) > 0 {
			t.Errorf("%s: %d suspicions: %v", name, len(s), s[:min(len(s), 5)])
		}
	}
	for _, s := range compare(with, without) {
		t.Error(s)
	}
	t.Logf("%d users, %d uploads of each, %d bytes held in %d pieces: nothing found", len(with.users), len(with.users[0]), sum(with.held), len(with.held))
	catches(t, func() *view { return with.clone() }, []int{0, 1})
}

func sum(x []int) (n int) {
	for _, v := range x {
		n += v
	}
	return n
}

func (v *view) clone() *view {
	c := &view{known: v.known, held: slices.Clone(v.held), stride: v.stride}
	for _, blocks := range v.users {
		var all [][]byte
		for _, b := range blocks {
			all = append(all, slices.Clone(b))
		}
		c.users = append(c.users, all)
	}
	return c
}
