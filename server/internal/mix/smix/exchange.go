package smix

import (
	"slices"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/superpose"
)

// usher introduces those whose turn it is. A member of an epoch hears of a newcomer
// in small chunks, which takes a second and more; so there are only so many at a
// time, who then enter together, or the last would hold up the first.
func (s *Set) usher(n cell.Slot) {
	room := len(s.lobby)
	if len(s.newest().Members) >= least {
		room = superpose.MaxChanges
		for _, m := range s.ranks {
			if !m.inside && s.expected(n, m) {
				room--
			}
		}
	}
	s.lobby = slices.DeleteFunc(s.lobby, func(m *member) bool {
		turn := room > 0 && n >= m.outside
		if turn {
			s.introduce(n, m)
			room--
		}
		return turn
	})
}

// waiting returns how many wait for their turn who may be introduced.
func (s *Set) waiting(n cell.Slot) (count int) {
	for _, m := range s.lobby {
		if n >= m.outside {
			count++
		}
	}
	return count
}

// expected reports whether a member who is outside is worth waiting for.
func (s *Set) expected(n cell.Slot, m *member) bool {
	return !m.dead && !m.leaving && !s.stuck(n, m) && n < m.joined+s.times.patience
}

// introduce tells a newcomer who is there.
func (s *Set) introduce(n cell.Slot, m *member) {
	s.joins++
	m.order, m.joined, m.answered, s.quiet = s.joins, n, n, n
	m.queue(superpose.FrameItem(superpose.Welcome, m.number))
	for _, o := range s.ranks {
		m.queue(o.elder)
		m.links[o.seat] = link{stage: asked}
	}
	s.ranks = append(s.ranks, m)
}

// read takes in what everybody's upload says besides its share.
func (s *Set) read(n cell.Slot, in []half.In) {
	for i, m := range s.seats {
		if m == nil {
			continue
		}
		s.early[i] = in[i].Early
		if in[i].Present {
			s.busy = m
			s.readOne(n, m, in[i].Batch)
			s.busy = nil
			s.press(n, m)
		} else {
			m.present = 0
		}
	}
}

// readOne takes in the first message of a member: the others have nothing but
// shares.
func (s *Set) readOne(n cell.Slot, m *member, batch []byte) {
	if len(batch) != s.messages*superpose.Size {
		s.refused++
		return
	}
	first := batch[:superpose.Size]
	h, ok := superpose.ParseUp(first)
	if !ok || h.K != 0 || cell.Extend(n, h.Slot) != n {
		s.refused++
		return
	}
	m.present++
	m.leaving = h.Flags&superpose.Leaving != 0
	if seen := cell.Extend(n, h.Seen); h.Seen != 0 && seen <= n {
		m.seen.note(n - seen)
	}
	before := m.down.Acked()
	m.down.Ack(h.Ack)
	if after := m.down.Acked(); after != before || after == m.down.End() {
		m.answered = n
	}
	chunk := superpose.UpChunk(first)
	if h.Flags&superpose.UpBulk != 0 {
		chunk = superpose.Body(first)
	}
	m.up.Put(h.Grain, h.Count, chunk)
	for item, ok := m.up.Next(); ok; item, ok = m.up.Next() {
		s.item(m, item)
	}
	m.dead = m.dead || m.up.Broken()
}

// item takes in an item of a member. The only kind is a cipher text for an elder,
// one for each.
func (s *Set) item(m *member, b []byte) {
	i, ok := superpose.ParseItem(b)
	if !ok || i.Kind != superpose.Cipher {
		s.refused++
		return
	}
	elder := s.number[i.Number]
	if elder == nil || elder == m || m.links[elder.seat].stage != asked {
		return // He may have left meanwhile.
	}
	elder.queue(superpose.FrameItem(superpose.Newcomer, m.number, m.keys.Short(), i.Cipher))
	m.links[elder.seat] = link{forwarded, elder.down.End()}
}

// linked reports whether two members share a secret.
func linked(a, b *member) bool {
	if a.order < b.order {
		a, b = b, a
	}
	l := &a.links[b.seat]
	return l.stage == forwarded && b.down.Acked() >= l.mark
}
