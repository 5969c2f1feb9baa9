package smix

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/superpose"

	"pgregory.net/rapid"
)

// Section 5.2: what comes down is the sum of all shares, the same for all members.
func TestTheSumOfAllShares(t *testing.T) {
	sets := map[int]*rig{} // by channels: they take long to make
	rapid.Check(t, func(t *rapid.T) {
		channels := rapid.IntRange(1, 32).Draw(t, "channels")
		r := sets[channels]
		if r == nil {
			r = newRig(t, 4, channels)
			sets[channels] = r
		}
		r.everybody()
		want := make([]cell.Cell, channels)
		for i := range 4 {
			for c := range channels {
				x := r.channel(i, c)
				for j := range x {
					x[j] = byte(rand.Uint32()) //nolint:gosec // a test
					want[c][j] ^= x[j]
				}
			}
		}
		r.step()
		for i := range 4 {
			for c := range channels {
				b, h := r.down(i, c/superpose.Cells)
				if h.Flags&superpose.Complete == 0 || h.Slot != r.slot.Low() || h.Feedback != 3 {
					t.Fatalf("head %+v", h)
				}
				if got := superpose.Channel(superpose.Body(b), c%superpose.Cells); !bytes.Equal(got, want[c][:]) {
					t.Fatalf("seat %d, channel %d: not the sum", i, c)
				}
			}
		}
	})
}

// Output at a fixed time: a slot with a share missing, of another epoch, or of
// another slot, is not complete, has no sum in it, and says which epoch it is.
func TestASlotThatIsNotComplete(t *testing.T) {
	for name, spoil := range map[string]func(r *rig){
		"missing":       func(r *rig) { r.in[1].Present = false },
		"another epoch": func(r *rig) { r.upload(1, 7) },
		"short":         func(r *rig) { r.in[1].Batch = r.in[1].Batch[:100] },
		"empty":         func(r *rig) { r.in[1].Batch = nil },
		"another slot":  func(r *rig) { r.uploads[1][0] ^= 1 },
		"no share":      func(r *rig) { r.uploads[1][3] = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 3, 8)
			r.everybody()
			r.step()
			r.everybody()
			copy(r.channel(0, 2), "what only the sum of all may show")
			spoil(r)
			r.step()
			b, h := r.down(0, 0)
			if h.Flags&superpose.Complete != 0 || h.Flags&superpose.Listed == 0 {
				t.Errorf("flags %b", h.Flags)
			}
			if bytes.Contains(b, []byte("only the sum")) {
				t.Error("a share is in what comes down")
			}
			var e superpose.Epoch
			if check, ok := e.ParseList(superpose.Body(b)); !ok || !bytes.Equal(check[:], r.newest().name[:8]) {
				t.Error("the epoch is not told")
			}
		})
	}
}

// Reservation: tokens win channels in their order, the sum of two wins nothing,
// the map tells all, and a lease ends when the calendar says.
func TestReservation(t *testing.T) {
	r := newRig(t, 4, 8)
	r.everybody()
	a, b := r.reserve(0, 1, 9), r.reserve(1, 5, 4)
	c, d := r.reserve(2, 7, 1), r.reserve(3, 7, 2)
	r.step()
	first, second := r.holder(a), r.holder(b)
	if first < 0 || second < 0 || first == second {
		t.Fatalf("two tokens won channels %d and %d", first, second)
	}
	if r.holder(c) >= 0 || r.holder(d) >= 0 {
		t.Error("a token won that met another")
	}
	m, _ := r.down(3, 0)
	e := r.epoch
	if name := a.Name(&e.name, r.slot); !bytes.Equal(superpose.Map(m)[3*first:3*first+3], name[:]) {
		t.Error("the map does not tell")
	}
	end := r.calendar.End(first, r.slot)
	for r.slot < end+1 {
		r.everybody()
		copy(r.channel(0, first), "a voice")
		if r.slot+1 >= end {
			clear(r.channel(0, first))
		}
		r.step()
		if held := r.channels[first].name != (superpose.Name{}); held != (r.slot < end) {
			t.Fatalf("slot %d of %d: held is %v", r.slot, end, held)
		}
	}
}

// A grant that is not begun in two seconds lapses; a channel in which something
// still is, is not given away.
func TestGrantsAreForThoseWhoBegin(t *testing.T) {
	r := newRig(t, 4, 8)
	r.everybody()
	a := r.reserve(0, 1, 9)
	r.step()
	c := r.holder(a)
	for range 52 {
		r.everybody()
		r.step()
	}
	if r.channels[c].name != (superpose.Name{}) {
		t.Error("a lease that was not begun goes on")
	}
	for range 20 {
		r.everybody()
		for c := range 8 {
			copy(r.channel(1, c), "somebody who holds nothing")
		}
		r.reserve(2, 3, byte(r.slot))
		r.step()
	}
	for c := range r.channels {
		if r.channels[c].name != (superpose.Name{}) {
			t.Errorf("channel %d was given away with something in it", c)
		}
	}
}

// Losing a member: two slots missing, and an epoch without him is announced, in
// which all leases lapse, and which opens with reservations: of several tokens of
// one member one wins one channel.
func TestAVanishedMemberLapsesAllLeases(t *testing.T) {
	r := newRig(t, 5, 8)
	r.everybody()
	a := r.reserve(0, 1, 9)
	r.step()
	if r.holder(a) < 0 {
		t.Fatal("no lease")
	}
	missed := 0
	for !r.planned {
		r.everybody()
		r.in[4].Present = false
		r.step()
		if missed++; missed > 2 {
			t.Fatal("nothing was announced after two slots")
		}
	}
	if r.plans[1].Has(r.seats[4].number) || !r.plans[1].Lapse || r.plans[1].Start > r.slot+8 {
		t.Fatalf("announced is %+v", r.plans[1].Epoch)
	}
	_, h := r.down(0, 0)
	if h.Flags&superpose.Told == 0 || h.Flags&superpose.Listed == 0 {
		t.Errorf("flags %b tell no news", h.Flags)
	}
	for r.slot+1 < r.plans[1].Start {
		r.everybody()
		r.in[4].Present = false
		r.step()
	}
	for i := range superpose.OpeningSlots {
		r.everybody()
		r.in[4].Present = false
		for place := range 3 {
			r.reserve(1, 10*place+i, 7)
		}
		r.step()
		if _, h := r.down(0, 0); h.Flags&superpose.Opening == 0 || h.Flags&superpose.Complete == 0 {
			t.Fatalf("flags %b are not of an opening", h.Flags)
		}
	}
	held := 0
	for c := range r.channels {
		if r.channels[c].name != (superpose.Name{}) {
			held++
		}
	}
	if held != 1 {
		t.Errorf("%d channels are held after one token was put into nine places", held)
	}
}

// A seat that is left is missing at once; its number is given to nobody else while
// an epoch has it.
func TestLeave(t *testing.T) {
	r := newRig(t, 4, 8)
	r.everybody()
	r.step()
	old := r.seats[2].number
	r.Leave(2)
	r.Leave(2)
	r.everybody()
	r.in[2] = half.In{}
	r.step()
	if !r.planned || r.plans[1].Has(old) {
		t.Fatal("nothing was announced")
	}
	r.last = old - 1
	r.Join(2, entrantOf(t, r.Set))
	if r.seats[2].number == old {
		t.Error("a number was given away that an epoch has")
	}
}

// Admission: only who signs for himself, for this server.
func TestAdmit(t *testing.T) {
	r := newRig(t, 2, 8)
	e := entrantOf(t, r.Set).(*entrant)
	if _, err := r.Admit(half.Member{Handle: key.Handle{1}, Record: e.full}); err == nil {
		t.Error("somebody else's record was admitted")
	}
	if _, err := r.Admit(half.Member{Handle: e.handle, Record: e.full[:50]}); err == nil {
		t.Error("half a record was admitted")
	}
	other, err := New(Config{Interval: cell.Interval40, Channels: 8, Seats: 2, Pin: [32]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Admit(half.Member{Handle: e.handle, Record: e.full}); err == nil {
		t.Error("a record for another server was admitted")
	}
	for _, c := range []Config{{Interval: cell.Interval40, Channels: 0, Seats: 2}, {Interval: cell.Interval40, Channels: 33, Seats: 2}, {Interval: cell.Interval40, Channels: 8}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v makes a set", c)
		}
	}
}

// A hostile member never stops the server, nor makes it grow: whatever he uploads,
// slots go on, the others keep their seats, and in the end there is an epoch
// without him or with him.
func TestHostileUploads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRig(t, 4, 8)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3)) //nolint:gosec // a test
		for range 200 {
			r.everybody()
			b := r.uploads[3]
			switch rng.IntN(6) {
			case 0:
				for i := range b {
					b[i] = byte(rng.Uint32())
				}
			case 1:
				for i := 3; i < 100; i++ {
					b[i] = byte(rng.Uint32())
				}
			case 2:
				r.in[3].Batch = b[:rng.IntN(len(b))]
			case 3:
				for i := 68; i < len(b); i++ {
					b[i] = byte(rng.Uint32())
				}
			case 4:
				r.in[3].Present = false
			}
			r.step()
			for i := range 4 {
				if b, h := r.down(i, 0); len(b) != superpose.Size || h.Slot != r.slot.Low() {
					t.Fatal("a member got no message of the slot")
				}
			}
		}
		for _, m := range r.seats {
			if m.down.End()-m.down.Acked() > 2*backlog {
				t.Error("a queue has grown")
			}
		}
		for _, n := range []int{0, 1, 2} {
			if !r.seats[n].inside {
				t.Errorf("the honest member %d is outside", n)
			}
		}
	})
}

// After a fault nobody is in an epoch, whoever caused it stays outside, and the
// others assemble again.
func TestRecover(t *testing.T) {
	r := newRig(t, 5, 8)
	r.everybody()
	r.step()
	r.busy = r.seats[3]
	r.slot++
	r.Recover(r.slot, r.in)
	if _, h := r.down(0, 0); h.Slot != r.slot.Low() || h.Flags&superpose.Bulk == 0 {
		t.Errorf("a fault has left %+v", h)
	}
	for range 400 {
		r.everybody()
		r.step()
	}
	if len(r.epoch.Members) != 4 || r.seats[3].inside {
		t.Errorf("%d members are inside, with who caused the fault: %v", len(r.epoch.Members), r.seats[3].inside)
	}
}

// Slots that do not rise change nothing.
func TestSlotsRise(t *testing.T) {
	r := newRig(t, 3, 8)
	r.everybody()
	r.step()
	before, _ := r.down(0, 0)
	r.Slot(r.slot, nil)
	r.Slot(r.slot-5, nil)
	if after, _ := r.down(0, 0); !bytes.Equal(before, after) {
		t.Error("a slot that has passed came again")
	}
}

// A member who lets every third slot be void is not missing two in a row, and has
// to go all the same.
func TestAMemberWhoIsOftenMissing(t *testing.T) {
	r := newRig(t, 4, 8)
	slots := 0
	for ; r.seats[3].inside; slots++ {
		if slots > 200 {
			t.Fatal("he is still inside")
		}
		r.everybody()
		r.in[3].Present = slots%3 != 0
		r.step()
	}
	t.Logf("out after %d slots", slots)
	// One in twenty is bad luck.
	r = newRig(t, 4, 8)
	for slots := range 2000 {
		r.everybody()
		r.in[3].Present = slots%20 != 0
		r.step()
		if !r.seats[3].inside {
			t.Fatalf("a member with little loss is out after %d slots", slots)
		}
	}
}
