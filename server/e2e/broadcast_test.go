package e2e

import (
	"slices"
	"testing"

	"undertone/mixclient/bmix"
	"undertone/mixclient/call"
	mouth "undertone/mixclient/half"
	server "undertone/server/internal/mix/bmix"
	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
)

// broadcast is the bMIX.
var broadcast = mode{
	set: func(seats int) half.Half { return spread{server.New(seats * apart)} },
	line: func(h key.Handle, link *key.Secret) (half.Member, mouth.Half) {
		conn := key.NewConnection()
		return half.Member{Handle: h, Link: link, Record: conn[:]}, bmix.New(h, conn)
	},
}

// apart is how far users are from each other: the third is in the second message.
const apart = 4

// spread has users on every fourth seat.
type spread struct{ half.Half }

func (s spread) Join(i int, e half.Entrant) { s.Half.Join(i*apart, e) }

func (s spread) Slot(n cell.Slot, in []half.In) {
	wide := make([]half.In, len(in)*apart)
	for i := range in {
		wide[i*apart] = in[i]
	}
	s.Half.Slot(n, wide)
}

func (s spread) Out(i, p, k int, dst []byte) []byte { return s.Half.Out(i*apart, p, k, dst) }

// Protocol 3, with the real halves of both sides and channels in two messages:
// pairing, ringing, talking in both directions, over a line that is replaced, and
// hanging up. Who is in no call hears nothing.
func TestProtocol3(t *testing.T) {
	const users = 3
	d := newDuet(t, broadcast, users)
	if d.step(); d.set.Down().Messages != 2 {
		t.Fatalf("%d messages for %d users", d.set.Down().Messages, users)
	}
	a, b := d.users[0], d.users[users-1]
	a.knows(b)
	d.until(4000, "paired", func() bool { return a.core.Contact(b.handle()).Paired() })
	d.step()
	if err := a.core.Call().Dial(d.slot, a.core.Contact(b.handle())); err != nil {
		t.Fatal(err)
	}
	d.until(25, "ringing", func() bool { return d.state(users-1) == call.Ringing })
	if err := b.core.Call().Accept(d.slot); err != nil {
		t.Fatal(err)
	}
	talking := func() bool { return d.state(0) == call.Talking && d.state(users-1) == call.Talking }
	d.until(25, "talking", talking)
	for range 2 {
		a.heard, b.heard = nil, nil
		const slots = 200
		for range slots {
			d.step()
		}
		if len(a.heard) < slots*9/10 || len(b.heard) < slots*9/10 {
			t.Errorf("in %d slots %d and %d cells of voice were heard", slots, len(a.heard), len(b.heard))
		}
		if slices.ContainsFunc(a.heard, func(v byte) bool { return v != b.say }) || slices.ContainsFunc(b.heard, func(v byte) bool { return v != a.say }) {
			t.Error("somebody heard another voice than his contact's")
		}
		d.slot += 50 // two seconds without a line
		d.connect(0)
		d.until(25, "talking", talking)
		for range 20 { // The others learn his connection, and the call goes on.
			d.step()
		}
	}
	for i, u := range d.users[1 : users-1] {
		if len(u.heard) > 0 {
			t.Errorf("user %d heard voice", i+1)
		}
	}
	if err := b.core.Call().Hangup(d.slot); err != nil {
		t.Fatal(err)
	}
	d.until(12, "idle", func() bool { return d.state(0) == call.Idle && d.state(users-1) == call.Idle })
}
