package crowd

import (
	"sync"
	"sync/atomic"
	"time"

	"undertone/server/bench/internal/meter"
	"undertone/server/bench/internal/socket"
	"undertone/transport/cell"
	"undertone/transport/seal"
)

// A visit is one line of a user, from dialing to its end.
type visit struct {
	crowd  *Crowd
	socket *socket.Socket
	line   Line
	first  chan Heard    // one deep: the first message that came
	gone   chan struct{} // one deep: it was silent for too long

	// Set before the crowd knows the visit, read only then.
	arrived time.Time // when the first message came

	// Touched by the pace, under its lock.
	beat beat

	// Touched by hear, which is called from one goroutine at a time.
	heard bool
	slot  cell.Slot // the newest
	of    int       // how many messages it has
	got   int       // how many of them came

	// Shared.
	came   atomic.Int64 // when the last message came, in ns after the crowd's beginning
	early  atomic.Int32 // the last feedback
	posted atomic.Int64 // when the last message crossed the socket, in ns since 1970

	mu     sync.Mutex // guards what follows
	grid   meter.Grid
	window *Window // the one that the grid is for
	on     bool    // datagrams are judged
}

func newVisit(c *Crowd) *visit {
	v := &visit{
		crowd: c, first: make(chan Heard, 1), gone: make(chan struct{}, 1),
		beat: beat{index: -1}, grid: meter.NewGrid(c.cfg.Interval.Duration()),
	}
	v.early.Store(int32(seal.NoFeedback))
	v.came.Store(int64(c.age()))
	return v
}

// hear takes in a message.
func (v *visit) hear(h Heard) {
	v.came.Store(int64(h.At.Sub(v.crowd.born)))
	v.early.Store(int32(h.Early))
	if !v.heard {
		v.first <- h
		v.judge(true)
	}
	v.count(h)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.grid.Read(h.At.Sub(v.crowd.cfg.Interval.Start(h.Slot)))
}

// count counts a message, and those that did not come before it.
func (v *visit) count(h Heard) {
	switch {
	case !v.heard:
		v.heard, v.slot, v.of = true, h.Slot, h.Of
		v.got = h.Of // Those before it went out before the line was there.
	case h.Slot < v.slot:
		return // It was counted as lost already.
	case h.Slot == v.slot:
		v.got++
	default:
		skipped := uint64(h.Slot-v.slot-1) * uint64(h.Of) //nolint:gosec // a few
		v.crowd.tally.lost.Add(skipped + uint64(max(v.of-v.got, 0)))
		v.slot, v.of, v.got = h.Slot, h.Of, 1
	}
	v.crowd.tally.received.Add(1)
}

// judge begins or ends to judge datagrams. What was not yet folded is folded.
func (v *visit) judge(on bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fold()
	v.on = on
}

// fold puts what was seen into the window that it was seen in. mu is held.
func (v *visit) fold() {
	if v.window != nil {
		v.grid.Fold(&v.window.Late)
	}
	v.grid.Forget()
	v.window = nil
}

// close folds what was seen in the window w, which has ended.
func (v *visit) close(w *Window) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.window == w {
		v.fold()
	}
}

// see takes in a datagram that crossed the socket.
func (v *visit) see(c socket.Crossing) {
	if c.Sent {
		v.crowd.tally.up.add(c.Size)
		if c.Size > v.crowd.up {
			v.posted.Store(c.At)
		}
		return
	}
	v.crowd.tally.down.add(c.Size)
	if c.Size <= v.crowd.down {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.on {
		return // What comes before the first message opens the line.
	}
	w := v.crowd.window.Load()
	if v.crowd.leads {
		w.Trip.Add(time.Duration(c.At - v.posted.Load()))
		return
	}
	if v.window != w {
		v.fold()
		v.window = w
	}
	v.grid.Add(c.At, &w.Late)
}

// silent reports whether nothing has come for too long.
func (v *visit) silent(now time.Time) bool {
	return now.Sub(v.crowd.born)-time.Duration(v.came.Load()) > silentFor
}

// giveUp tells the user that the line is silent.
func (v *visit) giveUp() {
	select {
	case v.gone <- struct{}{}:
	default:
	}
}
