package smix

import (
	"crypto/subtle"

	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/superpose"
)

// itemsAtOnce bounds what is read of the trickle with one message: a key agreement
// takes some hundred microseconds.
const itemsAtOnce = 2

// Down reads a message. Of the two that are alike the first counts.
func (h *Half) Down(in []byte, ref cell.Slot, ear half.Ear) (half.Report, bool) {
	head, ok := superpose.ParseDown(in)
	if !ok || head.K >= h.messages || head.Part > 1 {
		return half.Report{}, false
	}
	n := cell.Extend(ref, head.Slot)
	if n+h.times.near < ref || n > ref+h.times.near || n == 0 {
		return half.Report{}, false
	}
	report := half.Report{Slot: n, Feedback: head.Feedback, Final: head.Part == 1 && head.K == h.messages-1}
	x := &h.heard[n%recent]
	if x.slot > n || x.slot == n && x.messages&(1<<head.K) != 0 {
		return report, true // Long past, or the second of two.
	}
	if x.slot != n {
		*x = heard{slot: n}
	}
	x.messages |= 1 << head.K
	report.Last = x.messages == 1<<h.messages-1
	if n > h.high {
		if n > h.high+1 {
			h.leases.lost = n - 1
		}
		h.high = n
		h.expire()
	}
	if head.K == 0 {
		h.first(n, &head, in)
	}
	h.body(n, &head, in, x, ear)
	return report, true
}

// first takes in what only the first message of a slot has.
func (h *Half) first(n cell.Slot, head *superpose.Head, in []byte) {
	h.out.Ack(head.Ack)
	switch {
	case head.Flags&superpose.Bulk != 0:
		h.in.Put(head.Grain, head.Count, superpose.Body(in))
	case head.Flags&superpose.Told == 0:
		h.in.Put(head.Grain, head.Count, superpose.DownChunk(in))
	}
	for range itemsAtOnce {
		item, ok := h.in.Next()
		if !ok {
			break
		}
		h.item(item)
	}
	h.hear(n, head, in)
}

// body takes in what all members get alike, if the user is one of them.
func (h *Half) body(n cell.Slot, head *superpose.Head, in []byte, x *heard, ear half.Ear) {
	e := h.epochs.at(n)
	if e == nil || head.Flags&superpose.Bulk != 0 || head.Epoch != e.Low() {
		return
	}
	h.readMap(n, head.K, head, e, in)
	if head.Flags&superpose.Complete == 0 {
		return
	}
	h.remember(head, in, x)
	if e.Opening(n) {
		return
	}
	body := superpose.Body(in)
	h.check(n, head.K, body)
	for i := range min(superpose.Cells, h.cfg.Channels-head.K*superpose.Cells) {
		extra := h.book.Open(n, superpose.Channel(body, i), &h.found)
		h.judge.compare(h, &h.found, extra)
		ear.Hear(&h.found)
	}
}

// remember keeps a digest of what came, to compare with others.
func (h *Half) remember(head *superpose.Head, in []byte, x *heard) {
	h.public = append(h.public[:0], head.Flags&(superpose.Complete|superpose.Opening), byte(head.K))
	h.public = append(h.public, in[superpose.PublicAt:]...)
	d := digest(h.public)
	subtle.XORBytes(x.digest[:], x.digest[:], d[:])
	x.complete = x.messages == 1<<h.messages-1
}

// heardOf returns what came for slot n, nil if nothing did, or it is too long ago.
func (h *Half) heardOf(n cell.Slot) *heard {
	if x := &h.heard[n%recent]; x.slot == n && n != 0 {
		return x
	}
	return nil
}
