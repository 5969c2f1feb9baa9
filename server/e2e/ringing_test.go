package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"undertone/mixclient/call"
	mouth "undertone/mixclient/half"
	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
)

// A witness is a client's half that writes down every cell that was for him.
type witness struct {
	mouth.Half
	ear  mouth.Ear
	log  []string
	from cell.Slot  // when the log begins
	of   key.Handle // whom he rings
}

// Down passes on what it reads.
func (w *witness) Down(in []byte, ref cell.Slot, ear mouth.Ear) (mouth.Report, bool) {
	w.ear = ear
	return w.Half.Down(in, ref, w)
}

// Hear implements mouth.Ear.
func (w *witness) Hear(f *mouth.Found) {
	if f.Kind != cell.Cover {
		w.log = append(w.log, fmt.Sprintf("slot %d: kind %d, from the callee: %v", f.Slot-w.from, f.Kind, f.From == w.of))
	}
	w.ear.Hear(f)
}

// witnessed is a mode in which everybody writes down what is for him.
func witnessed(m mode, all map[key.Handle]*witness) mode {
	return mode{set: m.set, line: func(h key.Handle, link *key.Secret) (half.Member, mouth.Half) {
		member, own := m.line(h, link)
		all[h] = &witness{Half: own}
		return member, all[h]
	}}
}

// What b does while c rings him.
type doing uint8

const (
	sitting   doing = iota // nothing
	talking                // a talks with him
	beingRung              // a rings him, and he lets it ring
	declining              // he declines each time that he can
)

// ringing has c ring b again and again, some seconds each, and returns all that c
// hears and is told of.
func ringing(t *testing.T, m mode, b doing, tells bool) []string {
	t.Helper()
	witnesses := map[key.Handle]*witness{}
	d := newDuet(t, witnessed(m, witnesses), 3)
	caller, callee, attacker := d.users[0], d.users[1], d.users[2]
	d.befriend(caller, callee)
	d.befriend(attacker, callee)
	for range 10 {
		d.step() // Everybody learns who is there.
	}
	callee.core.Call().TellBusy = tells
	start := d.slot + 200
	switch b {
	case talking:
		d.bring(call.Talking)
	case beingRung:
		d.bring(call.Ringing)
	case sitting, declining:
	}
	for d.slot < start {
		d.step()
	}
	w := witnesses[attacker.handle()]
	w.log, w.from, w.of, attacker.events = nil, d.slot, callee.handle(), nil
	gap := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // a test
	for range 4 {
		d.dial(attacker, callee)
		for range 50 + gap.IntN(50) {
			d.step()
			if b == beingRung && d.state(0) == call.Idle {
				d.dial(caller, callee) // His ring time is over.
			}
			if b == declining && d.state(1) == call.Ringing {
				if err := callee.core.Call().Reject(d.slot); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = attacker.core.Call().Hangup(d.slot) // He may have been told, and be done.
		for range 15 + gap.IntN(20) {
			d.step()
		}
	}
	for _, e := range attacker.events {
		w.log = append(w.log, fmt.Sprintf("slot %d: event %d, %d, %s", e.Call.Slot-w.from, e.Kind, e.Call.Kind, e.Call.Outcome))
	}
	return w.log
}

func (d *duet) dial(from, to *user) {
	d.t.Helper()
	if err := from.core.Call().Dial(d.slot, from.core.Contact(to.handle())); err != nil {
		d.t.Fatal(err)
	}
}

// Callers as attackers: a contact who rings again and again hears the same, cell by
// cell and slot by slot, whether the callee sits there, talks with somebody else, is
// rung by somebody else, or declines. Only if the callee chose to tell does he learn it.
func TestWhoRingsLearnsNothing(t *testing.T) {
	for name, m := range map[string]mode{"tmix": trusted, "bmix": broadcast} {
		t.Run(name, func(t *testing.T) {
			idle := ringing(t, m, sitting, false)
			if len(idle) == 0 {
				t.Fatal("nothing was written down")
			}
			for what, b := range map[string]doing{"talks": talking, "is rung": beingRung, "declines": declining} {
				if got := ringing(t, m, b, false); !slices.Equal(got, idle) {
					t.Errorf("a callee who %s shows:\n%q, against\n%q", what, got, idle)
				}
				if got := ringing(t, m, b, true); slices.Equal(got, idle) {
					t.Errorf("that a callee %s does not show even if he tells", what)
				}
			}
		})
	}
}
