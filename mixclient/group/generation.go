package group

import (
	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
)

// A generation is a group for as long as nobody comes or leaves.
type generation struct {
	number  uint16
	secret  key.Secret
	place   int                   // the user's own
	since   [maxPlaces]uint16     // since which generation each place is taken
	members [maxPlaces]key.Handle // who sits there, as far as that is known
	out     *seal.StreamSealer
	in      [maxPlaces]*seal.StreamOpener // nil where nobody sits, and for the user
}

// newGeneration copies the secret.
func newGeneration(number uint16, secret *key.Secret, place int, since [maxPlaces]uint16) *generation {
	g := &generation{number: number, secret: *secret, place: place, since: since}
	for p := range maxPlaces {
		if since[p] == 0 {
			continue
		}
		k := seal.GroupKey(secret, p)
		if p == place {
			g.out = seal.NewStreamSealer(&k)
		} else {
			g.in[p] = seal.NewStreamOpener(&k)
		}
		k.Wipe()
	}
	return g
}

// generations are those of a group that are valid: the newest, and during a
// change the one before.
type generations struct {
	newest, older *generation
	spoken        *generation // the one of the two that the user speaks in, or nil
	switched      cell.Slot   // when he began to speak in the newest
	last          uint16      // the highest number there was
	version       uint64
	groups        [2]half.Group
}

// add begins a change. The one before must be over: whatever was newest is in use.
func (s *generations) add(g *generation) {
	s.close()
	s.spoken, s.older, s.newest, s.last = s.newest, s.newest, g, g.number
	s.version++
}

// take makes the newest the one that is spoken in.
func (s *generations) take(n cell.Slot) {
	s.spoken, s.switched = s.newest, n
	s.version++
}

// isSettled reports whether there is no change.
func (s *generations) isSettled() bool { return s.spoken == s.newest }

// close drops the older generation.
func (s *generations) close() {
	if s.older != nil {
		s.older.secret.Wipe()
		s.older = nil
		s.version++
	}
}

// undo drops the newest generation, which nobody speaks in.
func (s *generations) undo() {
	s.newest.secret.Wipe()
	s.newest, s.older = s.older, nil
	s.version++
}

// clear drops all.
func (s *generations) clear() {
	if s.last == 0 {
		return
	}
	s.close()
	if s.newest != nil {
		s.newest.secret.Wipe()
	}
	*s = generations{version: s.version + 1}
}

// has reports whether there is a key for the voice of a place.
func (s *generations) has(place int) bool {
	return place < maxPlaces && (s.newest != nil && s.newest.in[place] != nil || s.older != nil && s.older.in[place] != nil)
}

// open opens voice of a place, in whatever generation it is of; nil if in none.
func (s *generations) open(n cell.Slot, place int, body *cell.Body, plain *[cell.StreamSize]byte) *generation {
	for _, g := range [...]*generation{s.newest, s.older} {
		if g == nil || g.in[place] == nil {
			continue
		}
		if _, ok := g.in[place].Open(body, n, plain); ok {
			return g
		}
	}
	return nil
}

func (s *generations) keys() []half.Group {
	k := s.groups[:0]
	first, then := s.newest, s.older
	if s.spoken != nil && s.spoken == s.older {
		first, then = then, first
	}
	for _, g := range [...]*generation{first, then} {
		if g != nil {
			k = append(k, half.Group{Secret: &g.secret, Place: g.place, Members: g.members})
		}
	}
	return k
}
