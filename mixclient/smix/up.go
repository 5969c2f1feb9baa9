package smix

import (
	"crypto/subtle"

	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/seal"
	"undertone/transport/superpose"
)

// Up makes the batch of slot n: both parts of it, which are alike.
func (h *Half) Up(out []byte, n cell.Slot, s *half.Say) {
	one := h.messages * superpose.Size
	first := out[:one]
	live := h.note(n, s)
	head := superpose.Head{Slot: n.Low(), Seen: h.high.Low(), Ack: h.in.Ack()}
	if e := h.epochs.at(n); e != nil {
		head.Flags, head.Epoch = superpose.Share, e.Low()
		h.share(first, e, n, s, live)
		head.Grain, head.Count = h.out.Chunk(superpose.UpChunk(first), n)
	} else {
		head.Flags = superpose.UpBulk
		clear(first)
		head.Grain, head.Count = h.out.Chunk(superpose.Body(first), n)
	}
	if h.leave != 0 && n >= h.leave {
		head.Flags |= superpose.Leaving
	}
	h.label(first, head, 0)
	copy(out[one:], first)
	h.label(out[one:2*one], head, 1)
}

// label writes the heads of the messages of a part.
func (h *Half) label(part []byte, head superpose.Head, p int) {
	head.Part = p
	for k := range h.messages {
		m := part[k*superpose.Size : (k+1)*superpose.Size]
		head.K = k
		if k > 0 {
			head.Count = 0
			clear(superpose.UpChunk(m))
		}
		clear(superpose.UpZeros(m))
		head.PutUp(m)
	}
}

// note remembers that a batch of slot n is made, and reports whether it is made
// at its time, rather than in advance, or anew in advance. What is made at its time
// comes in rising order, and what is made anew from the newest down.
func (h *Half) note(n cell.Slot, s *half.Say) bool {
	down := n+1 == h.last || n == h.horizon
	h.last = n
	if n > h.horizon {
		h.horizon = n
		return s.Kind != cell.Cover
	}
	live := s.Kind != cell.Cover || n == h.said+1 || !down && n > h.said && n <= h.high+h.times.live
	if live {
		h.said = max(h.said, n)
	}
	return live
}

// share makes the bodies of slot n.
func (h *Half) share(first []byte, e *epoch, n cell.Slot, s *half.Say, live bool) {
	m := h.pads(e, n)
	for k := range h.messages {
		copy(superpose.Body(first[k*superpose.Size:(k+1)*superpose.Size]), m.pads[k*seal.ShareSize:])
	}
	open := e.Opening(n)
	voice := h.speak(m, e, n, s, live && !open)
	for i := range h.leases.mine {
		if l := &h.leases.mine[i]; !open && l.fills(n) {
			h.fill(first, m, l, n, l == voice)
		}
	}
	if live {
		h.reserve(e, n)
	}
	h.place(first, e, n)
}

// fill puts a cell into a channel: what is said, or garbage.
func (h *Half) fill(first []byte, m *made, l *own, n cell.Slot, speaks bool) {
	c := &h.cells[l.channel]
	h.leases.garbage[l.channel].Cloak(c[:], n, h.leases.zeros[:])
	if speaks {
		c = &m.said
	}
	k := l.channel / superpose.Cells
	dst := superpose.Channel(superpose.Body(first[k*superpose.Size:(k+1)*superpose.Size]), l.channel%superpose.Cells)
	subtle.XORBytes(dst, dst, c[:])
}

// speak seals what is said in slot n, and returns the lease that it goes into: the
// one that was won last. The work is the same if nothing is said.
func (h *Half) speak(m *made, e *epoch, n cell.Slot, s *half.Say, live bool) *own {
	if !live {
		return nil
	}
	extra := h.judge.extra(h, n, s)
	speaks := (h.safe(e) || pairing(s)) && h.book.Can(s)
	h.book.Seal(m.said[:], n, s, extra[:])
	m.channel = -1
	l := h.leases.voice(n)
	if !speaks || l == nil {
		return nil
	}
	m.channel = l.channel
	return l
}

// pairing reports whether what is said is a letter of a pairing. It goes out among
// strangers as well, since nobody is known before the first pairing. It shows
// nothing: channels are held as by somebody who has nothing to say, and under its
// veil a letter looks like garbage.
func pairing(s *half.Say) bool {
	class := seal.LetterClass(&s.Body)
	return s.Kind == cell.Letter && !s.Group && (class == seal.FromInitiator || class == seal.FromResponder)
}
