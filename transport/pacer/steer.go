package pacer

import (
	"time"

	"undertone/transport/cell"
)

// Tuning of the controller.
const (
	// noReport is the feedback of a server that has nothing to report yet.
	noReport = -128
	// saturated is the worst lateness that feedback can tell, in milliseconds.
	saturated = -127

	// fresh is how many uploads must have arrived since a correction before
	// the next report is believed.
	fresh = 8
	// lookBack is how many uploads the server looks back on.
	lookBack = 64
	// patience is for how many slots in a row a locked link must be late before
	// its slots are moved: longer than the server looks back, so that one stall
	// of the network does not count as a new path.
	patience = lookBack + fresh

	// acquireBand is how far off the phase may be for the link to lock.
	acquireBand = 2 * time.Millisecond
	// lateBand and earlyBand are how far off the phase of a locked link may be
	// without a correction. Being late costs cells, being early only time.
	lateBand  = 1 * time.Millisecond
	earlyBand = 4 * time.Millisecond
	// slewablePart is the part of an interval up to which lateness is corrected
	// by slewing. What is later than that has its slots moved: cells are lost
	// meanwhile, and to move by a whole slot too many takes long to make up.
	slewablePart = 4
	// longestTrip bounds how long a correction takes to show in a report once
	// the link is locked, and how far the first one moves the slots.
	longestTrip = time.Second
)

// steer is the controller that brings uploads to the server a small margin
// before their cut-off. It is pure: what it knows is the slots and the feedback
// of the download cells, in order; what it moves is a Grid.
//
//	          off by less than the band, or 15 s are over
//	acquiring --------------------------------------------> locked
//
// Acquiring, it measures, corrects at once, and waits until the correction must
// show in the reports. Uploads start out late by the whole trip, because the
// first slot is chosen as if the network took no time. That is on purpose: slots
// can only be moved forward, so an error must be on the late side. The number of
// slots until the first report is that lateness, to a slot. Locked, it nudges
// the phase by 200 ppm while it is off by more than the band; the reports lag by
// a few seconds, in which the phase moves by less than the band, so it cannot
// oscillate.
//
// It looks at nothing but the reports, least of all at when download cells were
// noticed: that varies with how busy this machine is, and the phase must not.
type steer struct {
	margin time.Duration
	first  cell.Slot // the first slot that was sent for

	heard  bool      // there was a report
	lag    cell.Slot // how many slots late uploads arrive, at most
	shows  cell.Slot // reports of earlier slots are about the time before the last correction
	settle cell.Slot // reports of earlier slots are about the time before its slewing was done
	late   cell.Slot // the slot since which a locked link is late; 0 if it is not
}

func newSteer(g *Grid, margin time.Duration) steer {
	_, n := g.Next()
	return steer{margin: margin, first: n}
}

// report takes in the feedback of the download cell of slot n, in milliseconds.
func (s *steer) report(g *Grid, n cell.Slot, early int8) {
	if early == noReport {
		return
	}
	if !s.heard {
		s.hear(n)
	}
	off := s.margin - time.Duration(early)*time.Millisecond // positive: too late
	switch {
	case g.Locked():
		s.hold(g, n, off)
	case n >= s.settle:
		s.acquire(g, off, early)
	case n >= s.shows && off > s.margin && g.Slewing() > 0:
		g.Slew(0) // Cells are late already: do not make them later.
	}
}

// hear takes in that the first report came in the cell of slot n.
func (s *steer) hear(n cell.Slot) {
	s.heard = true
	if n > s.first {
		s.lag = n - s.first
	}
	s.settle = n + fresh
}

// acquire corrects the whole error at once.
func (s *steer) acquire(g *Grid, off time.Duration, early int8) {
	if off.Abs() <= acquireBand {
		g.Slew(0)
		g.Lock()
		return
	}
	if early == saturated && s.lag > 2 {
		// One slot less than the lag is certain, and another may be the loss
		// of the very first cell.
		off = max(off, min(time.Duration(s.lag-2)*g.interval, longestTrip))
	}
	s.correct(g, off)
	if early == saturated {
		g.Slew(0) // How much remains is not known yet.
	}
	_, next := g.Next()
	s.shows = next + s.lag + fresh
	s.settle = s.shows + g.ticks(g.Slewing())
	if g.Slewing() < 0 {
		// The latest uploads of before stay the latest until the server has
		// forgotten them. When slots move it forgets all at once, and when
		// uploads come later than before the new ones are the latest.
		s.settle += lookBack
	}
}

// correct moves the slots if cells are lost, and the phase by what remains.
func (s *steer) correct(g *Grid, off time.Duration) {
	if off > g.interval/slewablePart {
		k := (off + g.interval - 1) / g.interval
		g.Relabel(cell.Slot(k))
		off -= k * g.interval
		s.lag -= min(s.lag, cell.Slot(k))
	}
	g.Slew(-off)
}

// hold keeps a locked link where it is.
func (s *steer) hold(g *Grid, n cell.Slot, off time.Duration) {
	if n < s.settle {
		return
	}
	switch {
	case off > lateBand || off < -earlyBand:
		g.Slew(-off)
	case off <= 0 && g.Slewing() < 0, off >= 0 && g.Slewing() > 0:
		g.Slew(0) // The middle is passed.
	}
	if off <= g.interval/slewablePart {
		s.late = 0
		return
	}
	if s.late == 0 {
		s.late = n
	}
	if n >= s.late+patience {
		s.late = 0
		s.correct(g, off)
		_, next := g.Next()
		s.settle = next + cell.Interval(g.interval).Slots(longestTrip) + fresh
	}
}
