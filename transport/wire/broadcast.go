package wire

import (
	"encoding/binary"

	"undertone/transport/cell"
	"undertone/transport/key"
)

// The download message of a bMIX, of which a slot has one for every eight
// channels (protocol 3, step 3):
//
//	 0       2      3       5        7                             41      132
//	+-------+------+-------+--------+-----------------------------+-------+-----------+
//	| slot  | feed | base  | count  | channel 2 handle 16 conn 16 | zeros | 8 cells   |
//	+-------+------+-------+--------+-----------------------------+-------+-----------+
//
//	feed     feedback: the one byte that is not the same for all users
//	base     the channel of the first cell, a multiple of 8
//	count    how many channels there are in this slot, a multiple of 8
//	channel  whose owner the next two name, both zero if it has none: one of the
//	         eight, in turn by slots, so that who missed one learns it eight slots
//	         later
const (
	// BroadcastCells is how many cells a message holds.
	BroadcastCells = 8
	// BroadcastSize is the length of a message.
	BroadcastSize = cell.MaxMessage

	feedbackAt = 2
	baseAt     = 3
	countAt    = 5
	ownerAt    = 7
	cellsAt    = BroadcastSize - BroadcastCells*cell.Size

	// MaxChannels bounds the channels of a set: forty messages in a slot are what a
	// link carries at once.
	MaxChannels = 40 * BroadcastCells
)

// A Broadcast is the head of a download message.
type Broadcast struct {
	Slot     uint16 // the low bits
	Feedback int8
	Base     int // the channel of the first cell
	Count    int // channels in this slot
	// Channel is the one whose owner is told, Owner and Conn who that is: zero if
	// nobody.
	Channel int
	Owner   key.Handle
	Conn    key.Connection
}

// Put writes the head into b, which has BroadcastSize bytes.
func (h *Broadcast) Put(b []byte) {
	binary.BigEndian.PutUint16(b, h.Slot)
	b[feedbackAt] = byte(h.Feedback)                           //nolint:gosec // a signed byte, as it is
	binary.BigEndian.PutUint16(b[baseAt:], uint16(h.Base))     //nolint:gosec // below MaxChannels
	binary.BigEndian.PutUint16(b[countAt:], uint16(h.Count))   //nolint:gosec // at most MaxChannels
	binary.BigEndian.PutUint16(b[ownerAt:], uint16(h.Channel)) //nolint:gosec // below MaxChannels
	rest := b[ownerAt+2 : cellsAt]
	clear(rest[copy(rest, h.Owner[:])+copy(rest[len(h.Owner):], h.Conn[:]):])
}

// ParseBroadcast reads the head of a message. It fails for what no server sends.
func ParseBroadcast(b []byte) (Broadcast, bool) {
	if len(b) != BroadcastSize {
		return Broadcast{}, false
	}
	h := Broadcast{
		Slot:     binary.BigEndian.Uint16(b),
		Feedback: int8(b[feedbackAt]), //nolint:gosec // a signed byte, as it is
		Base:     int(binary.BigEndian.Uint16(b[baseAt:])),
		Count:    int(binary.BigEndian.Uint16(b[countAt:])),
		Channel:  int(binary.BigEndian.Uint16(b[ownerAt:])),
	}
	rest := b[ownerAt+2 : cellsAt]
	rest = rest[copy(h.Owner[:], rest):]
	rest = rest[copy(h.Conn[:], rest):]
	switch {
	case h.Count > MaxChannels || h.Count%BroadcastCells != 0,
		h.Base >= h.Count || h.Base%BroadcastCells != 0,
		h.Channel < h.Base || h.Channel >= h.Base+BroadcastCells,
		!zero(rest):
		return Broadcast{}, false
	}
	return h, true
}

// BroadcastCell returns the place of cell i in a message.
func BroadcastCell(b []byte, i int) []byte {
	at := cellsAt + i*cell.Size
	return b[at : at+cell.Size : at+cell.Size]
}
