package group

import (
	"undertone/mixclient/call"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/wire"
)

// Next returns what goes into the cell of slot n. It is called once in every
// slot, and keeps the times of the call. What Keys returns may change with it, for
// the slots after n.
func (c *Call) Next(n cell.Slot) call.Item {
	c.Expire(n)
	it := c.say(n)
	c.settle(n)
	c.change(n)
	return it
}

// Expire ends what has lasted too long by slot n. Next does so by itself.
func (c *Call) Expire(n cell.Slot) {
	for _, l := range c.legs {
		l.Expire(n)
	}
	if c.gen.older != nil && c.gen.isSettled() && n > c.gen.switched+c.slots(closingSeconds) {
		c.gen.close()
	}
	c.settle(n)
}

func (c *Call) say(n cell.Slot) call.Item {
	if first := c.legs[0]; len(c.legs) == 1 && c.gen.newest == nil {
		c.said, c.sayLeg = nil, first
		return first.Next(n)
	}
	if c.parted = c.parting > 0 && !c.parted; c.parted {
		c.parting--
		return c.toGroup(wire.HeadHangup)
	}
	if it := c.letter(n); it.Kind != cell.Cover {
		return it
	}
	return c.voice()
}

// letter returns a letter on one of the legs, in turns; cover if none is due.
func (c *Call) letter(n cell.Slot) call.Item {
	if c.talking() != nil && n < c.lettered+letterEvery {
		return call.Item{}
	}
	for range c.legs {
		c.turn = (c.turn + 1) % len(c.legs)
		if it := c.letterTo(n, c.legs[c.turn]); it.Kind != cell.Cover {
			c.lettered = n
			return it
		}
	}
	return call.Item{}
}

func (c *Call) letterTo(n cell.Slot, l *leg) call.Item {
	if l.State() == call.Talking {
		if it := c.tell(n, l); it.Kind != cell.Cover {
			return it
		}
	}
	return l.Next(n)
}

// voice goes to the group, or to the first leg while there is none yet.
func (c *Call) voice() call.Item {
	l := c.talking()
	if l == nil {
		return call.Item{}
	}
	if g := c.gen.spoken; g != nil && c.reaches(g) {
		return c.toGroup(c.head())
	}
	c.said, c.sayLeg = nil, l
	return call.Item{Kind: cell.Stream, Head: c.head(), To: l.Peer()}
}

func (c *Call) toGroup(head byte) call.Item {
	c.said, c.sayLeg = c.gen.spoken, nil
	return call.Item{Kind: cell.Stream, Head: head, Group: true}
}

// head is the one of voice: a member says whether he is ready.
func (c *Call) head() byte {
	g := c.gen.newest
	if g == nil || c.hosts() {
		return wire.HeadVoice
	}
	return wire.HeadReady(g.number, c.roster.isComplete(g))
}

// SealStream closes plain for slot n, for whom Next has said. It is total.
func (c *Call) SealStream(n cell.Slot, plain *[cell.StreamSize]byte, body *cell.Body) {
	switch {
	case c.said != nil:
		c.said.out.Seal(body, n, plain)
	case c.sayLeg != nil && c.sayLeg.Welcome() != nil:
		c.sayLeg.SealStream(n, plain, body)
	default:
		clear(body[:])
	}
}

// OpenStream opens voice that came in near slot n: on the leg of whom it is from,
// or, if place is not negative, of that place in the group. from is zero where the
// mode does not tell. It returns the number of the speaker, and false if there is
// nothing to be heard. What is of no call costs as much.
func (c *Call) OpenStream(n cell.Slot, from key.Handle, place int, body *cell.Body, plain *[cell.StreamSize]byte) (speaker int, ok bool) {
	if place >= 0 {
		return place, c.openGroup(n, place, body, plain)
	}
	l := c.legOf(from)
	if l == nil || l.Welcome() == nil {
		c.spare.Open(body, n, plain)
		return 0, false
	}
	if !l.OpenStream(n, body, plain) {
		return 0, false
	}
	c.heardReady(l, plain[0])
	return l.place, true
}

func (c *Call) openGroup(n cell.Slot, place int, body *cell.Body, plain *[cell.StreamSize]byte) bool {
	if !c.gen.has(place) {
		c.spare.Open(body, n, plain)
		return false
	}
	g := c.gen.open(n, place, body, plain)
	if g == nil {
		return false
	}
	if !c.hosts() {
		return c.hearAsMember(n, g, place, plain[0])
	}
	for _, l := range c.legs {
		if l.place == place && l.isIn(g) {
			c.heardReady(l, plain[0])
			return l.Hear(n, plain[0])
		}
	}
	return false
}

// hearAsMember takes in the head of a voice. Who speaks in a generation knows that
// the change to it is over. Of those who leave, the host will tell.
func (c *Call) hearAsMember(n cell.Slot, g *generation, place int, head byte) bool {
	l := c.talking()
	if l == nil {
		return false
	}
	if g == c.gen.newest && !c.gen.isSettled() {
		c.gen.take(n)
	}
	if place == host {
		return l.Hear(n, head)
	}
	return head != wire.HeadHangup
}
