package e2e

import (
	"slices"
	"testing"

	mouth "undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/superpose"
)

// duo is an orchestra of some, of whom the first two talk.
func duo(t *testing.T, members int) (o *orchestra, a, b *player) {
	t.Helper()
	o = newOrchestra(t, members, 8, 50, 0)
	o.joinAll()
	o.until(30_000, "assembled", o.allInside)
	o.talk(1)
	return o, o.players[0], o.players[1]
}

// jam adds noise to a channel of a share.
func jam(part []byte, c int) {
	x := superpose.Channel(superpose.Body(part[:superpose.Size]), c)
	for i := range x {
		x[i] ^= 0x55
	}
}

// Section 5.2: the sum of all shares is the owners' cells. Whatever is not leased
// is empty, so all pads are gone from it.
func TestSMIXPadsCancel(t *testing.T) {
	o, _, _ := duo(t, 8)
	from, empty := o.slot, 0
	o.run(4000)
	for n := from; n < o.settled(); n++ {
		full := 0
		for c := range 8 {
			if slices.ContainsFunc(superpose.Channel(o.sums[n], c), func(b byte) bool { return b != 0 }) {
				full++
			}
		}
		if full == 0 {
			t.Fatalf("slot %d: no channel is in use, in a call", n)
		}
		empty += 8 - full
	}
	if empty == 0 {
		t.Errorf("no channel was empty in %d slots", o.settled()-from)
	}
}

// Section 10: a bad share spoils its slot, and no other; the owner alone sees that
// it was his, and is told some time later.
func TestSMIXABadShareSpoilsItsSlot(t *testing.T) {
	o, a, b := duo(t, 6)
	spoiled := map[cell.Slot]bool{}
	o.tap = func(p *player, n cell.Slot, parts [][]byte) {
		if p == o.players[5] && n%10 == 0 {
			spoiled[n] = true
			for c := range 8 {
				jam(parts[0], c)
				jam(parts[1], c)
			}
		}
	}
	from := o.settled()
	o.run(2000)
	o.tap = nil
	begin := o.slot
	for n := from; n < o.settled(); n++ {
		if heard := b.heard[n] == a.handle(); heard == spoiled[n] && n > from+10 {
			t.Errorf("slot %d: spoiled is %v, heard is %v", n, spoiled[n], heard)
		}
	}
	if len(a.alarms) > 0 && o.slot < begin+100 {
		t.Error("the alarm was shown at once")
	}
	o.run(65_000)
	if !slices.Contains(a.alarms, mouth.Disruption) || !slices.Contains(b.alarms, mouth.Disruption) {
		t.Errorf("alarms of those who were disturbed: %v, %v", a.alarms, b.alarms)
	}
	for _, p := range o.players {
		if slices.Contains(p.alarms, mouth.Equivocation) || slices.Contains(p.alarms, mouth.Unsafe) {
			t.Errorf("player %d: false alarms %v", p.seat, p.alarms)
		}
	}
}

// Section 10, equivocation: a server that tells one member of a call other sums,
// or another map, is noticed, later.
func TestSMIXEquivocationIsNoticed(t *testing.T) {
	for name, at := range map[string]int{"sum": superpose.BodyAt + 7*cell.Size + 5, "map": superpose.BodyAt - 2} {
		t.Run(name, func(t *testing.T) {
			o, a, b := duo(t, 5)
			count := 0
			o.rewrite = func(p *player, m []byte) {
				if h, _ := superpose.ParseDown(m); p == b && h.Flags&superpose.Complete != 0 && count < 4 {
					m[at] ^= 1
					count++
				}
			}
			o.run(3000)
			if slices.Contains(a.alarms, mouth.Equivocation) {
				t.Error("the alarm was shown at once")
			}
			o.run(65_000)
			if !slices.Contains(a.alarms, mouth.Equivocation) && !slices.Contains(b.alarms, mouth.Equivocation) {
				t.Errorf("alarms %v, %v", a.alarms, b.alarms)
			}
		})
	}
}

// A member stands still: his batches go on, with what he holds full of garbage, and
// nobody else loses a cell.
func TestSMIXAStallIsInvisible(t *testing.T) {
	o, a, b := duo(t, 6)
	o.players[4].talksTo, o.players[5].talksTo = o.players[5], o.players[4]
	o.run(4000)
	from := o.slot + 5
	o.players[4].stalled = true
	o.run(3000)
	o.players[4].stalled = false
	for n := from; n < from+60; n++ {
		if !o.complete[n] {
			t.Fatalf("slot %d is not complete while a member stands still", n)
		}
		if b.heard[n] != a.handle() {
			t.Errorf("a was not heard in slot %d", n)
		}
	}
	back := o.until(6000, "heard again", func() bool { return o.players[5].heard[o.slot-5] == o.players[4].handle() })
	t.Logf("heard again %d ms after standing still for 3000", back)
}

// Members who lost slots agree on owners again: nobody holds a channel that is
// somebody else's, and the call goes on.
func TestSMIXMissedSlots(t *testing.T) {
	o, a, b := duo(t, 10)
	for round := range 5 {
		p := o.players[round]
		p.deaf = true
		o.run(1000)
		p.deaf = false
		o.run(1000)
	}
	for _, p := range o.players {
		if slices.Contains(p.alarms, mouth.Disruption) {
			t.Errorf("player %d: somebody else was in his channel", p.seat)
		}
	}
	from := o.settled()
	o.run(4000)
	if lost, of, _ := o.lost(a, from, o.settled()); lost > 0 {
		t.Errorf("%d of %d cells of voice were lost after that", lost, of)
	}
	_ = b
}

// Fake members: with too few whom the user knows, nothing is said, and he is told.
func TestSMIXTooFewKnown(t *testing.T) {
	o := newOrchestra(t, 5, 8, 50, 0)
	o.joinAll()
	a, b := o.players[0], o.players[1]
	k := o.keyring(a)
	k.Peers = slices.DeleteFunc(k.Peers, func(p mouth.Peer) bool { return p.Handle != b.handle() })
	a.half.Keys(k)
	o.until(30_000, "assembled", o.allInside)
	a.talksTo, b.talksTo = b, a
	o.run(8000)
	if len(b.heard) > 0 {
		t.Error("something was said among strangers")
	}
	if !slices.Contains(a.alarms, mouth.Unsafe) || a.half.Status().Ready || a.half.Status().Known != 1 {
		t.Errorf("alarms %v, status %+v", a.alarms, a.half.Status())
	}
	if len(a.heard) == 0 {
		t.Error("he hears nothing either")
	}
}

// Who comes back is included again, with what was agreed before, and who connects
// anew too; no pad comes twice on the way.
func TestSMIXComingBack(t *testing.T) {
	o, _, _ := duo(t, 6)
	type pad struct{ share [24]byte }
	seen := map[pad]bool{}
	o.tap = func(p *player, n cell.Slot, parts [][]byte) {
		part := parts[0]
		h, _ := superpose.ParseUp(part[:superpose.Size])
		if h.Flags&superpose.Share == 0 {
			return
		}
		// The last reservation is empty nearly always: there the share is the pads.
		var x pad
		copy(x.share[:], part[superpose.Size-24:])
		if seen[x] {
			t.Errorf("player %d, slot %d: a share has the pads of another", p.seat, n)
		}
		seen[x] = true
	}
	p := o.players[5]
	for range 3 {
		p.cut = true
		o.run(1500)
		p.cut = false
		t.Logf("inside again after %d ms", o.until(20_000, "inside again", o.allInside))
	}
	p.gone = true
	o.set.Leave(p.seat)
	o.run(1000)
	p.gone = false
	o.join(p)
	t.Logf("inside with a new connection after %d ms", o.until(20_000, "inside again", o.allInside))
	if len(seen) < 1000 {
		t.Errorf("only %d shares were looked at", len(seen))
	}
}
