package group

import (
	"undertone/mixclient/call"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/wire"
)

// welcomed takes in a welcome of our host. One that is not newer than the last is
// told again: by a host who did not hear us, or by somebody who kept it.
func (c *Call) welcomed(l *leg, w wire.CallLetter) {
	if !c.isMember(l) || w.Generation <= max(c.gen.last, c.welcome.Generation) {
		return
	}
	c.welcome = w
}

// isMember reports whether the other side of a leg can be our host.
func (c *Call) isMember(l *leg) bool {
	return c.cfg.Groups && !l.Outgoing() && l.Welcome() != nil && (l.State() == call.Answering || l.State() == call.Talking)
}

// join does the arithmetic of a welcome.
func (c *Call) join(n cell.Slot) {
	w, l := c.welcome, c.active()
	c.welcome.Generation = 0
	if l == nil || !c.isMember(l) {
		return
	}
	masked, err := key.NewSecret(w.Key[:])
	if err != nil {
		return // It has the length of a secret.
	}
	secret := seal.Mask(l.Welcome(), &masked, w.Generation, int(w.Place))
	defer secret.Wipe()
	l.Hear(n, wire.HeadVoice) // Whoever welcomes us has our answer.
	c.roster.known[host] = seat{w.Since[host], l.Peer().Handle(), l.Peer().Name}
	c.begin(n, newGeneration(w.Generation, &secret, int(w.Place), w.Since))
}

// told takes in who sits somewhere.
func (c *Call) told(n cell.Slot, l *leg, w wire.CallLetter) {
	s := &c.roster.known[w.Place]
	if !c.isMember(l) || w.Generation <= s.since {
		return
	}
	*s = seat{w.Generation, w.Handle, w.NameString()}
	c.update(n)
}

// Due reports whether arithmetic is waiting for Step.
func (c *Call) Due() bool {
	for _, l := range c.legs {
		if l.Due() {
			return true
		}
	}
	return c.draws || c.welcome.Generation > 0
}

// Step does some of the arithmetic that is due.
func (c *Call) Step(n cell.Slot) {
	for _, l := range c.legs {
		if l.Due() {
			l.Step(n)
			return
		}
	}
	switch {
	case c.welcome.Generation > 0:
		c.join(n)
	case c.draws:
		if c.draws = false; c.hosts() && c.isChanged() {
			c.draw(n)
		}
	}
}
