// Package half is what the server's slot clock and the server's half of a mode
// say to each other. It holds types only. The halves are mix/tmix, bmix and
// smix; mix.New picks one by the mode of the set, and mix.Engine calls it.
//
//	signalling ──Member──▶ Admit ──Entrant──┐
//	                                         ▼
//	slot clock ──────────────────────▶ Join, Leave      between two slots
//	           ──In of everybody─────▶ Slot             once in a slot
//	           ◀─message k of part p── Out              for each user, at his time
//
// A batch is what goes up or down on one link in one slot, whatever is said:
//
//	       Shape up (Parts × Messages × Size)   Shape down
//	tmix   1 × 1 × 128                          1 × 1 × 128
//	bmix   1 × 1 × 128                          1 × ⌈channels/8⌉ × 1156
//	smix   2 × ⌈C/8⌉ × 1156                     2 × ⌈C/8⌉ × 1156
//
// Part p moves p/Parts of an interval after part 0. Every message begins with
// the low 16 bits of its slot, big endian. Where a batch up has more than one
// message or part, the next byte of each is its place (cell.Place).
package half

import (
	"undertone/transport/cell"
	"undertone/transport/key"
)

// A Shape is what a batch is like.
type Shape struct {
	// Parts are sent at equal distances in an interval. Each has Messages
	// messages of Size bytes.
	Parts, Messages, Size int
}

// Bytes returns the length of one part of a batch, in bytes.
func (s Shape) Bytes() int { return s.Messages * s.Size }

// Placed reports whether messages say their place.
func (s Shape) Placed() bool { return s.Parts > 1 || s.Messages > 1 }

// A Member is a user who comes online.
type Member struct {
	Handle key.Handle
	// Link is the secret of his link. Who keeps it copies it.
	Link *key.Secret
	// Record is what he sent along: nothing in tMIX, 16 bytes in bMIX, and
	// his public keys of this connection in sMIX. Who keeps it copies it.
	Record []byte
}

// An Entrant is a member whom a half has checked and made ready to join. Only
// the half that made it knows what is in it.
type Entrant any

// An In is what the server has of one user in a slot.
type In struct {
	// Batch is one part of the user's upload for the slot, if Present: its
	// messages, one after the other. Where there are several parts each of the
	// messages is of any of them. It has the length of a part, present or not,
	// and is valid during the call only.
	Batch   []byte
	Present bool
	// Early is the feedback to send.
	Early int8
}

// A Half is the server's half of a mode: pure, with no clock, no goroutine and
// no I/O. All methods but Admit are for one goroutine at a time, and none but
// Admit and Join may allocate.
type Half interface {
	// Admit makes a member ready to join, or says why he cannot. It may take
	// some time, and may be called from any goroutine at any time: it touches
	// nothing that other methods do.
	Admit(m Member) (Entrant, error)
	// Join gives a seat to who was admitted. Whoever had the seat, and a seat
	// that the same user had, leaves.
	Join(seat int, e Entrant)
	// Leave frees a seat; nothing happens if it is free.
	Leave(seat int)

	// Shape returns what an upload is like. It never changes.
	Shape() Shape
	// Slot takes in what came for slot n. in has one entry for each seat; those
	// of free seats are not looked at. It is total. Slots must rise: for one
	// that does not, nothing happens.
	Slot(n cell.Slot, in []In)
	// Recover finishes slot n after a fault ended Slot in the middle, or before
	// it began: with cover, or with what it had. It drops all that may have led
	// to the fault.
	Recover(n cell.Slot, in []In)
	// Down returns what everybody gets for the last slot. It is the same for
	// all, and changes with who is online, in steps.
	Down() Shape
	// Out returns message k of part p of what the user on a seat gets for the
	// last slot. It is total. The message lies in dst, which has cell.MaxMessage
	// bytes, or in the half's own memory; it is valid until the next call.
	Out(seat, p, k int, dst []byte) []byte

	// Refused returns how many uploads were of no use so far.
	Refused() uint64
}
