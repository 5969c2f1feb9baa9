package smix

import (
	"undertone/transport/cell"
	"undertone/transport/key"
)

// A record is how often somebody fell out. It is kept for a while when he goes, or
// whoever falls out would do well to come anew at once: each time costs the others
// all leases, and the exchange of keys.
type record struct {
	strikes int
	struck  cell.Slot // when that happened last
	outside cell.Slot // he is not introduced, and does not enter, before
}

// strike has a member who fell out stay outside: not at all the first time, and
// longer each time after that, until it has been well for some minutes.
func (m *member) strike(n cell.Slot, t *times) {
	if n > m.struck+t.forgive {
		m.strikes = 0
	}
	if m.strikes > 0 {
		m.outside = max(m.outside, n+t.retry<<min(m.strikes-1, longest))
	}
	m.strikes++
	m.struck, m.missed, m.debt, m.fallen = n, 0, 0, true
}

// longest is how many times the time outside may double.
const longest = 6

// banish has a member stay outside for as long as one may have to.
func (m *member) banish(n cell.Slot, t *times) { m.outside = n + t.retry<<longest }

// keep remembers the record of a member who goes. That is a strike, if he had none
// for the same fall, and was introduced.
func (s *Set) keep(m *member) {
	if m.order > 0 && !m.fallen {
		m.strike(s.slot, &s.times)
	}
	if m.dead {
		m.banish(s.slot, &s.times)
	}
	if m.strikes > 0 {
		s.past[m.handle] = m.record
	}
	if len(s.past) > records*s.cfg.Seats {
		s.forget()
	}
}

// records is for how many that are gone there is a record, for each seat.
const records = 4

// forget drops the records that are forgiven, or the oldest.
func (s *Set) forget() {
	var oldest key.Handle
	first := s.slot + 1
	for h, r := range s.past {
		if s.slot > r.struck+s.times.forgive {
			delete(s.past, h)
		} else if r.struck < first {
			oldest, first = h, r.struck
		}
	}
	if len(s.past) > records*s.cfg.Seats {
		delete(s.past, oldest)
	}
}

// recall returns what is remembered of somebody who comes.
func (s *Set) recall(h key.Handle) record {
	r := s.past[h]
	delete(s.past, h)
	return r
}
