package smix

import (
	"testing"

	"undertone/transport/cell"
	"undertone/transport/superpose"
)

// ack has the upload of a seat say that so many grains have come.
func (r *rig) ack(seat int, acked uint64) {
	b := r.uploads[seat][:superpose.Size]
	h, _ := superpose.ParseUp(b)
	h.Ack = uint16(acked) //nolint:gosec // the low bits are meant
	h.PutUp(b)
}

// agree has a newcomer's cipher text be on its way to an elder.
func (r *rig) agree(elder, newcomer int) {
	o, m := r.seats[elder], r.seats[newcomer]
	o.queue(superpose.FrameItem(superpose.Newcomer, m.number, m.keys.Short(), make([]byte, superpose.CipherSize)))
	m.links[elder] = link{forwarded, o.down.End()}
}

// outside has nobody be in an epoch.
func (r *rig) outside() {
	r.plans[0] = epoch{Epoch: superpose.Epoch{Counter: 1, Start: r.slot}}
	r.begin(&r.plans[0])
	for _, m := range r.seats {
		m.inside = false
	}
}

// A member who acks a grain now and then is not waited for: not by a first epoch,
// and not by newcomers when he is inside.
func TestASlowElderIsNotWaitedFor(t *testing.T) {
	for name, inside := range map[string]bool{"outside": false, "inside": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 5, 8)
			r.outside()
			first := 1
			if inside {
				first = 4
				e := &r.plans[0]
				for _, m := range r.seats[:4] {
					e.Members = append(e.Members, m.number)
					m.inside = true
				}
				r.begin(e)
			}
			slow := r.seats[0]
			for newcomer := first; newcomer < 5; newcomer++ {
				r.agree(0, newcomer)
			}
			acked := slow.down.Acked()
			for slots := 0; !r.seats[4].inside; slots++ {
				if slots > 40*25 {
					t.Fatal("nobody is inside after 40 s")
				}
				if slots%100 == 0 {
					acked++
				}
				r.everybody()
				r.ack(0, acked)
				r.step()
			}
			if slow.inside || slow.strikes == 0 || slow.outside < r.slot {
				t.Errorf("the slow one: %+v", slow.pace)
			}
		})
	}
}

// An honest member has a grain in a slot while four newcomers come, again and again,
// over a line that loses half, at ten slots a second: he is never left out.
func TestAMemberWithOneGrainASlotIsNotStuck(t *testing.T) {
	for _, i := range cell.Intervals() {
		r := newRig(t, 5, 8)
		r.times = newTimes(i)
		m := r.seats[0]
		acked := m.down.Acked()
		for slots := range 3000 {
			if slots%200 == 0 && m.down.End()-acked < 400 {
				for range 4 {
					r.agree(0, 4)
				}
			}
			if slots%2 == 0 && slots%200 > 20 && acked < m.down.End() {
				acked++
			}
			r.everybody()
			r.ack(0, acked)
			r.step()
			if !m.inside || m.strikes > 0 {
				t.Fatalf("%v: he fell out after %d slots, late by %d", i, slots, m.pace.late/bulk)
			}
		}
	}
}
