package pacer

import (
	"time"

	"undertone/transport/cell"
)

// An event is what a pacer does at some time. In each slot:
//
//	rousing ──▶ ticking ──▶ parting, once for each part but the first
//
// Lead may be so long that Wake tells of the next slot before the last parts of
// this one are due.
type event uint8

const (
	rousing event = iota // Wake tells of the next slot
	ticking              // the batch is chosen, and part 0 of it leaves
	parting              // a further part leaves
)

// A turn is the slot being sent.
type turn struct {
	out     [2][]byte // the batches of the slot: its cover, and what was staged
	at      time.Time // its tick
	covered bool      // there was cover
	choice  int       // which of the two batches is sent
	part    int       // the next part that is due
}

// newTurn returns a turn with nothing left to send.
func newTurn(c *Config) turn {
	return turn{out: [2][]byte{make([]byte, c.batch()), make([]byte, c.batch())}, part: c.Parts}
}

// due returns what comes next, and when. At the same moment sending comes first.
func (p *Pacer) due() (at time.Time, what event) {
	at, _ = p.grid.Next()
	what = ticking
	if !p.roused {
		at, what = at.Add(-p.cfg.Lead), rousing
	}
	if p.turn.part < p.cfg.Parts {
		if t := p.partDue(); !t.After(at) {
			return t, parting
		}
	}
	return at, what
}

// partDue returns when the next part of the turn is due.
func (p *Pacer) partDue() time.Time { return p.turn.at.Add(p.cfg.partAt(p.turn.part)) }

// do does what is due. now is the time at which it happens.
func (p *Pacer) do(what event, now time.Time) {
	switch what {
	case rousing:
		_, n := p.grid.Next()
		p.rouse(n)
	case ticking:
		p.tick(now)
	case parting:
		p.sendPart(now)
	}
}

// rouse puts n in the wake channel, in place of what is there.
func (p *Pacer) rouse(n cell.Slot) {
	p.roused = true
	select {
	case <-p.wake:
	default:
	}
	p.wake <- n // Nobody else sends, so there is room.
}

// tick chooses the batch of the slot that is due, sends part 0 of it, and goes on
// to the next slot.
func (p *Pacer) tick(now time.Time) {
	t := &p.turn
	at, n := p.grid.Next()
	t.at, t.part = at, 0
	t.covered = p.cover.Take(n, t.out[0])
	t.choice = choose(p.voice.Take(n, t.out[1]))
	p.sendPart(now)
	p.advance(now)
}

func choose(staged bool) int {
	if staged {
		return 1
	}
	return 0
}

// sendPart sends the part that is due, unless it is too late for that.
func (p *Pacer) sendPart(now time.Time) {
	t := &p.turn
	late := now.Sub(p.partDue())
	b := t.out[t.choice][t.part*p.cfg.part():][:p.cfg.part()]
	t.part++
	switch {
	case late > p.cfg.tolerance():
		p.stats.skipped.Add(1)
	case !t.covered:
		p.stats.bare.Add(1)
	default:
		for ; len(b) > 0; b = b[p.cfg.Size:] {
			p.send(b[:p.cfg.Size:p.cfg.Size])
		}
		p.stats.sentAt(late)
	}
}

// advance goes on to the first slot that has a part which is not too late, after
// what the server reported was taken in.
func (p *Pacer) advance(now time.Time) {
	p.grid.Step()
	if late := now.Add(-p.cfg.partAt(p.cfg.Parts-1) - p.cfg.tolerance()); p.grid.at.Before(late) {
		p.stats.skipped.Add(p.grid.SkipTo(late) * uint64(p.cfg.Parts)) //nolint:gosec // positive
	}
	for more := true; more; {
		select {
		case r := <-p.inbox:
			p.steer.report(&p.grid, r.slot, r.early)
		default:
			more = false
		}
	}
	_, n := p.grid.Next()
	p.next.Store(uint64(n))
	p.roused = false
}
