package smix

import (
	"testing"

	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/superpose"
)

// Equivocation, in a call of two and in a group: who was told another map in three
// slots of a minute is alarmed, later, and nobody is whose maps differed less often.
func TestEquivocation(t *testing.T) {
	for _, group := range []bool{false, true} {
		for _, lies := range []int{0, often - 1, often} {
			r := newRig(t, identities(t, 3), 8)
			if group {
				r.group()
			}
			r.begin(false)
			r.step(nil, quiet)
			a, b := r.players[0], r.players[1]
			long := r.longest()
			r.won(a, long)
			for i := range 60 {
				if i >= 10 && i < 10+lies {
					e := b.epochs.at(r.slot + 1)
					b.Down(r.mapOf(r.slot+1, e, map[int]superpose.Name{(long + 1) % 8: {1}}, nil, superpose.Complete), r.slot+1, b)
				}
				r.step(nil, to(a, b, group))
			}
			if heard := len(r.hear(b)); heard < 50 {
				t.Fatalf("b heard %d cells", heard)
			}
			if b.judge.shown[half.Equivocation] != (lies == often) {
				t.Errorf("group %v, %d lies: alarm is %v", group, lies, b.judge.shown[half.Equivocation])
			}
			if a.judge.shown[half.Equivocation] || len(b.Alarms()) > 0 {
				t.Error("an alarm of who was told nothing, or one that is shown at once")
			}
		}
	}
}

// Any member can flip bits of what others say of slots received. Where he disturbs
// the channel of who compares as well, or does so less than three times a minute,
// it makes no alarm of equivocation.
func TestFlippedDigests(t *testing.T) {
	for _, x := range []struct {
		flips    int
		disturbs bool
		alarm    bool
	}{{often - 1, false, false}, {often, false, true}, {3 * often, true, false}} {
		r := newRig(t, identities(t, 3), 8)
		r.begin(false)
		r.step(nil, quiet)
		a, b := r.players[0], r.players[1]
		ofA := r.longest()
		r.won(a, ofA)
		ofB := r.longest()
		if ofB == ofA {
			ofB = (ofA + 7) % 8
		}
		r.won(b, ofB)
		for i := range 50 {
			r.jam = func(sum []byte) {
				if i < 28 || i >= 28+x.flips {
					return
				}
				superpose.Channel(sum, ofA)[cell.Size-extraSize] ^= 1
				if x.disturbs {
					superpose.Channel(sum, ofB)[0] ^= 1
				}
			}
			r.step(nil, to(a, b, false))
		}
		if got := b.judge.shown[half.Equivocation]; got != x.alarm || b.judge.shown[half.Disruption] != x.disturbs {
			t.Errorf("%+v: alarms %v", x, b.judge.shown)
		}
	}
}

// longest returns the channel whose lease lasts longest if it is won in the next slot.
func (r *rig) longest() (long int) {
	x := r.players[0].leases.calendar
	for c := range 8 {
		if x.End(c, r.slot+1) > x.End(long, r.slot+1) {
			long = c
		}
	}
	return long
}

// to has a player say something to another, and nobody else say anything.
func to(a, b *player, group bool) func(*player) *half.Say {
	return func(p *player) *half.Say {
		if p != a {
			return &half.Say{}
		}
		return &half.Say{Kind: cell.Stream, To: b.self, Group: group}
	}
}

// group puts all into a group call.
func (r *rig) group() {
	var secret key.Secret
	secret.Bytes()[0] = 9
	g := half.Group{Secret: &secret}
	for i, p := range r.players {
		g.Members[i] = p.self
	}
	for i, p := range r.players {
		g.Place = i
		p.Keys(&half.Keyring{Peers: r.peers(i), Groups: []half.Group{g}})
	}
}
