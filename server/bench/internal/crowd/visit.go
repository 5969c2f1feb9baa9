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

const (
	// around is how many bytes of a datagram are around the messages in it, and before
	// how many are before each of them, if there are several (package rtc).
	around, before = 49, 20
	// remembered is how many of his own messages a user may have sent since one whose
	// answer comes now.
	remembered = 64
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
	came  atomic.Int64 // when the last message came, in ns after the crowd's beginning
	early atomic.Int32 // the last feedback

	mu     sync.Mutex // guards what follows
	on     bool       // datagrams are judged
	pairs  meter.Pairs
	grid   meter.Grid // of a line that follows
	window *Window    // the one that the grid is for
	// Of a line that leads: the messages that were handed to it and have not crossed
	// the socket, of which the last is for slot next; and when those of some slots did.
	handed int
	next   cell.Slot
	posted [remembered]posting
}

// A posting is that the message of a slot crossed the socket.
type posting struct {
	slot cell.Slot
	at   int64 // in ns since 1970; 0: none did
}

func newVisit(c *Crowd) *visit {
	v := &visit{
		crowd: c, first: make(chan Heard, 1), gone: make(chan struct{}, 1),
		beat: beat{index: -1},
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
	v.time(h, v.count(h))
}

// count counts a message, and those that did not come before it. It reports whether
// the message was in time.
func (v *visit) count(h Heard) bool {
	switch {
	case !v.heard:
		v.heard, v.slot, v.of = true, h.Slot, h.Of
		v.got = h.Of // Those before it went out before the line was there.
	case h.Slot < v.slot:
		return false // It was counted as lost already.
	case h.Slot == v.slot:
		v.got++
	default:
		skipped := uint64(h.Slot-v.slot-1) * uint64(h.Of) //nolint:gosec // a few
		v.crowd.tally.lost.Add(skipped + uint64(max(v.of-v.got, 0)))
		v.slot, v.of, v.got = h.Slot, h.Of, 1
	}
	v.crowd.tally.received.Add(1)
	return true
}

// time finds out when a message came that was read, and puts what that says into the
// window: how late it was, or how long an answer took.
func (v *visit) time(h Heard, inTime bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.on {
		return
	}
	since := int64(meter.Unknown)
	switch {
	case !inTime:
	case v.crowd.leads:
		if p := v.posted[h.Slot%remembered]; p.slot == h.Slot && p.at > 0 {
			since = p.at
		}
	default:
		since = v.crowd.cfg.Interval.Start(h.Slot).UnixNano()
	}
	certain := v.pairs.Read(since, h.At.UnixNano())
	w := v.crowd.window.Load()
	if v.crowd.leads {
		for _, took := range certain {
			w.Trip.Add(took)
		}
		return
	}
	if v.window != w {
		v.fold()
		v.window = w
	}
	for _, took := range certain {
		v.grid.Add(took, &w.Late, &w.Beats)
	}
}

// judge begins or ends to judge datagrams. What was not yet folded is folded.
func (v *visit) judge(on bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fold()
	v.on = on
	v.pairs.Begin(time.Now().UnixNano())
}

// fold puts what was timed into the window that it was timed in. mu is held.
func (v *visit) fold() {
	if v.window != nil {
		v.grid.Fold(&v.window.Late, &v.window.Beats)
	}
	v.window = nil
}

// close folds what was timed in the window w, which has ended.
func (v *visit) close(w *Window) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.window == w {
		v.fold()
	}
}

// handOver notes that the message of slot n is handed to the line.
func (v *visit) handOver(n cell.Slot) {
	if !v.crowd.leads {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.handed++
	v.next = n
}

// see takes in a datagram that crosses the socket.
func (v *visit) see(c socket.Crossing) {
	if c.Sent {
		v.crowd.tally.up.add(c.Size)
	} else {
		v.crowd.tally.down.add(c.Size)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case c.Sent && c.Size > v.crowd.up && v.handed > 0:
		if v.handed == 1 { // Otherwise it is not known which of them it is.
			v.posted[v.next%remembered] = posting{v.next, c.At}
		}
		v.handed = 0
	case !c.Sent && c.Size > v.crowd.down && v.on: // What comes before the first message opens the line.
		v.pairs.Came(c.At, max((c.Size-around)/(v.crowd.down+before), 1))
	}
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
