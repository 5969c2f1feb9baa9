package smix

import (
	mathrand "math/rand/v2"
	"strings"
	"testing"

	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/superpose"
	"undertone/transport/superpose/calendar"
)

// asks reports whether a batch asks to be left out.
func (b batch) asks() bool {
	h, _ := superpose.ParseUp(b.bytes[:superpose.Size])
	return h.Flags&superpose.Leaving != 0
}

// When a member asks to be left out does not depend on whether he holds a channel,
// or the longest lease that there can be: who sees that one ends with him knows whose
// it was. He reserves nothing more, and holds nothing when he asks.
func TestWhenALeaverAsksTellsNothingOfLeases(t *testing.T) {
	ids := identities(t, 4)
	after := map[string]cell.Slot{}
	for _, holds := range []string{"nothing", "a channel", "a token"} {
		r := newRig(t, ids, 8)
		p := r.players[0]
		r.slot = p.leases.calendar.Over(r.slot) - 1
		r.enter(false, r.all()...)
		r.alone(&half.Say{}, nil)
		_, names := r.ask(p)
		switch holds {
		case "nothing":
			clear(p.leases.pending[:])
			names = nil
		case "a channel":
			r.alone(&half.Say{}, names)
		}
		for r.slot%10 != 8 {
			r.alone(&half.Say{}, nil)
		}
		p.random = mathrand.New(mathrand.NewChaCha8([32]byte{5})) //nolint:gosec // a test
		p.Wants(true)
		bound := p.Leave()
		left, last := r.slot, r.slot
		for p.Leave(); !p.cover[r.slot+1].asks(); {
			got := r.alone(&half.Say{}, names)
			if strings.Contains(got, "token") {
				t.Errorf("%s: a leaver reserves: %q", holds, got)
			}
			if strings.Contains(got, "channel") {
				last = r.slot
			}
			if r.slot > left+200 {
				t.Fatalf("%s: he never asks", holds)
			}
		}
		if (last > left) == (holds == "nothing") {
			t.Errorf("%s: his last channel was seen %d slots after", holds, last-left)
		}
		after[holds] = r.slot - left
		frame := calendar.FrameSlots(cell.Interval40)
		if n := after[holds]; n < 9*frame || n > 10*frame || bound < n {
			t.Errorf("%s: he asks after %d slots", holds, n)
		}
		for range 20 {
			if got := r.alone(&half.Say{}, nil); got != "" {
				t.Errorf("%s: he holds %q when he asks", holds, got)
			}
		}
	}
	if after["nothing"] != after["a channel"] || after["nothing"] != after["a token"] {
		t.Errorf("slots until he asks: %v", after)
	}
}
