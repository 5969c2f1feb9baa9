package smix

import (
	"undertone/mixclient/half"
	"undertone/transport/cell"
)

// An epoch is safe if the user knows enough of its members. In one that is not, all
// others may be inventions of the server, which then knows all pads and sees the
// channels that the user holds. So in such an epoch he says nothing but letters of
// pairings, and reserves as somebody who never has anything to say; and no lease
// goes from an epoch of one kind into one of the other, or the server would see
// there whose it was, or will be.
//
// Whom he gets to know by a pairing counts at once, and nothing ends by that: the
// epoch had the pads with him all along. Whom he forgets does not count any more at
// once, and if too few are left, his leases end.

// safe reports whether the user knows enough members of an epoch to hide among.
func (h *Half) safe(e *epoch) bool { return e.known >= h.cfg.MinKnown }

// judgeKnown counts whom the user knows in an epoch that he is in.
func (h *Half) judgeKnown(e *epoch) {
	if e.pads == nil {
		return
	}
	e.known = 0
	for u := range e.users {
		if h.roster.known[u] {
			e.known++
		}
	}
	if e != h.epochs.newest() {
		return
	}
	if h.safe(e) {
		h.judge.settle(half.Unsafe)
	} else {
		h.judge.raise(half.Unsafe, h.high)
	}
}

// judgeAnew counts again in all epochs, for other keys.
func (h *Half) judgeAnew() {
	next := h.epochs.at(h.said + 1)
	was := next != nil && h.safe(next)
	for i := range h.epochs.list {
		h.judgeKnown(&h.epochs.list[i])
	}
	if was && !h.safe(next) {
		h.cut(h.said + 1)
	}
	h.separate()
}

// separate ends what was won in an epoch of one kind where one of the other kind
// starts.
func (h *Half) separate() {
	for i := range h.epochs.list[1:] {
		if a, b := &h.epochs.list[i], &h.epochs.list[i+1]; h.apart(a, b) {
			h.cut(b.Start)
		}
	}
}

// apart reports whether nothing goes from an epoch into a later one.
func (h *Half) apart(a, b *epoch) bool {
	return a.pads != nil && b.pads != nil && h.safe(a) != h.safe(b)
}

// cut ends, before slot n, all that was asked for before.
func (h *Half) cut(n cell.Slot) {
	x := &h.leases
	for i := range x.mine {
		if l := &x.mine[i]; l.made < n && l.end > n {
			l.end, l.from = n, min(l.from, n)
			h.spoil(n)
		}
	}
	for i := range x.pending {
		if p := &x.pending[i]; p.made < n && n <= h.said+1 {
			*p = pending{}
		}
	}
}

// bound returns the slot before which a lease that is won in epoch e ends at the
// latest, as far as is known: the start of one of another kind, or end.
func (h *Half) bound(e *epoch, end cell.Slot) cell.Slot {
	for i := range h.epochs.list {
		if b := &h.epochs.list[i]; b.Start > e.Start && (b.Lapse || b.pads == nil || h.apart(e, b)) {
			end = min(end, b.Start)
		}
	}
	return end
}
