package group

import (
	"crypto/rand"

	"undertone/mixclient/call"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
	"undertone/transport/wire"
)

// change keeps the generations of a host.
func (c *Call) change(n cell.Slot) {
	if !c.hosts() {
		return
	}
	if !c.gen.isSettled() && c.isReady(n) {
		c.gen.take(n)
	}
	c.draws = c.isChanged() && c.mayDraw(n)
}

// isReady reports whether the newest generation can be spoken in. Who is not heard
// just now hears nobody either, most likely, and is told when he is back.
func (c *Call) isReady(n cell.Slot) bool {
	ready, waiting := 0, 0
	for _, l := range c.legs {
		switch {
		case !l.isIn(c.gen.newest):
		case l.ready:
			ready++
		case l.Heard(since(n, c.slots(awaySeconds))):
			waiting++
		}
	}
	return ready > 0 && (waiting == 0 || n > c.drawn+c.slots(changeSeconds))
}

// since returns the slot that lies some slots before n.
func since(n, slots cell.Slot) cell.Slot { return n - min(n, slots) }

// isChanged reports whether those who can talk are others than in the newest
// generation. The first has two at least besides the host.
func (c *Call) isChanged() bool {
	var since [maxPlaces]uint16
	talking, fresh := 0, false
	for _, l := range c.legs {
		if l.State() == call.Talking {
			talking++
			fresh = fresh || l.since == 0
			since[l.place] = l.since
		}
	}
	if c.gen.newest == nil {
		return talking > 1
	}
	since[host] = c.gen.newest.since[host]
	return talking > 0 && (fresh || since != c.gen.newest.since)
}

// mayDraw reports whether the last change is over, or can never be.
func (c *Call) mayDraw(n cell.Slot) bool {
	return c.gen.newest == nil || !c.reaches(c.gen.newest) ||
		c.gen.isSettled() && n >= c.gen.switched+c.slots(settledSeconds)
}

// reaches reports whether anybody hears a generation. A member's always reaches
// the host.
func (c *Call) reaches(g *generation) bool {
	if !c.hosts() {
		return true
	}
	for _, l := range c.legs {
		if l.isIn(g) {
			return true
		}
	}
	return false
}

// draw makes a generation of those who can talk now.
func (c *Call) draw(n cell.Slot) {
	if !c.gen.isSettled() {
		c.gen.undo()
	}
	number := c.gen.last + 1
	if number == 0 {
		c.end(n) // No number is used twice.
		return
	}
	since := [maxPlaces]uint16{host: 1}
	for _, l := range c.legs {
		if l.State() != call.Talking {
			continue
		}
		if l.since == 0 {
			l.since = number
		}
		since[l.place] = l.since
		c.roster.known[l.place] = seat{l.since, l.Peer().Handle(), l.Peer().Name}
	}
	var secret key.Secret
	_, _ = rand.Read(secret.Bytes()) // Never fails: the program ends if the system has no randomness.
	defer secret.Wipe()
	c.begin(n, newGeneration(number, &secret, host, since))
	for _, l := range c.legs {
		l.ready, l.next, l.nextAt = false, host, n
		if k := l.Welcome(); k != nil && l.isIn(c.gen.newest) {
			l.masked = seal.Mask(k, &secret, number, l.place)
		}
	}
}

// begin begins a change to a generation.
func (c *Call) begin(n cell.Slot, g *generation) {
	c.drawn = n
	g.members[g.place] = c.cfg.Self
	c.gen.add(g)
	c.quieten()
	c.update(n)
}

// heardReady takes in the head of a member's voice.
func (c *Call) heardReady(l *leg, head byte) {
	g := c.gen.newest
	if g == nil || !l.isIn(g) {
		return
	}
	ready, complete := wire.ReadyFor(head, g.number)
	l.ready = l.ready || ready
	if complete {
		l.knows = g.number
	}
}

// tell returns the next letter to a leg that can talk, cover if there is none:
// the welcome, then who is new to him, then what he still lacks after a while.
func (c *Call) tell(n cell.Slot, l *leg) call.Item {
	g := c.gen.newest
	switch {
	case !l.Outgoing() || n < l.nextAt:
		return call.Item{}
	case g == nil || !l.isIn(g):
		return c.hint(n, l)
	case l.knows == g.number:
		return call.Item{}
	}
	for ; l.next < maxPlaces; l.next++ {
		if it := c.tellOf(l, l.next); it.Kind != cell.Cover {
			l.next++
			return it
		}
	}
	l.next, l.nextAt = host, n+c.slots(1)/2
	return call.Item{}
}

// hint tells a member that he is heard, who waits for a generation: else he would
// count the call as lost.
func (c *Call) hint(n cell.Slot, l *leg) call.Item {
	if l.since > 0 || c.gen.spoken == nil && l == c.talking() {
		return call.Item{} // He has heard, or hears the voice.
	}
	l.nextAt = n + c.slots(hintSeconds)
	return on(l, wire.CallLetter{Type: wire.Resume})
}

// tellOf returns the letter about a place for a leg, cover if there is none.
func (c *Call) tellOf(l *leg, place int) call.Item {
	g := c.gen.newest
	if place == host && l.ready {
		return call.Item{}
	}
	if place == host {
		return on(l, wire.CallLetter{
			Type: wire.Welcome, Generation: g.number, Place: uint8(l.place), Since: g.since, Key: [32]byte(l.masked.Bytes()), //nolint:gosec // below 8
		})
	}
	s, ok := c.roster.sits(g, place)
	if !ok || place == l.place || s.since <= l.knows {
		return call.Item{}
	}
	return on(l, wire.CallLetter{
		Type: wire.Member, Generation: s.since, Place: uint8(place), Handle: s.handle, Name: wire.PutName(s.name), //nolint:gosec // below 8
	})
}

// on addresses a letter to the other side of a leg.
func on(l *leg, w wire.CallLetter) call.Item {
	w.Call = l.ID()
	return call.Item{Kind: cell.Letter, To: l.Peer(), Letter: w}
}
