// Package cell holds the one unit that ever crosses a link: 128 bytes, the
// paper's one kilobit. It derives every length of the protocol in one place,
// and numbers time in slots. Everybody may import it; it imports nothing that
// does I/O or knows the time.
//
// The layout of a tMIX cell, up and down (see transport/seal for the keys and
// transport/wire for what stands in the body):
//
//	 0      2 3  4    5                                     116       128
//	+--------+-+-+----+--------------------------------------+---------+
//	| slot   |v|f|kind| body, 111 bytes                      | tag, 12 |
//	+--------+-+-+----+--------------------------------------+---------+
//	  clear     \____________ sealed with the link key ______/
//
//	slot   low 16 bits of the slot number, big endian; authenticated
//	v      variant: a random byte, so that a cell of voice that replaces a
//	       cell of cover staged for the same slot never repeats its nonce
//	f      feedback (download only, always there): how early the last uploads
//	       came before the cut-off, signed, in milliseconds
//	kind   cover, stream, letter, ring or control
//
// The body is one of
//
//	stream   | counter 2 | sealed end to end: head 1, voice 96 | tag 12 |
//	letter   | address 16 | class 1 | nonce 12 | sealed 70 | tag 12 |
//	control  | operation 1 | zeros 110 |
//	cover    | zeros 111 |
package cell

// Specification constants. A change of any of them is a change of the protocol
// and needs a new Version.
const (
	// Version is the version of the cell format and of the protocol inside.
	Version = 1

	// Size is the length of every cell, in bytes.
	Size = 128

	// VoiceSize is the length of the voice in a cell, in bytes, in every mode.
	VoiceSize = 96

	slotSize     = 2
	variantSize  = 1
	feedbackSize = 1
	kindSize     = 1

	// ClearSize is the length of what the link key authenticates but does not
	// hide: the low bits of the slot, and the variant.
	ClearSize = slotSize + variantSize

	// HeadSize is the length of the sealed head: feedback and kind.
	HeadSize = feedbackSize + kindSize

	// TagSize is the length of every authentication tag, in bytes.
	TagSize = 12

	// BodySize is what is left for the body of a cell.
	BodySize = Size - ClearSize - HeadSize - TagSize

	// CounterSize is the length of the counter in a stream body: the low bits
	// of the slot for which the sender sealed it.
	CounterSize = 2

	// StreamSize is the length of the plain text of a stream body.
	StreamSize = BodySize - CounterSize - TagSize

	// StreamHeadSize is what a stream body has besides the voice.
	StreamHeadSize = StreamSize - VoiceSize

	// AddressSize is the length of a user's handle, as the server knows it.
	AddressSize = 16

	// ClassSize is the length of the class byte of a letter.
	ClassSize = 1

	// NonceSize is the length of the random nonce of a letter.
	NonceSize = 12

	// LetterSize is the length of the plain text of a letter.
	LetterSize = BodySize - AddressSize - ClassSize - NonceSize - TagSize

	// SealedLetterSize is the length of a letter as it is between its ends:
	// class, nonce, cipher text and tag, without the address.
	SealedLetterSize = BodySize - AddressSize
)

// The layout must add up, or the package does not compile.
const (
	_ = uint(StreamHeadSize - 1)
	_ = uint(1 - StreamHeadSize)
	_ = uint(LetterSize - 70)
	_ = uint(70 - LetterSize)
)

// A Cell is what a user and the server exchange in every slot.
type Cell [Size]byte

// A Body is the part of a cell that the link key hides, less its head.
type Body [BodySize]byte

// Kind says what a cell carries. Whoever holds the link key sees it, nobody
// else.
type Kind uint8

// The kinds of cells. Any other value is dropped by who receives it.
const (
	// Cover carries nothing.
	Cover Kind = iota
	// Stream carries voice along the sender's route.
	Stream
	// Letter carries one addressed message.
	Letter
	// Ring is a Letter that also points the sender's route at the addressee.
	Ring
	// Control carries a request of the user to the server.
	Control
)

// String names the kind, for tests and transcripts.
func (k Kind) String() string {
	switch k {
	case Cover:
		return "cover"
	case Stream:
		return "stream"
	case Letter:
		return "letter"
	case Ring:
		return "ring"
	case Control:
		return "control"
	}
	return "unknown"
}
