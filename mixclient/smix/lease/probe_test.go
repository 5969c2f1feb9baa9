package lease

import (
	"testing"

	"undertone/transport/cell"
)

// vanish takes a member away: some slots are not complete, then all leases lapse.
func (w *world) vanish(i int) {
	w.persons[i].away = true
	usual := w.loss
	w.loss = 1
	w.run(6) // Two to notice it, four to announce it.
	w.loss = usual
	w.lapse()
}

// probed runs a set with one call, whose first member is number 0, and returns
// whom to probe.
func probed(label bool, seed uint64) (*world, int) {
	w := newWorld(usual, seed)
	w.persons[0].wants, w.persons[1].wants = true, true
	w.run(w.slots(15_000) + cell.Slot(w.rand.Uint64N(1000)))
	if label {
		return w, 0
	}
	return w, 2 + w.rand.IntN(w.members-2)
}

// counts are the tokens in each of some slots.
func counts(w *world, a cell.Slot, slots int) []float64 {
	var out []float64
	for k := range slots {
		f := w.at(a + cell.Slot(k))
		out = append(out, float64(f.valid), float64(f.collided))
	}
	return out
}

// dropped is what is seen when a member is made to vanish.
func dropped(label bool, seed uint64) []float64 {
	w, i := probed(label, seed)
	longer := w.cal.Longer(w.now-1, w.at(w.now - 1).ends[:w.channels])
	w.vanish(i)
	a := w.now
	w.run(w.slots(5000))
	out := append(counts(w, a, 20), float64(longer))
	out = append(out, float64(w.cal.Longer(a+20, w.at(a + 20).ends[:w.channels])))
	return append(out, features(w, a, w.now)...)
}

// rejoined is what is seen when a member comes back.
func rejoined(label bool, seed uint64) []float64 {
	w, i := probed(label, seed)
	w.vanish(i)
	w.run(w.slots(5000))
	w.persons[i].away = false
	a := w.now
	w.run(w.slots(4000))
	return append(counts(w, a, 20), features(w, a, w.now)...)
}

// corrupted is what is seen when all channels are falsified towards one member,
// and he gives up what is his: what the client must not do.
func corrupted(label bool, seed uint64) []float64 {
	w, i := probed(label, seed)
	gone := 0.0
	for _, l := range w.persons[i].leases {
		for c, e := range w.at(w.now - 1).ends {
			if l.End > w.now && e == l.End {
				w.facts[len(w.facts)-1].ends[c] = 0
				gone++
			}
		}
	}
	w.persons[i].leases = nil
	a := w.now
	w.run(w.slots(3000))
	return append(features(w, a, w.now), gone)
}

// A server that drops or readmits a member, to see whether he was in a
// call, sees at most what the package comment states.
func TestProbesTellLittleOfAMember(t *testing.T) {
	for _, p := range []struct {
		name     string
		look     func(bool, uint64) []float64
		min, max float64
	}{
		{"dropped", dropped, 0, 0.85},
		{"comes back", rejoined, 0, 0.75},
		{"control: disturbed, and gives up", corrupted, 0.75, 1},
	} {
		a := ask(max(*windows, 40), p.look)
		t.Logf("%-32s        %.2f (%.2f to %.2f)", p.name, a.auc, a.low, a.high)
		if a.low > p.max || a.high < p.min {
			t.Errorf("%s: area %.3f (%.3f to %.3f), want %.2f to %.2f", p.name, a.auc, a.low, a.high, p.min, p.max)
		}
	}
}
