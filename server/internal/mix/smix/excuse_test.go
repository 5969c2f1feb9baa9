package smix

import (
	"testing"

	"undertone/transport/cell"
	"undertone/transport/superpose"
)

// backward has a member upload no share of an epoch, and say that the last slot he
// heard is long past.
func (r *rig) backward(seat int) {
	n := r.slot + 1
	b := r.upload(seat, 999)
	h := superpose.Head{
		Slot: n.Low(), Flags: superpose.Share, Epoch: 999, Seen: (n - 30_000).Low(),
		Ack: uint16(r.seats[seat].down.End()),
	}
	h.PutUp(b[:superpose.Size])
}

// How far behind a member is, is his word: it excuses him for the longest lead, and
// makes nobody else's longer than that.
func TestAMemberWhoSaysThatHeIsFarBehind(t *testing.T) {
	r := newRig(t, 4, 8)
	slots := cell.Slot(0)
	for ; r.seats[3].inside; slots++ {
		if slots > r.times.most+slack+r.times.vanish {
			t.Fatalf("he is still inside after %d slots", slots)
		}
		r.everybody()
		r.backward(3)
		r.step()
	}
	if lead := r.plans[1].Start - r.slot; lead > r.times.most+slack {
		t.Errorf("the epoch without him is announced %d slots ahead", lead)
	}
	// He comes back, and falls out again: for longer each time.
	complete := 0
	const minutes = 3
	for range minutes * 1500 {
		r.everybody()
		r.backward(3)
		r.step()
		if r.flags&superpose.Complete != 0 {
			complete++
		}
	}
	if complete < minutes*1500*9/10 {
		t.Errorf("%d of %d slots were complete", complete, minutes*1500)
	}
}

// Somebody who has the epoch change all the time does not excuse another.
func TestExcusesAreADebt(t *testing.T) {
	r := newRig(t, 5, 8)
	for slots := 0; r.seats[3].inside; slots++ {
		if slots > 600 {
			t.Fatal("he is still inside")
		}
		r.everybody()
		r.backward(3)
		if !r.planned && r.slot >= r.epoch.Start {
			r.seats[4].leaving = !r.seats[4].leaving
		}
		b := r.uploads[4]
		if r.seats[4].leaving {
			b[3] |= superpose.Leaving
		}
		r.step()
	}
}
