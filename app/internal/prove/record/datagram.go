package record

import (
	"encoding/binary"
	"time"
)

// A Kind is what a datagram is for.
type Kind uint8

// The kinds.
const (
	Other     Kind = iota // of no protocol that a client speaks
	STUN                  // a check of the line, or the answer to it
	Handshake             // DTLS before there is data
	Control               // an acknowledgement, or what else is no message
	Data                  // a message
	Resend                // messages that were sent before, several together
)

// A Datagram is what is seen of one.
type Datagram struct {
	At   time.Duration // since the session started
	Out  bool          // from the client
	Size int           // of UDP's payload, in bytes
	Kind Kind
}

// Lengths on the wire, in bytes; transport/rtc has where they come from.
const (
	headSize   = 16 // as much as is looked at
	recordSize = 13 // the header of a DTLS record
	dataHead   = 69 // all that is around a message
	bundleHead = 20 // what a further message in the same datagram has of it
	ackSize    = 65
	ackStep    = 4
	// shortest is below any message of any mode, and above acknowledgements with
	// less than a dozen gaps.
	shortest = ackSize + 12*ackStep
)

// A head is the first bytes of a datagram.
type head [headSize]byte

func headOf(b []byte) (h head) {
	copy(h[:], b)
	return h
}

// protocol says what a datagram with such a head is. What carries data is Control
// until its length was looked at.
func (h *head) protocol(size int) Kind {
	const (
		cookie      = 0x2112A442
		stunSize    = 20
		application = 23
		firstType   = 20 // of the DTLS records
		lastType    = 63
		dtls        = 0xFE // the first byte of every version
	)
	switch {
	case h[0] < 4 && size >= stunSize && binary.BigEndian.Uint32(h[4:]) == cookie:
		return STUN
	case size < recordSize || h[0] < firstType || h[0] > lastType || h[1] != dtls:
		return Other
	case h[0] == application:
		return Control
	}
	return Handshake
}

// classify tells data from acknowledgements, by direction.
func classify(all []Datagram) {
	for _, out := range []bool{false, true} {
		usual := usualSize(all, out)
		for i := range all {
			if d := &all[i]; d.Out == out && d.Kind == Control {
				d.Kind = kindOf(d.Size, usual)
			}
		}
	}
}

// usualSize is the length that most records of a direction have that can be data,
// 0 if there are none.
func usualSize(all []Datagram, out bool) (usual int) {
	counts := map[int]int{}
	for _, d := range all {
		if d.Out == out && d.Kind == Control && d.Size >= shortest {
			counts[d.Size]++
			// Of two that are equally many, the shorter: it does not depend on the order.
			if n := counts[d.Size] - counts[usual]; n > 0 || n == 0 && d.Size < usual {
				usual = d.Size
			}
		}
	}
	return usual
}

func kindOf(size, usual int) Kind {
	switch {
	case size < shortest, usual == 0:
		return Control
	case size == usual:
		return Data
	case size > usual && (size-usual)%(usual-dataHead+bundleHead) == 0:
		return Resend
	case size < usual && (size-ackSize)%ackStep == 0:
		return Control
	}
	return Data
}
