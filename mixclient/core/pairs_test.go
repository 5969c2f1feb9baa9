package core

import (
	"slices"
	"testing"

	"undertone/mixclient/call"
	"undertone/transport/cell"
)

// pairsIn has ann pair with bob, who is in a call with cyd or not, and returns the slots,
// after the first of it, in which bob says a letter.
func pairsIn(t *testing.T, inCall bool) (letters []int) {
	t.Helper()
	x := newExchange(t, "ann", "bob", "cyd")
	ann, bob, cyd := x.users[0], x.users[1], x.users[2]
	for i, u := range x.users {
		u.core.phase = cell.Slot(3 * i)
	}
	cyd.meet(bob)
	x.until(1200, "cyd paired with bob")
	x.run(70 * 25) // That pairing is quite over.
	if inCall {
		x.dial(cyd, bob)
		x.until(5, "bob: cyd rings")
		if err := bob.core.Call().Accept(x.slot); err != nil {
			t.Fatal(err)
		}
		x.until(8, "bob hears cyd")
	}
	x.run(int((25*10 - x.slot%(25*10)) % (25 * 10))) // A pairing begins at a full second.
	ann.meet(bob)
	bob.kinds = nil
	x.until(1200, "ann paired with bob")
	for i, k := range bob.kinds {
		if k == cell.Letter {
			letters = append(letters, i)
		}
	}
	if inCall && bob.core.Call().State() != call.Talking {
		t.Errorf("bob is %s", bob.core.Call().State())
	}
	return letters
}

// Whoever pairs with somebody hears the same letters in the same slots, whether that
// one is in a call or not.
func TestPairingTakesAsLongInACall(t *testing.T) {
	idle, busy := pairsIn(t, false), pairsIn(t, true)
	if len(idle) < 20 || !slices.Equal(idle, busy) {
		t.Errorf("letters in slots %v, in a call %v", idle, busy)
	}
}
