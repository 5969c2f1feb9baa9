package group

import (
	"undertone/mixclient/call"
	"undertone/mixclient/contact"
	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/wire"
)

const maxPlaces = half.MaxGroup

// A leg is the call with one other.
type leg struct {
	*call.Machine
	// place is the other side's. At a member it is the host's.
	place int

	// What a host knows of the member.
	since  uint16     // the generation that he came with, zero before
	ready  bool       // he has said that he is ready for the newest generation
	knows  uint16     // the last generation that he knew all members of
	masked key.Secret // the secret of the newest generation, for him

	// The carousel of letters on the leg.
	next   int // place whose letter is next; the host's is the welcome
	nextAt cell.Slot
}

// isActive reports whether there is a call on the leg that is not being left.
func (l *leg) isActive() bool { return l.State() != call.Idle && l.State() != call.Leaving }

// isIn reports whether the member can hear a generation once he has it.
func (l *leg) isIn(g *generation) bool {
	return l.State() == call.Talking && l.since > 0 && g.since[l.place] == l.since
}

// active returns the first leg that is not being left, nil if there is none.
func (c *Call) active() *leg {
	for _, l := range c.legs {
		if l.isActive() {
			return l
		}
	}
	return nil
}

// talking returns the first leg that can talk, nil if there is none.
func (c *Call) talking() *leg {
	for _, l := range c.legs {
		if l.State() == call.Talking {
			return l
		}
	}
	return nil
}

// legWith returns the leg to a contact that is not being left.
func (c *Call) legWith(x *contact.Contact) *leg {
	for _, l := range c.legs {
		if l.isActive() && l.Peer() == x {
			return l
		}
	}
	return nil
}

// legOf returns the leg that a voice is of, nil if there is none. Where the
// sender is not told there is only one.
func (c *Call) legOf(from key.Handle) *leg {
	if from.IsZero() {
		return c.legs[0]
	}
	for _, l := range c.legs {
		if l.isActive() && l.Peer().Handle() == from {
			return l
		}
	}
	return nil
}

// Letter takes in a letter about a call, from a contact who is not blocked.
func (c *Call) Letter(n cell.Slot, from *contact.Contact, l wire.CallLetter) {
	if l.Type == wire.Knock {
		c.knock(n, from, l)
		return
	}
	for _, g := range c.legs {
		if g.Of(from, l) {
			c.letterOn(n, g, from, l)
			return
		}
	}
}

func (c *Call) letterOn(n cell.Slot, g *leg, from *contact.Contact, l wire.CallLetter) {
	switch l.Type {
	case wire.Welcome:
		c.welcomed(g, l)
	case wire.Member:
		c.told(n, g, l)
	case wire.Knock, wire.Answer, wire.Over, wire.Tell, wire.Resume, wire.FragmentLetter:
		g.Letter(n, from, l)
	}
}

// knock takes in that somebody rings.
func (c *Call) knock(n cell.Slot, from *contact.Contact, l wire.CallLetter) {
	g := c.legWith(from)
	if g == nil {
		g = c.legs[0]
		if g.TellBusy = c.TellBusy; len(c.legs) == 1 {
			g.Letter(n, from, l)
		} else if c.active() != nil {
			g.InVain(n, from, l)
		}
		return // He will knock again in a moment, when the last call is left.
	}
	g.TellBusy = c.TellBusy
	if !g.Yields(n, from, l) {
		g.Letter(n, from, l)
		return
	}
	if !c.leaveFor(n, g) {
		g.InVain(n, from, l)
		return
	}
	g.Letter(n, from, l)
	g.place = host
}

// leaveFor gives up ringing all others, since the one on leg g has called us too
// and is to be the host. Nobody who talks with us is left for that.
func (c *Call) leaveFor(n cell.Slot, g *leg) bool {
	if c.talking() != nil {
		return false
	}
	for _, l := range c.legs {
		if l != g && l.isActive() {
			_ = l.Hangup(n) // There is a call.
		}
	}
	return true
}

// settle drops the legs that have ended, and begins anew when all have.
func (c *Call) settle(n cell.Slot) {
	kept := c.legs[:0]
	for _, l := range c.legs {
		if l.State() != call.Idle {
			kept = append(kept, l)
		}
	}
	idle := len(kept) == 0
	kept = c.legs[:max(1, len(kept))]
	clear(c.legs[len(kept):])
	c.legs = kept
	if idle {
		c.idle(n)
	}
	c.quieten()
}

// idle takes in that there is no call any more.
func (c *Call) idle(n cell.Slot) {
	c.forget()
	*c.legs[0] = leg{Machine: c.legs[0].Machine}
	if len(c.redial) > 0 {
		c.dial(n, c.redial)
		c.redial = c.redial[:0]
	}
}

// quieten leaves the machines the voice only where there is one, and no group.
func (c *Call) quieten() {
	for _, l := range c.legs {
		l.Letters = len(c.legs) > 1 || c.gen.newest != nil
	}
}
