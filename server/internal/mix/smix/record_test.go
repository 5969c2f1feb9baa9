package smix

import (
	"math/rand/v2"
	"testing"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/superpose"
)

// exchange has all who were introduced have keys.
func (r *rig) exchange() {
	for _, m := range r.ranks {
		for i := range m.links {
			if m.links[i].stage == asked {
				m.links[i] = link{stage: forwarded}
			}
		}
	}
}

// Somebody who connects anew as soon as he is inside, or as soon as he has been
// introduced, is kept outside for longer each time: the others have their epoch, and
// are told little.
func TestComingAnewIsNoWayBack(t *testing.T) {
	for name, goes := range map[string]func(m *member) bool{
		"once inside":     func(m *member) bool { return m.inside },
		"once introduced": func(m *member) bool { return m.order > 0 },
		"at odd times":    func(m *member) bool { return m.order > 0 || rand.IntN(4) == 0 }, //nolint:gosec // a test
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 4, 8)
			e := entrantOf(t, r.Set)
			r.Join(3, e)
			const slots = 5 * 60 * 25
			times, complete := 0, 0
			told := r.seats[0].down.End()
			for range slots {
				if goes(r.seats[3]) {
					if r.seats[3].order > 0 {
						times++
					}
					r.Join(3, e)
				}
				r.exchange()
				r.everybody()
				r.step()
				if r.flags&superpose.Complete != 0 {
					complete++
				}
			}
			if times < 3 || times > 16 {
				t.Errorf("he came anew %d times", times)
			}
			if complete < slots*98/100 {
				t.Errorf("%d of %d slots were complete", complete, slots)
			}
			if told = r.seats[0].down.End() - told; told > 100 {
				t.Errorf("the others were told %d grains", told)
			}
		})
	}
}

// Whoever comes back once, or after a long time, is inside soon.
func TestComingAnewIsForgiven(t *testing.T) {
	r := newRig(t, 4, 8)
	e := entrantOf(t, r.Set)
	r.Join(3, e)
	back := func() (slots cell.Slot) {
		for r.Join(3, e); !r.seats[3].inside; slots++ {
			if slots > 20_000 {
				t.Fatal("he is outside for good")
			}
			r.exchange()
			r.everybody()
			r.step()
		}
		return slots
	}
	soon := back()
	if again := back(); again > soon+5 {
		t.Errorf("he is inside after %d slots, and %d the second time", soon, again)
	}
	for range 4 {
		back()
	}
	if often := back(); often < soon+r.times.retry {
		t.Errorf("he is inside after %d slots, and %d when he comes often", soon, often)
	}
	for range r.times.forgive + 10 {
		r.everybody()
		r.step()
	}
	if later := back(); later > soon+5 {
		t.Errorf("he is inside after %d slots, and %d much later", soon, later)
	}
}

// What is remembered does not grow.
func TestRecordsAreFew(t *testing.T) {
	r := newRig(t, 3, 8)
	for i := range 100 {
		m := &member{handle: key.Handle{byte(i)}, order: 1}
		r.Set.slot++
		r.keep(m)
	}
	if len(r.past) > records*3 {
		t.Errorf("there are %d records", len(r.past))
	}
	if _, ok := r.past[key.Handle{99}]; !ok {
		t.Error("the newest was dropped")
	}
	r.Set.slot += r.times.forgive + 1
	for i := range 13 {
		r.keep(&member{handle: key.Handle{1, byte(i)}, order: 1})
	}
	if len(r.past) > records*3 {
		t.Errorf("there are %d records", len(r.past))
	}
}
