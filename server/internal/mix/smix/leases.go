package smix

import (
	"bytes"
	"encoding/binary"
	"slices"

	"undertone/transport/cell"
	"undertone/transport/seal"
	"undertone/transport/superpose"
)

// A channel is free, or leased to who made a token: who that is nobody knows.
//
//	      a token wins it                a cell is in it
//	free ----------------> granted ----------------------> begun
//	  ^                        |                              |
//	  +-- 2 s are over --------+                              |
//	  +-- the lease is over, or empty for 1 s, or all lapse --+
type channel struct {
	name  superpose.Name // of the token; zero: free
	since cell.Slot      // when it was granted, or a cell was last in it
	end   cell.Slot      // the first slot that is not in the lease
	begun bool
	empty bool // nothing was in it in the last complete slot
}

// lapse ends all leases.
func (s *Set) lapse() {
	for c := range s.channels {
		s.channels[c] = channel{empty: true}
	}
}

// lease takes in the sum of slot n: what is in the channels, and who asks for one.
func (s *Set) lease(n cell.Slot) {
	complete, opening := s.flags&superpose.Complete != 0, s.flags&superpose.Opening != 0
	for c := range s.channels {
		ch := &s.channels[c]
		if complete && !opening {
			body := s.bodies[c/superpose.Cells*seal.ShareSize:]
			ch.empty = isZero(superpose.Channel(body, c%superpose.Cells))
			if !ch.empty && ch.name != (superpose.Name{}) {
				ch.begun, ch.since = true, n
			}
		}
		patience := s.times.begin
		if ch.begun {
			patience = s.times.idle
		}
		if n >= ch.end || n > ch.since+patience {
			*ch = channel{empty: ch.empty}
		}
	}
	if complete {
		s.collect(n, opening)
		s.grant(n)
	}
}

func isZero(b []byte) bool {
	var any uint64
	for ; len(b) >= 8; b = b[8:] {
		any |= binary.LittleEndian.Uint64(b)
	}
	return any == 0
}

// collect finds the tokens in the sum, in their order, each once.
func (s *Set) collect(n cell.Slot, opening bool) {
	s.tokens = s.tokens[:0]
	t := s.epoch.TokenSlot(n)
	for k := range s.messages {
		places := s.bodies[k*seal.ShareSize : (k+1)*seal.ShareSize]
		if !opening {
			places = places[superpose.Cells*cell.Size:]
		}
		for ; len(places) > 0; places = places[superpose.TokenSize:] {
			token := superpose.Token(places)
			if token != (superpose.Token{}) && token.Check(&s.epoch.name, t) {
				s.tokens = append(s.tokens, token)
			}
		}
	}
	slices.SortFunc(s.tokens, func(a, b superpose.Token) int { return bytes.Compare(a[:], b[:]) })
	s.tokens = slices.Compact(s.tokens)
}

// grant gives free channels to tokens.
func (s *Set) grant(n cell.Slot) {
	t := s.epoch.TokenSlot(n)
	for i := range s.tokens {
		name := s.tokens[i].Name(&s.epoch.name, t)
		if s.holds(name) {
			continue
		}
		empty := uint32(0)
		for c := range s.channels {
			if s.ends[c] = s.channels[c].end; s.channels[c].empty {
				empty |= 1 << c
			}
		}
		c := s.calendar.Grant(t, s.ends, empty)
		if c < 0 {
			return
		}
		s.channels[c] = channel{name: name, since: n, end: s.calendar.End(c, t), empty: true}
	}
}

// holds reports whether a token has a channel already, which those of an opening
// may, since they come several times.
func (s *Set) holds(name superpose.Name) bool {
	return slices.ContainsFunc(s.channels, func(ch channel) bool { return ch.name == name })
}

// putMap writes who holds which channel.
func (s *Set) putMap() {
	for c := range s.channels {
		copy(s.maps[c*superpose.NameSize:], s.channels[c].name[:])
	}
}
