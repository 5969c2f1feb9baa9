package e2e

import (
	"bytes"
	"slices"
	"testing"
	"testing/cryptotest"

	"undertone/transport/cell"
	"undertone/transport/superpose"
)

// A hearing is what the server of an sMIX, and every member, has of a set: the
// share of each member in every slot, and what came out of each channel while it
// was in use.
type hearing struct{ shares, channels *view }

// listen is a set with so many calls, of two each, heard by the server.
func listen(t *testing.T, calls int) *hearing {
	t.Helper()
	cryptotest.SetGlobalRandom(t, 11)
	const members, channels = 6, 8
	o := newOrchestra(t, members, channels, 20, 0)
	h := &hearing{
		shares:   &view{users: make([][][]byte, members), stride: 8},
		channels: &view{users: make([][][]byte, 1)},
	}
	for _, p := range o.players {
		a := p.handle()
		h.shares.known = append(h.shares.known, a[:])
		h.channels.known = append(h.channels.known, a[:])
	}
	o.joinAll()
	o.until(20_000, "everybody in one epoch", func() bool {
		return !slices.ContainsFunc(o.players, func(p *player) bool { return p.half.Status().Members != members })
	})
	for i := range calls {
		o.players[2*i].talksTo, o.players[2*i+1].talksTo = o.players[2*i+1], o.players[2*i]
	}
	o.run(5000)
	o.tap = func(p *player, _ cell.Slot, parts [][]byte) {
		if !bytes.Equal(superpose.Body(parts[0]), superpose.Body(parts[1])) {
			t.Error("the second copy is another share")
		}
		h.shares.users[p.seat] = append(h.shares.users[p.seat], bytes.Clone(superpose.Body(parts[0])))
	}
	from := o.slot
	o.run(300 * o.interval.Milliseconds())
	for n := from; n < o.slot; n++ {
		body := o.sums[n]
		for c := range channels {
			if body == nil {
				continue
			}
			if out := superpose.Channel(body, c); !slices.Equal(out, make([]byte, len(out))) {
				h.channels.users[0] = append(h.channels.users[0], out)
			}
		}
	}
	for i := range calls {
		if n := len(o.players[2*i].heard); n < 200 {
			t.Fatalf("call %d: %d slots with voice were heard", i, n)
		}
	}
	for i := range h.shares.users {
		h.shares.users[i] = h.shares.users[i][:250] // As many of everybody.
	}
	return h
}

// Blindness of the sMIX: shares look random and unrelated, with calls and without,
// and so does whatever comes out of a channel that is in use. Who holds it, and
// whether he talks, does not show in any byte.
func TestSMIXServerIsBlind(t *testing.T) {
	with, without := listen(t, 2), listen(t, 0)
	for name, v := range map[string]*view{
		"shares with two calls": with.shares, "shares without a call": without.shares,
		"channels with two calls": with.channels, "channels without a call": without.channels,
	} {
		if s := v.suspicions(); len(s) > 0 {
			t.Errorf("%s: %d suspicions: %v", name, len(s), s[:min(len(s), 5)])
		}
	}
	for _, s := range append(compare(with.shares, without.shares), compare(with.channels, without.channels)...) {
		t.Error(s)
	}
	t.Logf("%d members, %d shares of each, %d cells in channels with calls and %d without: nothing found",
		len(with.shares.users), len(with.shares.users[0]), len(with.channels.users[0]), len(without.channels.users[0]))
	catches(t, func() *view { return with.shares.clone() }, []int{0, 1})
}
