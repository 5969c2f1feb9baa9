package rtc

import (
	"encoding/binary"
	"net"
)

// The parts of a packet of SCTP that are looked at (RFC 9260, 3; RFC 8260, 2.1).
const (
	packetHeader = 12
	chunkHeader  = 4

	chunkData  = 0
	chunkIData = 64

	// The flags of data: it ends a message, it begins one, and it is not in order.
	flagEnds      = 1
	flagBegins    = 2
	flagUnordered = 4

	dataHeader  = 16
	dataNumber  = 10 // where its number among those in order is, of two bytes
	idataHeader = 20
	idataNumber = 12 // and that of I-DATA, of four
)

// A whole is what DTLS has decrypted, without what SCTP would have to keep. A message
// on a link is one chunk. What begins a message and never ends it, or is to come
// behind another that never comes, pion keeps for as long as the link lives; it counts
// the bytes of it, and so nothing at all for a chunk without any, and searches all that
// it has for each that comes. Sixty of those fit into a datagram: a member could
// fill the server's memory in some minutes, at the rate that he is allowed.
//
// So a packet in which one chunk of data is not a whole message of at least a byte ends
// the link. What is in order, which only the opening of the channel is, has to be the
// first of that.
type whole struct {
	net.Conn
	end func(err error)
}

// Read reads a packet of SCTP.
func (w *whole) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if err == nil && !isWhole(b[:n]) {
		w.end(ErrProtocol)
		return 0, ErrProtocol
	}
	return n, err
}

// isWhole reports whether there is nothing in a packet that SCTP would have to keep.
func isWhole(b []byte) bool {
	if len(b) < packetHeader {
		return false
	}
	for b = b[packetHeader:]; len(b) > 0; {
		if len(b) < chunkHeader {
			return false
		}
		size := int(binary.BigEndian.Uint16(b[2:]))
		if size < chunkHeader || size > len(b) || !isWholeChunk(b[:size]) {
			return false
		}
		// The last one may come without what fills it up to four bytes.
		b = b[min((size+3)&^3, len(b)):]
	}
	return true
}

func isWholeChunk(b []byte) bool {
	var header int
	var inOrder func() bool // whether it is the first of those in order
	switch b[0] {
	case chunkData:
		header, inOrder = dataHeader, func() bool { return binary.BigEndian.Uint16(b[dataNumber:]) == 0 }
	case chunkIData:
		header, inOrder = idataHeader, func() bool { return binary.BigEndian.Uint32(b[idataNumber:]) == 0 }
	default:
		return true
	}
	const both = flagBegins | flagEnds
	return len(b) > header && b[1]&both == both && (b[1]&flagUnordered != 0 || inOrder())
}
