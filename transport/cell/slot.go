package cell

import "encoding/binary"

// A Slot numbers one tick of a set's clock. Slot n of a set with interval i
// starts n·i after the Unix epoch by the server's clock, so numbers go on over
// a restart of the server. They never go back.
type Slot uint64

// Low returns the part of the slot number that is written in a cell.
func (n Slot) Low() uint16 { return uint16(n) } //nolint:gosec // the low bits are meant

// Extend returns the slot nearest to ref whose low bits are low. It is exact
// while the two are less than 32,768 slots apart (11 minutes at 20 ms).
func Extend(ref Slot, low uint16) Slot {
	return ref + Slot(int64(int16(low-ref.Low()))) //nolint:gosec // modular arithmetic is meant
}

// ReadLow returns the low bits of the slot as written in c.
func (c *Cell) ReadLow() uint16 { return binary.BigEndian.Uint16(c[:slotSize]) }
