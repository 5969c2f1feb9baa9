// Package bmix is the client's half of the bMIX (the paper's protocol 3): one
// cell goes up in every slot, and those of all users come down. It is pure.
// mixclient/core is its only caller; the server's half is
// server/internal/mix/bmix, and transport/wire has the layout of what comes down.
//
//	protocol 3, step 1: a key with each contact, from pairing; a veil with each on
//	                    his connection (package veil)
//	protocol 3, step 2: Up with nothing to say
//	protocol 3, step 3: the server sends what everybody said to everybody
//	protocol 3, step 4: Down tries every channel, at the cost of one look-up each
//
// The upload, which comes down to all as it is:
//
//	 0      2        10                              122   128
//	+------+---------+--------------------------------+-----+
//	| slot | tag 8   | kind 1, body 111               | 0 6 |
//	+------+---------+--------------------------------+-----+
//	 clear   \_____ veiled: random to all but one _________/
//
// The server sees who uploads what, as it must: and each upload is 126 bytes that
// are random to it, call or no call. It cannot see who finds something in them,
// since all get all of it.
//
// # What differs from the paper
//
// Step 4 has A try the key of each contact X on X's channel. Here a tag finds the
// cells, so that a slot costs the same with a thousand contacts or with none; and
// strangers who hold a contact link are found the same way. Cells are keyed by the
// connections of both ends, so that a server which sets its slots back, or plays
// old uploads again, gets no tag twice and is not heard.
package bmix

import (
	"encoding/binary"

	"undertone/mixclient/half"
	"undertone/mixclient/veil"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/wire"
)

// slotSize is the length of the label before the veiled part of a cell.
const slotSize = 2

// near is how far a message's slot may be from the one it came in: what is
// further off is of no use, and to look for it would cost the tags of a slot.
const near = 256

// A Half is the client's end of one link. It is for one goroutine at a time.
type Half struct {
	book  *veil.Book
	self  key.Handle
	conn  key.Connection
	count int // channels in the newest slot
	high  cell.Slot
	found half.Found
}

var _ half.Half = (*Half)(nil)

// New returns the half of a user for a connection with the given value, which
// signalling has told the server.
func New(self key.Handle, conn key.Connection) *Half {
	return &Half{book: veil.New(self, conn), self: self, conn: conn}
}

// Shape returns what goes up: one cell.
func (h *Half) Shape() half.Shape { return half.Shape{Parts: 1, Messages: 1, Size: cell.Size} }

// Up is protocol 3, step 2, or the communication that follows it: the cell of
// slot n holds what is said, or garbage.
func (h *Half) Up(out []byte, n cell.Slot, s *half.Say) {
	binary.BigEndian.PutUint16(out, n.Low())
	h.book.Seal(out[slotSize:cell.Size], n, s, nil)
}

// Down is protocol 3, step 4, for eight channels.
func (h *Half) Down(in []byte, ref cell.Slot, ear half.Ear) (half.Report, bool) {
	head, ok := wire.ParseBroadcast(in)
	if !ok {
		return half.Report{}, false
	}
	n := cell.Extend(ref, head.Slot)
	if n+near < ref || n > ref+near {
		return half.Report{}, false
	}
	h.seat(n, &head)
	for i := range wire.BroadcastCells {
		h.book.Open(n, wire.BroadcastCell(in, i)[slotSize:], &h.found)
		ear.Hear(&h.found)
	}
	last := head.Base+wire.BroadcastCells == head.Count
	return half.Report{Slot: n, Feedback: head.Feedback, Last: last, Final: last}, true
}

// seat takes in what a message says of the roster.
func (h *Half) seat(n cell.Slot, head *wire.Broadcast) {
	if n < h.high {
		return // A straggler knows less than what came before it.
	}
	h.high = n
	for i := head.Count; i < h.count; i++ {
		h.book.Seat(i, key.Handle{}, key.Connection{})
	}
	h.count = head.Count
	h.book.Seat(head.Channel, head.Owner, head.Conn)
}

// Keys takes in whom the user may hear and write to.
func (h *Half) Keys(k *half.Keyring) { h.book.Keys(k) }

// Stale reports that nothing has to be made anew.
func (h *Half) Stale() (cell.Slot, bool) { return 0, false }

// Wants does nothing: everybody has a channel.
func (h *Half) Wants(bool) {}

// Leave does nothing: nobody waits for who has gone.
func (h *Half) Leave() cell.Slot { return 0 }

// Left reports that the link may end.
func (h *Half) Left() bool { return true }

// Status tells who is online.
func (h *Half) Status() half.Status {
	all, known := h.book.Members()
	return half.Status{Members: all + 1, Known: known, Ready: h.high > 0}
}

// Alarms returns none: the server can do nothing but drop cells.
func (h *Half) Alarms() []half.Alarm { return nil }
