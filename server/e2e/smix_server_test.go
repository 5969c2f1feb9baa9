package e2e

import (
	"testing"

	"undertone/transport/cell"
	"undertone/transport/superpose"
)

// When a crowd comes, all leave the epoch and assemble anew with them. Those who
// were inside know soon that they are not, or they would go on uploading shares that
// nobody adds up, with little room for what they have to answer.
func TestSMIXACrowdComes(t *testing.T) {
	const few, all = 6, 20
	o := newOrchestra(t, all, 8, 50, 0)
	for _, p := range o.players[:few] {
		o.join(p)
	}
	inside := map[*player]bool{}
	o.tap = func(p *player, _ cell.Slot, parts [][]byte) {
		h, _ := superpose.ParseUp(parts[0][:superpose.Size])
		inside[p] = h.Flags&superpose.Share != 0
	}
	count := func(players []*player) (shares int) {
		for _, p := range players {
			if inside[p] {
				shares++
			}
		}
		return shares
	}
	old := o.players[:few]
	o.until(30_000, "assembled", func() bool { return count(old) == few })
	o.run(2000)
	for _, p := range o.players[few:] {
		o.join(p)
	}
	o.until(1500, "told", func() bool { return count(old) == 0 })
	o.until(10_000, "assembled anew", func() bool { return count(o.players) == all })
}
