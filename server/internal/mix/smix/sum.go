package smix

import (
	"crypto/subtle"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/seal"
	"undertone/transport/superpose"
)

// sum adds up the shares of slot n. It is complete if that of every member of the
// epoch is there; otherwise it means nothing, and is not told.
func (s *Set) sum(n cell.Slot, in []half.In) {
	clear(s.bodies)
	s.flags = superpose.Complete
	for _, number := range s.epoch.Members {
		m := s.number[number]
		switch {
		case m == nil:
			s.flags = 0
		case in[m.seat].Present && s.share(in[m.seat].Batch):
			m.met()
		case in[m.seat].Present && s.excused(n, m):
			m.excuse()
			s.flags = 0
		default:
			m.miss()
			s.flags = 0
		}
	}
	if len(s.epoch.Members) == 0 {
		s.flags = 0
	}
	if s.flags == 0 {
		clear(s.bodies)
	} else if s.epoch.Opening(n) {
		s.flags |= superpose.Opening
	}
}

// share adds one member's share, and reports whether it is one of this epoch. What
// was added of one that is not does not matter: the sum is dropped.
func (s *Set) share(batch []byte) bool {
	if len(batch) != s.messages*superpose.Size {
		return false
	}
	for k := range s.messages {
		b := batch[k*superpose.Size : (k+1)*superpose.Size]
		h, _ := superpose.ParseUp(b)
		if h.Flags&superpose.Share == 0 || h.Epoch != s.epoch.Low() || h.K != k || h.Slot != s.slot.Low() {
			return false
		}
		sum := s.bodies[k*seal.ShareSize : (k+1)*seal.ShareSize]
		subtle.XORBytes(sum, sum, superpose.Body(b))
	}
	return true
}

// publish makes what all members get alike.
func (s *Set) publish(n cell.Slot) {
	s.putMap()
	if s.flags&superpose.Complete == 0 {
		s.flags = superpose.Listed
		for k := range s.messages {
			body := s.bodies[k*seal.ShareSize : (k+1)*seal.ShareSize]
			clear(body[copy(body, s.listed):])
		}
	}
	if s.telling(n) {
		s.flags |= superpose.Told
	}
}
