package lease

import "undertone/transport/cell"

// A caller is a pair of members who call each other, with human times: it rings,
// after some seconds the other answers, they talk, they hang up, and after a
// while there is the next call, of two others.
type caller struct {
	w        *world
	a, b     int
	state    int // 0: nothing, 1: dialed, 2: rings, 3: talk
	next     cell.Slot
	dialed   cell.Slot
	rang     cell.Slot // when the other is rung
	pickUp   cell.Slot // when he answers
	answers  bool
	dials    []cell.Slot // how long callers waited for a channel
	rings    []cell.Slot // how long those who are rung did
	answered []cell.Slot // and how long after they answered
	silent   [2]int      // slots without a channel, after the first
	had      [2]bool
	waits    [2]cell.Slot // since when
	talked   int          // slots of talk
}

// exponential draws a time with the given mean, in slots.
func (w *world) exponential(ms float64) cell.Slot {
	return w.slots(int(w.rand.ExpFloat64() * ms))
}

// pick chooses two members who are not in a call.
func (c *caller) pick() {
	for {
		c.a, c.b = c.w.rand.IntN(c.w.members), c.w.rand.IntN(c.w.members)
		a, b := &c.w.persons[c.a], &c.w.persons[c.b]
		if c.a != c.b && !a.busy && !b.busy {
			a.busy, b.busy = true, true
			return
		}
	}
}

// dial starts a call now.
func (c *caller) dial() {
	c.pick()
	c.state, c.dialed, c.answers = 1, c.w.now, c.w.rand.IntN(5) > 0
	c.want(0, c.a)
}

func (c *caller) want(side, i int) {
	c.w.persons[i].wants = true
	c.had[side], c.waits[side] = false, c.w.now
}

// step comes before each slot of the world.
func (c *caller) step() {
	w, n := c.w, c.w.now
	switch c.state {
	case 0:
		if c.next != 0 && n >= c.next {
			c.dial()
		}
		return
	case 1:
		if c.has(0, c.a) { // The knock goes, and is heard a little later.
			c.state, c.rang = 2, n+w.delay
			c.next = c.rang + w.slots(2000) + w.exponential(5000)
			if !c.answers {
				c.next = c.rang + w.slots(30000)
			}
			c.pickUp = c.next
		}
		return
	case 2:
		if n == c.rang {
			c.want(1, c.b)
		}
		if n >= c.next {
			if !c.answers {
				c.hangUp()
				return
			}
			c.state, c.next = 3, n+w.slots(60000)+w.exponential(60000)
		}
	case 3:
		c.talked++
		if n >= c.next {
			c.hangUp()
			return
		}
	}
	c.has(0, c.a)
	if c.w.persons[c.b].wants {
		c.has(1, c.b)
	}
}

// has tells whether a side has a channel, and counts when it has none any more.
func (c *caller) has(side, i int) bool {
	ok := c.w.persons[i].talks(c.w.now, c.w.delay)
	switch {
	case ok && !c.had[side]:
		c.had[side] = true
		wait := c.w.now - c.waits[side]
		switch {
		case side == 0:
			c.dials = append(c.dials, wait)
		case c.answers:
			c.rings = append(c.rings, wait)
			c.answered = append(c.answered, c.w.now-min(c.w.now, c.pickUp))
		}
	case !ok && c.had[side] && c.w.now < c.waits[side]+c.w.slots(1000):
		c.had[side] = false // He was about to give way when the call came.
	case !ok && c.had[side]:
		c.silent[side]++
	}
	return ok
}

func (c *caller) hangUp() {
	for _, i := range []int{c.a, c.b} {
		c.w.persons[i].wants, c.w.persons[i].busy = false, false
	}
	c.state, c.next = 0, c.w.now+c.w.slots(2000)+c.w.exponential(8000)
}

// A town is a world with so many callers at once.
type town struct {
	*world
	callers []caller
}

func newTown(s setting, calls int, seed uint64) *town {
	t := &town{world: newWorld(s, seed)}
	t.callers = make([]caller, calls)
	for i := range t.callers {
		t.callers[i] = caller{w: t.world, next: t.now + t.slots(15000) + cell.Slot(t.rand.Uint64N(uint64(t.slots(10000))))}
	}
	return t
}

func (t *town) run(slots cell.Slot) {
	for range slots {
		for i := range t.callers {
			t.callers[i].step()
		}
		t.step()
	}
}
