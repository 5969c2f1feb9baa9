// Package superpose is what both halves of the sMIX (the paper's section 5.2) say
// to each other: messages, records of members, epochs, reservations. It is pure.
// The halves are mixclient/smix and server/internal/mix/smix; transport/seal has
// the pads, and transport/trickle carries the items.
//
// # Messages
//
// K = ⌈channels/8⌉ messages go up in each slot, and K come down, each of 1,156
// bytes, and all of them twice (part 0 and part 1). Message k is about channels 8k
// to 8k+7.
//
// Up:
//
//	 0      2       3       4       6      8     10      12      13       45     68          1156
//	+------+-------+-------+-------+------+-----+-------+-------+--------+------+-------------+
//	| slot | place | flags | epoch | seen | ack | grain | count | chunk  |zeros | body        |
//	|   2  |   1   |   1   |   2   |  2   |  2  |   2   |   1   |  32    | 23   | 1088        |
//	+------+-------+-------+-------+------+-----+-------+-------+--------+------+-------------+
//
//	slot   low bits of the slot         place  part and k (cell.Place)
//	epoch  low bits of its number       seen   low bits of the newest slot heard
//	ack, grain, count, chunk: package trickle. With the flag Bulk the body is the
//	chunk, of 34 grains; otherwise it is 32 bytes, and the body a share.
//	Message 0 alone has a chunk.
//
// Down:
//
//	 0      2       3       4          5     7       9       10           42      44    68    1156
//	+------+-------+-------+----------+-----+-------+-------+------------+-------+-----+--------+
//	| slot | place | flags | feedback | ack | grain | count | news/chunk | epoch | map | body   |
//	|   2  |   1   |   1   |    1     |  2  |   2   |   1   |    32      |   2   | 24  | 1088   |
//	+------+-------+-------+----------+-----+-------+-------+------------+-------+-----+--------+
//	                                                                     \___ the same for all __/
//
//	map    three bytes for each channel: zero if it is free, otherwise the name of
//	       the token that won it
//	news   with the flag News, what the next epoch is (News); otherwise a chunk
//	body   Complete: the sum of all shares, 8 cells and 8 reservations, or 136
//	       reservations if Opening; Bulk: a chunk; Listed: an epoch (Epoch); otherwise
//	       zeros
//
// Who is in no epoch sends chunks and gets chunks in the body, so that joining is
// fast. A slot that is not complete has no sum that means anything (the pads of
// whoever is missing hide it), so its body says which epoch it is, for those who
// have fallen out of step.
//
// # Reservations
//
// A token is 8 bytes in a random place of the reservations:
//
//	| nonce 4 | first 4 bytes of SHA-256(label ‖ name of the epoch ‖ slot ‖ nonce) |
//
// The sum of two tokens in one place fails the check. In an opening, a token is
// made for the first slot of the epoch and may be put into several places and
// slots: it still wins one channel. Which channel a token wins, and when its lease
// ends, follows from the slot that it is made for: package calendar.
package superpose

import (
	"encoding/binary"

	"undertone/transport/cell"
	"undertone/transport/seal"
	"undertone/transport/trickle"
)

// Specification constants.
const (
	// Size is the length of every message, in bytes.
	Size = cell.MaxMessage
	// Cells is how many channels a message is about.
	Cells = 8
	// MaxChannels is how many channels there may be.
	MaxChannels = 32
	// ChunkSize and BulkSize are the lengths of chunks.
	ChunkSize = trickle.Grain
	BulkSize  = seal.ShareSize

	// PublicAt is where that begins which all members of an epoch get alike.
	PublicAt = downEpochAt

	placeAt    = cell.PlaceAt
	flagsAt    = 3
	upEpochAt  = 4
	upSeenAt   = 6
	upAckAt    = 8
	upGrainAt  = 10
	upCountAt  = 12
	upChunkAt  = 13
	feedbackAt = 4
	ackAt      = 5
	grainAt    = 7
	countAt    = 9
	chunkAt    = 10

	downEpochAt = chunkAt + ChunkSize
	mapAt       = downEpochAt + 2
	// BodyAt is where the body of a message begins.
	BodyAt = mapAt + Cells*NameSize
)

// The layout must add up, or the package does not compile.
const (
	_ = uint(Size - BodyAt - seal.ShareSize)
	_ = uint(BodyAt + seal.ShareSize - Size)
	_ = uint(BodyAt - upChunkAt - ChunkSize)
)

// Flags of messages up.
const (
	// Share says that the body is a share of the epoch.
	Share byte = 1 << iota
	// UpBulk says that the body is a chunk.
	UpBulk
	// Leaving says that the member wants to leave and holds no lease.
	Leaving
)

// Flags of messages down.
const (
	// Complete says that the body is the sum of the shares of all members.
	Complete byte = 1 << iota
	// Opening says that the whole sum is reservations.
	Opening
	// Bulk says that the body is a chunk.
	Bulk
	// Listed says that the body is an epoch.
	Listed
	// Told says that there are news in the place of a chunk.
	Told
)

// Messages returns how many messages a slot has.
func Messages(channels int) int { return (channels + Cells - 1) / Cells }

// A Head is what a message says of itself: those of both directions have most of
// it in common.
type Head struct {
	Slot    uint16
	Part, K int
	Flags   byte
	Epoch   uint16
	// Seen is for messages up, Feedback for messages down.
	Seen     uint16
	Feedback int8
	// Ack, Grain and Count are of the trickle.
	Ack, Grain uint16
	Count      int
}

// PutUp writes the head of a message up.
func (h *Head) PutUp(b []byte) {
	binary.BigEndian.PutUint16(b, h.Slot)
	b[placeAt] = cell.Place(h.Part, h.K)
	b[flagsAt] = h.Flags
	binary.BigEndian.PutUint16(b[upEpochAt:], h.Epoch)
	binary.BigEndian.PutUint16(b[upSeenAt:], h.Seen)
	binary.BigEndian.PutUint16(b[upAckAt:], h.Ack)
	binary.BigEndian.PutUint16(b[upGrainAt:], h.Grain)
	b[upCountAt] = byte(h.Count)
}

// ParseUp reads the head of a message up.
func ParseUp(b []byte) (Head, bool) {
	if len(b) != Size {
		return Head{}, false
	}
	part, k := cell.ReadPlace(b[placeAt])
	return Head{
		Slot: binary.BigEndian.Uint16(b), Part: part, K: k,
		Flags: b[flagsAt], Epoch: binary.BigEndian.Uint16(b[upEpochAt:]), Seen: binary.BigEndian.Uint16(b[upSeenAt:]),
		Ack: binary.BigEndian.Uint16(b[upAckAt:]), Grain: binary.BigEndian.Uint16(b[upGrainAt:]), Count: int(b[upCountAt]),
	}, true
}

// PutDown writes the head of a message down.
func (h *Head) PutDown(b []byte) {
	binary.BigEndian.PutUint16(b, h.Slot)
	b[placeAt] = cell.Place(h.Part, h.K)
	b[flagsAt] = h.Flags
	b[feedbackAt] = byte(h.Feedback)
	binary.BigEndian.PutUint16(b[ackAt:], h.Ack)
	binary.BigEndian.PutUint16(b[grainAt:], h.Grain)
	b[countAt] = byte(h.Count)
	binary.BigEndian.PutUint16(b[downEpochAt:], h.Epoch)
}

// ParseDown reads the head of a message down.
func ParseDown(b []byte) (Head, bool) {
	if len(b) != Size {
		return Head{}, false
	}
	part, k := cell.ReadPlace(b[placeAt])
	return Head{
		Slot: binary.BigEndian.Uint16(b), Part: part, K: k,
		Flags: b[flagsAt], Feedback: int8(b[feedbackAt]), Epoch: binary.BigEndian.Uint16(b[downEpochAt:]),
		Ack: binary.BigEndian.Uint16(b[ackAt:]), Grain: binary.BigEndian.Uint16(b[grainAt:]), Count: int(b[countAt]),
	}, true
}

// Body returns the body of a message.
func Body(b []byte) []byte { return b[BodyAt:Size:Size] }

// UpChunk returns the place of the small chunk in a message up.
func UpChunk(b []byte) []byte { return b[upChunkAt : upChunkAt+ChunkSize : upChunkAt+ChunkSize] }

// UpZeros returns what is between that and the body.
func UpZeros(b []byte) []byte { return b[upChunkAt+ChunkSize : BodyAt] }

// DownChunk returns the place of news, or of the small chunk, in a message down.
func DownChunk(b []byte) []byte { return b[chunkAt : chunkAt+ChunkSize : chunkAt+ChunkSize] }

// Map returns the names of the tokens that hold the channels of a message down.
func Map(b []byte) []byte { return b[mapAt:BodyAt:BodyAt] }

// Channel returns cell i of a body or of a share.
func Channel(body []byte, i int) []byte {
	return body[i*cell.Size : (i+1)*cell.Size : (i+1)*cell.Size]
}

// Slots returns how many slots so many milliseconds last, rounded up.
func Slots(i cell.Interval, milliseconds int) cell.Slot {
	return cell.Slot((milliseconds + i.Milliseconds() - 1) / i.Milliseconds()) //nolint:gosec // positive
}
