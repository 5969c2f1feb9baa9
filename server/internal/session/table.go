package session

import (
	"errors"
	"slices"
	"time"

	"undertone/transport/key"
)

// ErrFull is returned when every seat is taken.
var ErrFull = errors.New("the server is full: try again when somebody has left, or ask for more seats")

// A Table lists the lines of a set, one for each user, and hands out seats, the
// lowest first: what is sent down in a bMIX goes by the highest that is taken. It
// is for one goroutine at a time.
//
//	        Add            Add of the same user, Remove
//	(none) -----> listed ------------------------------> (none)
type Table struct {
	lines map[key.Handle]*Line
	free  []int // seats, highest first; the last is handed out next
}

// NewTable returns a Table with the given number of seats, all free.
func NewTable(seats int) *Table {
	t := &Table{lines: make(map[key.Handle]*Line), free: make([]int, seats)}
	for i := range t.free {
		t.free[i] = seats - 1 - i
	}
	return t
}

// Len returns how many lines there are.
func (t *Table) Len() int { return len(t.lines) }

// Add lists l and gives it a seat. If the user has a line already it is replaced
// and returned.
func (t *Table) Add(l *Line) (old *Line, err error) {
	if old = t.lines[l.handle]; old != nil {
		t.Remove(old)
	}
	if len(t.free) == 0 {
		return nil, ErrFull
	}
	last := len(t.free) - 1
	l.seat, t.free = t.free[last], t.free[:last]
	t.lines[l.handle] = l
	return old, nil
}

// Remove takes l off the list, and reports whether it was on it.
func (t *Table) Remove(l *Line) bool {
	if t.lines[l.handle] != l {
		return false
	}
	delete(t.lines, l.handle)
	at, _ := slices.BinarySearchFunc(t.free, l.seat, func(free, seat int) int { return seat - free })
	t.free = slices.Insert(t.free, at, l.seat)
	return true
}

// Find returns the line of a user, or nil.
func (t *Table) Find(h key.Handle) *Line { return t.lines[h] }

// Gone returns the lines that have been silent for too long.
func (t *Table) Gone(now time.Time) (gone []*Line) {
	for _, l := range t.lines {
		if l.Gone(now) {
			gone = append(gone, l)
		}
	}
	return gone
}
