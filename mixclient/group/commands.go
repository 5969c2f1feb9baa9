package group

import (
	"undertone/mixclient/call"
	"undertone/mixclient/contact"
	"undertone/transport/cell"
)

// Dial calls contacts, all at the same time.
func (c *Call) Dial(n cell.Slot, peers ...*contact.Contact) error {
	if err := c.check(peers); err != nil {
		return err
	}
	switch c.State() {
	case call.Idle:
		c.dial(n, peers)
	case call.Leaving:
		c.redial = append(c.redial[:0], peers...)
	case call.Dialing, call.Ringing, call.Answering, call.Talking:
		return call.ErrBusy
	}
	return nil
}

func (c *Call) check(peers []*contact.Contact) error {
	switch {
	case len(peers) == 0:
		return ErrNobody
	case len(peers) > 1 && !c.cfg.Groups:
		return ErrNoGroups
	case len(peers) >= maxPlaces:
		return ErrFull
	}
	for i, p := range peers {
		for _, q := range peers[:i] {
			if p == q {
				return ErrThere
			}
		}
	}
	return nil
}

func (c *Call) dial(n cell.Slot, peers []*contact.Contact) {
	first := c.legs[0]
	first.place = c.freePlace()
	_ = first.Dial(n, peers[0], len(peers) > 1) // It is idle.
	for _, p := range peers[1:] {
		c.open(n, p)
	}
}

// open adds a leg.
func (c *Call) open(n cell.Slot, peer *contact.Contact) {
	l := &leg{Machine: c.legs[0].Another(), place: c.freePlace()}
	_ = l.Dial(n, peer, true) // It is new, and so idle.
	c.legs = append(c.legs, l)
	c.quieten()
}

// freePlace returns a place for one more leg of ours. Where there are no groups
// it is the host's: the other side's voice is the only one.
func (c *Call) freePlace() int {
	if !c.cfg.Groups {
		return host
	}
	for p := host + 1; p < maxPlaces; p++ {
		taken := false
		for _, l := range c.legs {
			taken = taken || l.State() != call.Idle && l.place == p
		}
		if !taken {
			return p
		}
	}
	return maxPlaces // No more legs than places are opened.
}

// Add calls one more contact.
func (c *Call) Add(n cell.Slot, peer *contact.Contact) error {
	switch l := c.active(); {
	case !c.cfg.Groups:
		return ErrNoGroups
	case l == nil || l.State() == call.Ringing:
		return call.ErrNoCall
	case !l.Outgoing():
		return ErrNotHost
	case c.legWith(peer) != nil:
		return ErrThere
	case c.freePlace() == maxPlaces:
		return ErrFull
	}
	c.open(n, peer)
	return nil
}

// Accept answers the call that rings.
func (c *Call) Accept(n cell.Slot) error { return c.rings().Accept(n) }

// Reject declines the call that rings. The caller learns nothing, unless this
// side tells.
func (c *Call) Reject(n cell.Slot) error {
	l := c.rings()
	l.TellBusy = c.TellBusy
	return l.Reject(n)
}

// rings returns the leg that rings, or one that does not.
func (c *Call) rings() *leg {
	for _, l := range c.legs {
		if l.State() == call.Ringing {
			return l
		}
	}
	return c.legs[0]
}

// Hangup ends the call in any state, or gives up ringing, or declines. A host
// ends it for all.
func (c *Call) Hangup(n cell.Slot) error {
	switch c.State() {
	case call.Idle:
		return call.ErrNoCall
	case call.Leaving:
		if len(c.redial) == 0 {
			return call.ErrNoCall
		}
		c.redial = c.redial[:0]
	case call.Ringing:
		return c.Reject(n)
	case call.Dialing, call.Answering, call.Talking:
		c.end(n)
	}
	return nil
}

func (c *Call) end(n cell.Slot) {
	for _, l := range c.legs {
		if l.isActive() {
			_ = l.Hangup(n) // There is a call.
		}
	}
	if c.gen.spoken != nil {
		c.parting = hangups
	}
}

// Drop ends the leg to a contact, and with it the call if it is the only one.
func (c *Call) Drop(n cell.Slot, x *contact.Contact) error {
	l := c.legWith(x)
	if l == nil {
		return call.ErrNoCall
	}
	if len(c.Peers()) == 1 {
		return c.Hangup(n)
	}
	return l.Hangup(n)
}

// Resume points the route again at once, after a new line.
func (c *Call) Resume(n cell.Slot) {
	for _, l := range c.legs {
		l.Resume(n)
	}
}

// Rewind takes in that the clock went back to slot n. Voice would use slots twice,
// so the call ends.
func (c *Call) Rewind(n cell.Slot) {
	for _, l := range c.legs {
		l.Rewind(n)
		l.nextAt = 0
	}
	c.lettered = 0
	c.forget()
}

// Abandon ends the call without a word: its keys cannot be used any more.
func (c *Call) Abandon(n cell.Slot) {
	for _, l := range c.legs {
		l.Abandon(n)
	}
	c.forget()
}

// forget drops all that belongs to the group.
func (c *Call) forget() {
	c.gen.clear()
	c.roster = roster{}
	c.welcome.Generation, c.draws = 0, false
	c.parting, c.parted = 0, false
}
