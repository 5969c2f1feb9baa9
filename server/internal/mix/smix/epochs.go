package smix

import (
	"crypto/rand"
	"slices"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/superpose"
)

// least is how many members make an epoch.
const least = 2

// An epoch is one with its name.
type epoch struct {
	superpose.Epoch
	name seal.Epoch
}

// newest returns the epoch that was planned last.
func (s *Set) newest() *epoch {
	if s.planned {
		return &s.plans[1]
	}
	return &s.plans[0]
}

// turn begins the epoch that was announced for slot n.
func (s *Set) turn(n cell.Slot) {
	if !s.planned || n < s.plans[1].Start {
		return
	}
	s.plans[0], s.plans[1] = s.plans[1], epoch{Epoch: superpose.Epoch{Members: s.plans[0].Members[:0]}}
	s.planned = false
	s.begin(&s.plans[0])
}

// begin makes e the epoch.
func (s *Set) begin(e *epoch) {
	s.epoch = e
	if e.Lapse {
		s.lapse()
	}
	for _, number := range e.Members {
		if m := s.number[number]; m != nil {
			m.missed = 0
		}
	}
	s.listed = e.List(s.listed[:seal.ShareSize], e.name)
}

// grace is how long after the start of an epoch a member may still send shares of
// the one before. What he says he has heard is his word, so it counts up to the
// longest lead only.
func (s *Set) grace(m *member) cell.Slot {
	return min(m.seen.least(s.times.lead), s.times.most) + slack
}

// slack is how many slots more than his lag a member is given.
const slack = 3

// excused reports whether a member's share of another epoch is not his fault: he
// may not have heard of the epoch yet, or be in one that was announced and given
// up, for as long as an epoch is announced ahead.
func (s *Set) excused(n cell.Slot, m *member) bool {
	if s.planned && n <= s.told+s.times.most+slack {
		return true
	}
	return n < s.epoch.Start+s.grace(m)
}

// plan announces another epoch if one is needed.
func (s *Set) plan(n cell.Slot) {
	missing := s.missing(n)
	pending := s.planned
	s.usher(n)
	switch {
	case missing:
		s.remove(n)
	case pending || n <= s.epoch.Start:
	case len(s.epoch.Members) < least:
		s.assemble(n)
	case n > s.anew+s.times.anew && s.waiting(n) > len(s.epoch.Members):
		s.dissolve(n)
	default:
		s.change(n)
	}
}

// missing reports whether the newest epoch has members who are gone, or do not
// answer, and strikes them.
func (s *Set) missing(n cell.Slot) (any bool) {
	for _, number := range s.newest().Members {
		m := s.number[number]
		if m == nil {
			any = true
			continue
		}
		if m.missed >= s.times.vanish || m.debt > most || m.dead || s.stuck(n, m) {
			m.strike(n, &s.times)
			m.outside = max(m.outside, n+1)
			if s.stuck(n, m) {
				m.banish(n, &s.times)
			}
			any = true
		}
	}
	return any
}

// remove announces an epoch without those who are missing, in which all leases
// have lapsed.
func (s *Set) remove(n cell.Slot) {
	stay := func(number superpose.Number) bool {
		m := s.number[number]
		return m != nil && m.outside <= n
	}
	s.draft(n, 1, true)
	e := &s.plans[1]
	e.Members = slices.DeleteFunc(e.Members, func(x superpose.Number) bool { return !stay(x) })
	s.announce()
}

// assemble announces a first epoch, when all who came at about the same time have
// agreed on their keys.
func (s *Set) assemble(n cell.Slot) {
	waits := s.candidates(n, nil)
	if len(s.entering) < least {
		s.ready = 0
		return
	}
	if s.ready == 0 {
		s.ready = n
	}
	settled := n >= s.quiet+s.times.quiet && !waits
	if !settled && n < s.ready+s.times.settle {
		return
	}
	s.draft(n, 3, true)
	s.enter(len(s.entering))
}

// dissolve announces that there is no epoch, when more wait to be introduced than
// are inside: outside, chunks are large, and all have agreed in a few seconds.
func (s *Set) dissolve(n cell.Slot) {
	s.anew = n
	s.draft(n, 1, true)
	s.plans[1].Members = s.plans[1].Members[:0]
	s.announce()
}

// change announces an epoch with those who are ready to enter, and without those
// who want to leave.
func (s *Set) change(n cell.Slot) {
	waits := s.candidates(n, s.epoch.Members)
	leaving := 0
	for _, number := range s.epoch.Members {
		if s.number[number].leaving {
			leaving++
		}
	}
	if len(s.entering) == 0 {
		s.ready = 0
	} else if s.ready == 0 {
		s.ready = n
	}
	late := s.ready > 0 && (!waits || n >= s.ready+s.times.batch)
	if leaving == 0 && !late {
		return
	}
	s.draft(n, 3, false)
	e := &s.plans[1]
	left := 0
	e.Members = slices.DeleteFunc(e.Members, func(x superpose.Number) bool {
		gone := s.number[x].leaving && left < superpose.MaxChanges
		if gone {
			left++
		}
		return gone
	})
	if !late {
		s.entering = s.entering[:0]
	}
	s.enter(min(len(s.entering), superpose.MaxChanges-left))
}

// candidates puts into entering who may enter an epoch with the given members:
// those who share secrets with all of them and with each other, elders first: a
// newcomer who agrees with nobody is in nobody's way. It reports whether somebody
// is on the way to be one.
func (s *Set) candidates(n cell.Slot, members []superpose.Number) (waits bool) {
	s.entering = s.entering[:0]
	for _, m := range s.ranks {
		switch {
		case m.dead || m.leaving || s.stuck(n, m):
		case m.inside:
		case n < m.outside || m.present < 2:
		case s.linkedWithAll(m, members):
			s.entering = append(s.entering, m)
		default:
			waits = waits || s.expected(n, m)
		}
	}
	return waits
}

func (s *Set) linkedWithAll(m *member, members []superpose.Number) bool {
	for _, number := range members {
		if o := s.number[number]; o != nil && !linked(m, o) {
			return false
		}
	}
	for _, o := range s.entering {
		if !linked(m, o) {
			return false
		}
	}
	return true
}

// draft begins the plan of an epoch with the members of the newest one, which
// starts when the slowest has heard of it, and so many slots later.
func (s *Set) draft(n cell.Slot, spare cell.Slot, lapse bool) {
	base := s.newest()
	s.from = append(s.from[:0], base.Members...)
	start := max(n+s.lead()+spare, base.Start+1)
	counter := base.Counter + 1
	e := &s.plans[1]
	e.Epoch = superpose.Epoch{Counter: counter, Start: start, Lapse: lapse, Members: append(e.Members[:0], s.from...)}
	_, _ = rand.Read(e.Nonce[:]) // Never fails: the program ends if the system has no randomness.
}

// lead is how many slots the slowest member needs from hearing to saying.
func (s *Set) lead() cell.Slot {
	d := cell.Slot(0)
	for _, m := range s.seats {
		if m != nil && m.present > 0 && !m.dead {
			d = max(d, m.seen.least(s.times.lead))
		}
	}
	return min(max(d, s.times.lead), s.times.most)
}

// enter adds the first of those who wait to the plan, and announces it.
func (s *Set) enter(count int) {
	e := &s.plans[1]
	for _, m := range s.entering[:count] {
		at, _ := slices.BinarySearch(e.Members, m.number)
		e.Members = slices.Insert(e.Members, at, m.number)
	}
	s.announce()
	item := superpose.FrameEntry(&e.Epoch, e.name)
	for _, m := range s.entering[:count] {
		m.missed, m.fallen = 0, false
		m.queue(item)
	}
	s.ready = 0
}

// announce makes the plan known. With less than two members there is nobody to
// hide among, so there are none.
func (s *Set) announce() {
	e := &s.plans[1]
	if len(e.Members) < least {
		e.Members, e.Lapse = e.Members[:0], true
	}
	s.planned, s.told = true, s.slot
	for _, m := range s.ranks {
		m.inside = e.Has(m.number)
	}
	e.name, _ = e.Name(s.cfg.Channels, s.conn)
	n := superpose.NewsOf(s.from, &e.Epoch, e.name)
	n.Put(s.news[:])
	s.listed = e.List(s.listed[:seal.ShareSize], e.name)
	if len(e.Members) == 0 {
		s.dismiss(e)
	}
}

// dismiss tells those who are inside of an epoch that has nobody in it. News can
// tell of a few only, and lists are told to who is inside, in slots that are void.
func (s *Set) dismiss(e *epoch) {
	item := superpose.FrameEntry(&e.Epoch, e.name)
	for _, m := range s.ranks {
		if s.plans[0].Has(m.number) || slices.Contains(s.from, m.number) {
			m.queue(item)
		}
	}
}

// conn tells the connection of a member. Members whom an epoch has are there, or
// were a moment ago; for those the value does not matter.
func (s *Set) conn(n superpose.Number) (key.Connection, bool) {
	if m := s.number[n]; m != nil {
		return m.keys.Conn, true
	}
	return key.Connection{}, true
}

// telling reports whether messages have news in them: until the epoch has begun.
func (s *Set) telling(cell.Slot) bool { return s.planned }
