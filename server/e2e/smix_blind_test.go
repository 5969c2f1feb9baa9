//go:build !race

package e2e

import (
	"bytes"
	"slices"
	"testing"
	"testing/cryptotest"

	"undertone/transport/cell"
	"undertone/transport/superpose"
)

// A hearing is what the server of an sMIX has of a set: the share of each member in
// every slot, with its head, and what came out of each channel while it was in
// use, which all members have.
type hearing struct {
	shares, channels *view
	heads            [][]byte // of every upload, in order
}

// listen is a set with so many calls, of two each, heard by the server. It tells the
// first member lies in every second slot, if there is one: how it changes what came out
// of a channel.
func listen(t *testing.T, calls int, lie func(channel []byte)) *hearing {
	t.Helper()
	cryptotest.SetGlobalRandom(t, 11)
	const members, channels = 12, 8 // More members than channels: hiding is not for nothing.
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
	o.run(5000) // Who joins has much to be told.
	o.tap = func(p *player, _ cell.Slot, parts [][]byte) {
		if !bytes.Equal(superpose.Body(parts[0]), superpose.Body(parts[1])) {
			t.Error("the second copy is another share")
		}
		for _, part := range parts {
			h.heads = append(h.heads, bytes.Clone(part[:len(part)-len(superpose.Body(part))]))
		}
		h.shares.users[p.seat] = append(h.shares.users[p.seat], bytes.Clone(superpose.Body(parts[0])))
	}
	if lie != nil {
		o.both = true
		o.rewrite = func(p *player, m []byte) {
			if p.seat != 0 || m[1]%2 != 0 {
				return
			}
			for c := range channels {
				lie(superpose.Channel(superpose.Body(m), c))
			}
		}
	}
	from := o.slot
	for k := range 330 {
		switch k {
		case 20: // They begin to talk, and at the end fall silent.
			o.converse(calls, true)
		case 310:
			o.converse(calls, false)
		}
		if o.run(o.interval.Milliseconds()); k%50 == 0 {
			// The tokens of a slot are what everybody sees of it.
			h.shares.held = append(h.shares.held, lengths(o.set, "tokens")...)
		}
	}
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
		if n := len(o.players[2*i].heard); n < 100 {
			t.Fatalf("call %d: %d slots with voice were heard", i, n)
		}
	}
	for i := range h.shares.users {
		h.shares.users[i] = h.shares.users[i][:300] // As many of everybody.
	}
	return h
}

// converse has the first players talk with each other by twos, or stop.
func (o *orchestra) converse(calls int, on bool) {
	for i := range calls {
		a, b := o.players[2*i], o.players[2*i+1]
		a.talksTo, b.talksTo = nil, nil
		if on {
			a.talksTo, b.talksTo = b, a
		}
	}
}

// Blindness of the sMIX: shares look random and unrelated, with calls and without,
// and so does whatever comes out of a channel that is in use; the heads of uploads
// are the same, byte by byte, and the server holds as much. (When channels are in
// use is another matter: package mixclient/smix/lease.)
func TestSMIXServerIsBlind(t *testing.T) {
	with, without := listen(t, 2, nil), listen(t, 0, nil)
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
	if !slices.EqualFunc(with.heads, without.heads, bytes.Equal) {
		t.Error("the heads of uploads are others with a call than without")
	}
	t.Logf("%d members, %d shares of each, %d cells in channels with calls and %d without: nothing found",
		len(with.shares.users), len(with.shares.users[0]), len(with.channels.users[0]), len(without.channels.users[0]))
	catches(t, func() *view { return with.shares.clone() }, []int{0, 1})
}

// A server that lies to a member in a call, and sees whether anything in his uploads
// answers to it, sees nothing: their heads stay the same, byte by byte, as when he is in
// no call and lied to. That their bodies are like random, the test above says.
func TestSMIXServerThatLiesLearnsNothing(t *testing.T) {
	for name, lie := range map[string]func([]byte){
		"blank": func(c []byte) { clear(c) },
		"garble": func(c []byte) {
			for i := range c {
				c[i] ^= 0xA5
			}
		},
	} {
		with, without := listen(t, 2, lie), listen(t, 0, lie)
		if len(with.heads) < 3000 || !slices.EqualFunc(with.heads, without.heads, bytes.Equal) {
			t.Errorf("%s: of %d heads of uploads some are others with a call than without", name, len(with.heads))
		}
	}
}
