package group

import (
	"undertone/mixclient/call"
	"undertone/transport/cell"
	"undertone/transport/key"
)

// A Participant is somebody in the call besides the user.
type Participant struct {
	// Place is his place in the group, and the number of his voice.
	Place  int
	Handle key.Handle
	// Name is what he is called by the host.
	Name string
}

// A seat is who has had a place since a generation; zero if nobody.
type seat struct {
	since  uint16
	handle key.Handle
	name   string
}

// A roster is who is in a group.
type roster struct {
	known [maxPlaces]seat // by what the host has told
	shown [maxPlaces]seat // by what was reported
}

// sits returns who sits in a place of a generation, if that is known.
func (r *roster) sits(g *generation, place int) (seat, bool) {
	s := r.known[place]
	return s, g != nil && s.since > 0 && s.since == g.since[place]
}

// isComplete reports whether all others in a generation are known.
func (r *roster) isComplete(g *generation) bool {
	for p, since := range g.since {
		if _, ok := r.sits(g, p); since > 0 && p != g.place && !ok {
			return false
		}
	}
	return true
}

// update takes over what is known now: to the generations, so that cells of
// theirs are found, and to who shows it. The host is no news to anybody.
func (c *Call) update(n cell.Slot) {
	for _, g := range [...]*generation{c.gen.newest, c.gen.older} {
		for p := range maxPlaces {
			if s, ok := c.roster.sits(g, p); ok && g.members[p] != s.handle {
				g.members[p] = s.handle
				c.gen.version++
			}
		}
	}
	for p := host + 1; p < maxPlaces; p++ {
		s, ok := c.roster.sits(c.gen.newest, p)
		if !ok || p == c.gen.newest.place {
			s = seat{}
		}
		c.show(n, p, s)
	}
}

func (c *Call) show(n cell.Slot, place int, s seat) {
	old := c.roster.shown[place]
	if old.since == s.since {
		return
	}
	c.roster.shown[place] = s
	report := func(k call.EventKind, s seat) {
		if s.since > 0 {
			c.legs[0].Report(call.Event{Kind: k, Peer: s.handle, Name: s.name, Place: place, Slot: n})
		}
	}
	report(call.Left, old)
	report(call.Came, s)
}

// Participants returns who is in the call, besides the user.
func (c *Call) Participants() []Participant {
	var all []Participant
	for _, l := range c.legs {
		if l.State() == call.Talking {
			all = append(all, Participant{l.place, l.Peer().Handle(), l.Peer().Name})
		}
	}
	if c.hosts() {
		return all
	}
	for p, s := range c.roster.shown {
		if s.since > 0 {
			all = append(all, Participant{p, s.handle, s.name})
		}
	}
	return all
}
