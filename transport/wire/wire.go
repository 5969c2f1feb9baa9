// Package wire defines what stands inside cells once they are open: the heads of
// streams, the letters that contacts exchange, and the requests of a user to the
// server. It parses and prints bytes, and nothing else; the halves of a mode and
// the client's core call it.
//
// # Streams
//
//	| head 1 | voice 96 |
//
//	head: 0 voice, 1 hang-up (the voice is silence),
//	      128 + 64 k + g voice, and the sender is ready for a generation of a
//	      group whose number is g modulo 64; k is 1 if he knows all its members
//
// # Letters (cell.LetterSize bytes; what a letter does not use is zero)
//
//	knock     | 1 | call 8 | fresh X25519 key 32 | slot 8 | hour 8 | several 1 |
//	answer    | 2 | call 8 | fresh X25519 key 32 |
//	over      | 3 | call 8 |                       either end is done with the call
//	tell      | 4 | call 8 | reason 1 |            only if the callee chose to tell
//	resume    | 5 | call 8 |                       points the route again after a lost line
//	fragment  | 6 | session 4 | message 1 | index 1 | count 1 | data 62 |
//	welcome   | 7 | call 8 | generation 2 | place 1 | since 8 × 2 | masked secret 32 |
//	member    | 8 | call 8 | generation 2 | place 1 | handle 16 | name 33 |
//
// Welcome and member are what the host of a group call tells a member on his leg
// of it (package mixclient/group). since tells for each place from which
// generation on the one who sits there has sat there, zero where nobody does; the
// generation of a member letter is that of its place. A name ends at its first
// zero.
//
// # Control (the first byte of the body, the rest is zero)
//
//	clear     | 1 |                                the sender's route is dropped
package wire

import (
	"encoding/binary"

	"undertone/transport/cell"
)

// Heads of a stream.
const (
	// HeadVoice says that the voice is to be heard.
	HeadVoice = 0
	// HeadHangup says that the sender has hung up.
	HeadHangup = 1

	headReady    = 0x80
	headComplete = 0x40
	headNumber   = 0x3f
)

// HeadReady returns the head of voice whose sender is ready for a generation of
// a group, and maybe knows all its members.
func HeadReady(generation uint16, complete bool) byte {
	h := headReady | byte(generation&headNumber)
	if complete {
		h |= headComplete
	}
	return h
}

// ReadyFor reports whether the sender of a head is ready for a generation, and
// whether he knows all its members.
func ReadyFor(head byte, generation uint16) (ready, complete bool) {
	ready = head&^headComplete == HeadReady(generation, false)
	return ready, ready && head&headComplete != 0
}

// Operations of a control cell.
const (
	// ControlClear asks the server to forget the sender's route.
	ControlClear = 1
)

// A LetterType says what a letter is.
type LetterType uint8

// The letters.
const (
	Knock LetterType = iota + 1
	Answer
	Over
	Tell
	Resume
	FragmentLetter
	Welcome
	Member
)

// String names the letter, for tests and transcripts.
func (t LetterType) String() string {
	switch t {
	case Knock:
		return "knock"
	case Answer:
		return "answer"
	case Over:
		return "over"
	case Tell:
		return "tell"
	case Resume:
		return "resume"
	case FragmentLetter:
		return "fragment"
	case Welcome:
		return "welcome"
	case Member:
		return "member"
	}
	return "unknown"
}

// A Reason is why a call is not answered, told only by a callee who chose to.
type Reason uint8

// The reasons.
const (
	Busy Reason = iota + 1
	Declined
)

// A CallID names one call between two contacts; the caller draws it.
type CallID [8]byte

// FragmentSize is how many bytes of a message a fragment carries.
const FragmentSize = cell.LetterSize - 8

// A Fragment is a piece of a message that is too long for one letter.
type Fragment struct {
	Session uint32 // the pairing that the message belongs to
	Message uint8  // which message of the pairing
	Index   uint8  // which piece, from 0
	Count   uint8  // how many pieces
	Data    [FragmentSize]byte
}

// Put writes the fragment into p.
func (f *Fragment) Put(p *Plain) {
	p[0] = byte(FragmentLetter)
	binary.BigEndian.PutUint32(p[1:], f.Session)
	p[5], p[6], p[7] = f.Message, f.Index, f.Count
	copy(p[8:], f.Data[:])
}

// ParseFragment reads a fragment. It fails for any other letter and for a
// fragment that is none of its message.
func ParseFragment(p *Plain) (Fragment, bool) {
	f := Fragment{Session: binary.BigEndian.Uint32(p[1:]), Message: p[5], Index: p[6], Count: p[7], Data: [FragmentSize]byte(p[8:])}
	if LetterType(p[0]) != FragmentLetter || f.Index >= f.Count {
		return Fragment{}, false
	}
	return f, true
}

// Fragments cuts a message into pieces; the last is filled up with zeros.
func Fragments(session uint32, message uint8, msg []byte) []Fragment {
	n := (len(msg) + FragmentSize - 1) / FragmentSize
	out := make([]Fragment, n)
	for i := range out {
		out[i] = Fragment{Session: session, Message: message, Index: uint8(i), Count: uint8(n)} //nolint:gosec // messages are below 255 pieces
		copy(out[i].Data[:], msg[i*FragmentSize:])
	}
	return out
}

func zero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
