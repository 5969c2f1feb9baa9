package smix

import (
	"testing"

	"undertone/transport/cell"
	"undertone/transport/superpose"
	"undertone/transport/trickle"
)

// hears reports whether what waits for a seat tells of an epoch without members
// that is later than the given one. Nothing was acked before.
func (r *rig) hears(seat int, than *superpose.Epoch) bool {
	var in trickle.Receiver
	b := make([]byte, superpose.BulkSize)
	for slot := range cell.Slot(50) {
		grain, count := r.seats[seat].down.Chunk(b, slot)
		in.Put(grain, count, b)
	}
	for item, ok := in.Next(); ok; item, ok = in.Next() {
		var e superpose.Epoch
		if i, ok := superpose.ParseItem(item); ok && i.Kind == superpose.Entry {
			_, ok = e.ParseList(i.List)
			return ok && len(e.Members) == 0 && e.Counter > than.Counter && e.Start > than.Start
		}
	}
	return false
}

// When a set assembles anew, and after a fault, all who were inside are told that
// they are not, however many they are.
func TestAllAreToldThatNobodyIsInside(t *testing.T) {
	for name, end := range map[string]func(r *rig){
		"anew":  func(r *rig) { r.dissolve(r.Set.slot) },
		"fault": func(r *rig) { r.Recover(r.Set.slot, r.in) },
		"fault before another epoch": func(r *rig) {
			r.draft(r.Set.slot, 1, true)
			r.announce()
			r.Recover(r.Set.slot, r.in)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 12, 8)
			r.everybody()
			r.step()
			for _, m := range r.seats {
				m.down, m.pace = trickle.Sender{}, pace{}
			}
			before := r.epoch.Epoch
			end(r)
			for i := range r.seats {
				if r.seats[i].inside || !r.hears(i, &before) {
					t.Fatalf("member %d is not told", i)
				}
			}
			for range 400 {
				r.everybody()
				r.step()
			}
			if len(r.epoch.Members) != 12 {
				t.Errorf("%d members are inside in the end", len(r.epoch.Members))
			}
		})
	}
}
