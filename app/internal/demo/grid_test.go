//go:build !race

package demo

import (
	"net"
	"slices"
	"testing"
	"time"

	"undertone/transport/cell"
)

// A line with 60 ms of jitter, that also loses five of a hundred, changes nothing of
// when cells leave, with a call and without: one in every slot, on a grid that moves
// by no more than its slewing. (The list of all packets differs from window to window
// there: acknowledgements and what is sent again follow what was lost.)
func TestBadLinesAreUnobservable(t *testing.T) {
	t.Parallel()
	var socket *leak
	where := scene{interval: cell.Interval40, jitter: 60 * time.Millisecond, loss: 0.05, leak: func(c net.PacketConn) net.PacketConn {
		socket = &leak{PacketConn: c}
		return socket
	}}
	late := func(*trace) { // The control: three datagrams of ann's leave a millisecond late.
		time.Sleep(window / 2)
		left := 3 // One of them might be sent again, and on no grid.
		var hold func(b []byte) []byte
		hold = func(b []byte) []byte {
			if len(b) == cellDatagram {
				time.Sleep(time.Millisecond)
				left--
			}
			if left > 0 {
				socket.next.Store(&hold)
			}
			return b
		}
		socket.next.Store(&hold)
	}
	tr := record(t, where, idle, talk, late)
	slots := int(where.interval.Slots(window)) //nolint:gosec // some hundred
	for k, name := range []string{"ann", "bob"} {
		for w, what := range []string{"no call", "a call"} {
			if n := len(tr.ticks(k, w)); n < slots-1 || n > slots {
				t.Errorf("with %s %s's cells left at %d ticks of %d", what, name, n, slots)
			}
		}
	}
	if n := len(tr.ticks(0, 2)); n >= slots-1 {
		t.Errorf("a cell that leaves a millisecond late is not noticed: %d ticks", n)
	}
	if tr.heard.Similarity < 0.7 {
		t.Errorf("the speech was heard with a similarity of %.2f", tr.heard.Similarity)
	}
}

// ticks follows the grid of a user through a window, from his first cell that has
// one an interval after it, and returns when he sent on it. What is sent again
// leaves at other times.
func (tr *trace) ticks(user, w int) (all []time.Time) {
	var sent []time.Time
	for _, p := range tr.windows[w] {
		if p.From.Addr() == tr.hosts[user].Addr() && p.Size == cellDatagram {
			sent = append(sent, p.At)
		}
	}
	for len(sent) > 0 {
		all = all[:0]
		for at, ok := sent[0], true; ok; {
			all = append(all, at)
			at, ok = closest(sent, at.Add(tr.scene.interval.Duration()))
		}
		if len(all) > 1 {
			return all
		}
		sent = sent[1:]
	}
	return all
}

// closest returns the time of a list that is a grid's next, to within the slewing.
func closest(list []time.Time, want time.Time) (time.Time, bool) {
	k := slices.IndexFunc(list, func(at time.Time) bool { return at.Sub(want).Abs() <= slewing })
	if k < 0 {
		return time.Time{}, false
	}
	return list[k], true
}

// cellDatagram is the size of a cell on the wire (package rtc), and slewing is how
// much longer or shorter a slot may be once a line is locked: 200 ppm.
const (
	cellDatagram = 197
	slewing      = 8 * time.Microsecond
)
