package smix

import (
	"undertone/transport/cell"
	"undertone/transport/superpose"
	"undertone/transport/trickle"
)

// A pair has keys when the elder has acked all of a cipher text, so an elder who
// acks too slowly lets others wait, as one who acks nothing does. He has a deadline,
// for all that was queued when the one before was met:
//
//	acked           goal        end
//	--+--------------+-----------+
//	  | has to come  | the next goal
//
// Each slot makes him late by a slot; each grain that he acks makes up for more
// slots than it takes to send. Who is late by too much is stuck. Something that is
// queued is acked after two deadlines at most, or he is.
type pace struct {
	goal  uint64
	acked uint64
	late  uint64 // in slots, times bulk
}

const (
	// bulk is how many grains a member gets in a slot who is outside; one who is
	// inside gets one.
	bulk = superpose.BulkSize / trickle.Grain
	// ease is how many times longer than without any loss everything may take.
	ease = 4
)

// press takes in what a member has acked up to slot n, in which something came from
// him: nobody waits for one who is silent.
func (s *Set) press(n cell.Slot, m *member) {
	p := &m.pace
	came := m.down.Acked() - p.acked
	p.acked += came
	if p.acked >= p.goal {
		p.goal, p.late = m.down.End(), 0
		return
	}
	worth, slot := uint64(ease), uint64(bulk)
	if s.epoch.Has(m.number) {
		worth *= bulk
		if s.planned {
			slot = 0 // News are where the grain would be.
		}
	}
	before := s.tooLate(m)
	p.late += slot
	p.late -= min(came*worth, p.late)
	if !before && s.tooLate(m) && !m.inside { // Who is inside falls out (epochs.go).
		m.strike(n, &s.times)
		m.banish(n, &s.times)
	}
}

func (s *Set) tooLate(m *member) bool { return m.pace.late > uint64(s.times.late)*bulk }

// stuck reports whether a member lets others wait.
func (s *Set) stuck(n cell.Slot, m *member) bool {
	return n > m.answered+s.times.stuck || s.tooLate(m)
}
