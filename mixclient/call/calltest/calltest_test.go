package calltest

import (
	"slices"
	"testing"

	"undertone/mixclient/call"
)

// elsewhere are outcomes that no move leads to, and the test that has them.
var elsewhere = map[call.Outcome]string{
	call.Lost: "a line is lost, which shows by itself; TestReconnectLooksTheSame (app/internal/demo)",
}

// The map has every state and every outcome that the machine has: whoever adds one
// has to add the move that leads to it, and with that it is in every test that goes
// by the map. It is the same whoever has the higher address.
func TestExploreFindsEverything(t *testing.T) {
	silent, telling := Explore(false, true), Explore(true, true)
	for _, m := range []Map{silent, telling} {
		other := Explore(m.tells, false)
		for i, p := range m.Paths {
			if i >= len(other.Paths) || !slices.Equal(p.Moves, other.Paths[i].Moves) || p.Ends != other.Paths[i].Ends {
				t.Errorf("%q to %v is another way if Ann's address is the higher", p, p.Ends)
				break
			}
		}
	}
	for _, s := range call.States() {
		if !silent.States[s] {
			t.Errorf("no move leads to %q", s)
		}
	}
	for _, o := range call.Outcomes() {
		switch found := silent.Outcomes[o] || telling.Outcomes[o]; {
		case !found && elsewhere[o] == "":
			t.Errorf("no move leads to the outcome %q", o)
		case found && elsewhere[o] != "":
			t.Errorf("there is a move that leads to the outcome %q; it is no exception any more", o)
		}
	}
	for _, o := range []call.Outcome{call.ToldBusy, call.ToldDeclined} {
		if silent.Outcomes[o] {
			t.Errorf("%q comes from somebody who does not tell", o)
		}
	}
	t.Logf("%d ways, %d if busy people tell", len(silent.Paths), len(telling.Paths))
	for _, p := range silent.Paths {
		t.Log(p, "->", p.Ends)
	}
}
