package codec

import (
	"slices"

	"undertone/transport/cell"
)

// A shelf keeps the frames of the next slots until they are due: a row for each
// slot, with a place for each speaker. A row that is needed for another slot
// loses what it held.
type shelf struct {
	speakers int
	slots    [jitterDepth]cell.Slot // whose row it is
	places   []place                // row by row
}

// place is what one speaker says in one slot.
type place struct {
	full  bool
	frame Frame
}

func newShelf(speakers int) shelf {
	speakers = max(speakers, 1)
	return shelf{speakers: speakers, places: make([]place, jitterDepth*speakers)}
}

// row returns the places of slot n, or of the slot that stands in its row.
func (s *shelf) row(n cell.Slot) []place {
	at := int(n%jitterDepth) * s.speakers
	return s.places[at : at+s.speakers]
}

// put keeps a copy of f and reports whether there is such a speaker.
func (s *shelf) put(n cell.Slot, speaker int, f *Frame) bool {
	if speaker < 0 || speaker >= s.speakers {
		return false
	}
	row := s.row(n)
	if of := &s.slots[n%jitterDepth]; *of != n {
		*of = n
		empty(row)
	}
	row[speaker] = place{full: true, frame: *f}
	return true
}

// take moves a frame to f and reports whether it was there.
func (s *shelf) take(n cell.Slot, speaker int, f *Frame) bool {
	if speaker < 0 || speaker >= s.speakers || s.slots[n%jitterDepth] != n {
		return false
	}
	p := &s.row(n)[speaker]
	if !p.full {
		return false
	}
	p.full = false
	*f = p.frame
	return true
}

// peek copies a frame to f and reports whether it was there.
func (s *shelf) peek(n cell.Slot, speaker int, f *Frame) bool {
	if speaker < 0 || speaker >= s.speakers || s.slots[n%jitterDepth] != n {
		return false
	}
	p := &s.row(n)[speaker]
	if p.full {
		*f = p.frame
	}
	return p.full
}

// holds reports whether anything of slot n is there.
func (s *shelf) holds(n cell.Slot) bool {
	return s.slots[n%jitterDepth] == n && slices.ContainsFunc(s.row(n), func(p place) bool { return p.full })
}

// clear forgets all frames.
func (s *shelf) clear() { empty(s.places) }

func empty(row []place) {
	for k := range row {
		row[k].full = false
	}
}
