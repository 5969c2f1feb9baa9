package lease

import (
	"math/rand/v2"
	"testing"

	"undertone/transport/cell"
)

func TestSlotAllocatesNothing(t *testing.T) {
	p := New(cell.Interval40, rand.New(rand.NewPCG(1, 2)))
	v := View{Slot: 1000, Channels: 8, Occupied: 5, Members: 20, Ends: make([]cell.Slot, 8)}
	mine := []Lease{{Begin: 900, End: 1010}}
	if n := testing.AllocsPerRun(1000, func() { p.Slot(v, true, mine); v.Slot++ }); n != 0 {
		t.Errorf("a slot allocates %v times", n)
	}
}

// Who lost his lease in a lapse reserves in the first slot of the opening.
func TestOpeningBringsHoldersBack(t *testing.T) {
	p := New(cell.Interval40, rand.New(rand.NewPCG(1, 2)))
	v := View{Slot: 1000, Channels: 8, Occupied: 8, Members: 20}
	if got := p.Slot(v, false, []Lease{{Begin: 950, End: 1100}}); got != 0 {
		t.Fatalf("placed %d tokens in the middle of a lease", got)
	}
	v = View{Slot: 1001, Channels: 8, Members: 20, Opening: true}
	if got := p.Slot(v, false, nil); got != 1 {
		t.Errorf("placed %d tokens in the opening, want 1", got)
	}
}
