package smix

import (
	"testing"

	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/superpose"
)

// Equivocation, in a call of two and in a group: who was told the same is not
// alarmed, and who was told another map in one slot is, a second later.
func TestEquivocation(t *testing.T) {
	for _, group := range []bool{false, true} {
		for _, lie := range []bool{false, true} {
			r := newRig(t, identities(t, 3), 8)
			if group {
				r.group()
			}
			r.begin(false)
			r.step(nil, quiet)
			a, b := r.players[0], r.players[1]
			long := 0 // the channel whose lease lasts longest
			for c := range 8 {
				if a.leases.calendar.End(c, r.slot+1) > a.leases.calendar.End(long, r.slot+1) {
					long = c
				}
			}
			r.won(a, long)
			say := func(p *player) *half.Say {
				if p != a {
					return &half.Say{}
				}
				s := &half.Say{Kind: cell.Stream, To: b.self, Group: group}
				return s
			}
			for i := range 60 {
				if i == 10 && lie {
					e := b.epochs.at(r.slot + 1)
					b.Down(r.mapOf(r.slot+1, e, map[int]superpose.Name{(long + 1) % 8: {1}}, nil, superpose.Complete), r.slot+1, b)
				}
				r.step(nil, say)
			}
			if heard := len(r.hear(b)); heard < 50 {
				t.Fatalf("b heard %d cells", heard)
			}
			if b.judge.shown[half.Equivocation] != lie {
				t.Errorf("group %v, lie %v: alarm is %v", group, lie, b.judge.shown[half.Equivocation])
			}
			if a.judge.shown[half.Equivocation] || len(b.Alarms()) > 0 {
				t.Error("an alarm of who was told nothing, or one that is shown at once")
			}
		}
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
		p.Keys(&half.Keyring{Peers: r.peers(i), Groups: []half.Group{g}}, 0)
	}
}
