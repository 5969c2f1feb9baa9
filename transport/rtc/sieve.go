package rtc

import (
	"encoding/binary"
	"net"
)

// What there may be in a packet of SCTP.
const (
	packetHeader = 12
	chunkHeader  = 4

	// Chunks (RFC 9260, 3.2; RFC 8260, 2.1 and 2.3; RFC 3758, 3.2).
	chunkData             = 0
	chunkInit             = 1
	chunkInitAck          = 2
	chunkSack             = 3
	chunkHeartbeat        = 4
	chunkHeartbeatAck     = 5
	chunkAbort            = 6
	chunkShutdown         = 7
	chunkShutdownAck      = 8
	chunkError            = 9
	chunkCookieEcho       = 10
	chunkCookieAck        = 11
	chunkShutdownComplete = 14
	chunkIData            = 64
	chunkForwardTSN       = 192
	chunkIForwardTSN      = 194

	// The flags of data: it ends a message, it begins one, and it is not in order.
	flagEnds      = 1
	flagBegins    = 2
	flagUnordered = 4

	dataHeader    = 16
	dataNumber    = 10 // where its number among those in order is, of two bytes
	dataProtocol  = 12 // where the kind of the message is, of four
	idataHeader   = 20
	idataNumber   = 12 // of four bytes; the protocol is behind it, as in DATA
	idataProtocol = 16

	protocolDCEP = 50 // the kind of message that opens the channel (RFC 8832, 8.1)

	sackHeader = 16
	sackBlocks = 12 // where the number of its blocks is, of two bytes
	sackTwice  = 14 // and that of what came twice
	sackEntry  = 4  // bytes of each

	forwardHeader = 8
	iforwardEntry = 8
	iforwardFlags = 3 // where in an entry the flags end; the last is for what is not in order

	// maxMessages is how many messages there may be in a packet. Eight cells fit into
	// one with what is around them.
	maxMessages = 10
)

// A sieve lets SCTP have, of what DTLS has decrypted, what a link has use for. The
// first packet with anything else ends the link. Pion's SCTP was not made for a peer
// that means harm: with each of these, a member who keeps to the rate that he is
// allowed could fill the server's memory, or keep a processor busy.
//
//   - A piece of a message is kept for as long as the link lives, if the rest never
//     comes. Only its bytes are counted, of which it need not have any, and each is
//     searched for among all. So is what is to come behind something in order that
//     never comes. So each chunk of data is a whole message of at least a byte; nothing
//     is in order but what opens the channel, which is the first; and nothing that is
//     in order is skipped.
//   - Resets of streams that cannot be done yet are kept too, and answered again, each
//     by a packet of its own, whenever a message comes. They close channels, so who
//     sends one wants no link any more.
//   - Each check, and each chunk that makes no sense, is answered by a packet of its
//     own. The parsers of two kinds go through all that is behind a chunk. So there is
//     one chunk of each kind in a packet.
//   - A receipt is worked through block by block, however they overlap. So they ascend,
//     and are as many as it says.
//   - All gaps among what came are gone through for each message that comes. So there
//     are no more than gaps of them, as our own receipts tell, and few messages in a packet.
type sieve struct {
	net.Conn
	gaps int
	end  func(err error)
}

// Read reads a packet.
func (s *sieve) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if err == nil && !isFit(b[:n]) {
		s.end(ErrProtocol)
		return 0, ErrProtocol
	}
	return n, err
}

// Write sends a packet.
func (s *sieve) Write(b []byte) (int, error) {
	if gapsIn(b) > s.gaps {
		s.end(ErrProtocol)
		return 0, ErrProtocol
	}
	return s.Conn.Write(b)
}

// eachChunk calls f with the chunks of a packet, each without what fills it up to four
// bytes, until it returns false. It reports whether it never did, and whether the packet
// is well formed.
func eachChunk(b []byte, f func(chunk []byte) bool) bool {
	if len(b) < packetHeader {
		return false
	}
	for b = b[packetHeader:]; len(b) > 0; {
		if len(b) < chunkHeader {
			return false
		}
		size := int(binary.BigEndian.Uint16(b[2:]))
		if size < chunkHeader || size > len(b) || !f(b[:size]) {
			return false
		}
		// The last one may come without what fills it up.
		b = b[min((size+3)&^3, len(b)):]
	}
	return true
}

// isFit reports whether a packet that came is for SCTP.
func isFit(b []byte) bool {
	messages, seen := 0, [256]bool{}
	return eachChunk(b, func(chunk []byte) bool {
		switch kind := chunk[0]; kind {
		case chunkData:
			messages++
			return len(chunk) > dataHeader && isMessage(chunk,
				uint32(binary.BigEndian.Uint16(chunk[dataNumber:])), binary.BigEndian.Uint32(chunk[dataProtocol:])) &&
				messages <= maxMessages
		case chunkIData:
			messages++
			return len(chunk) > idataHeader && isMessage(chunk,
				binary.BigEndian.Uint32(chunk[idataNumber:]), binary.BigEndian.Uint32(chunk[idataProtocol:])) &&
				messages <= maxMessages
		default:
			again := seen[kind]
			seen[kind] = true
			return !again && isControl(chunk)
		}
	})
}

// isMessage reports whether a chunk of data, that is longer than its header, is a whole
// message; number is the one that it has among those in order.
func isMessage(chunk []byte, number, protocol uint32) bool {
	const both = flagBegins | flagEnds
	flags := chunk[1]
	return flags&both == both && (flags&flagUnordered != 0 || number == 0 && protocol == protocolDCEP)
}

// isControl reports whether a chunk that is not data is one that a link has use for.
func isControl(chunk []byte) bool {
	switch chunk[0] {
	case chunkSack:
		return isAscending(chunk)
	case chunkForwardTSN:
		return len(chunk) == forwardHeader
	case chunkIForwardTSN:
		return skipsNoOrder(chunk)
	case chunkInit, chunkInitAck, chunkHeartbeat, chunkHeartbeatAck, chunkAbort, chunkShutdown, chunkShutdownAck,
		chunkError, chunkCookieEcho, chunkCookieAck, chunkShutdownComplete:
		return true
	}
	return false
}

// isAscending reports whether the blocks of a receipt do not overlap, and it is as long
// as it says.
func isAscending(sack []byte) bool {
	if len(sack) < sackHeader {
		return false
	}
	blocks, twice := int(binary.BigEndian.Uint16(sack[sackBlocks:])), int(binary.BigEndian.Uint16(sack[sackTwice:]))
	if len(sack) != sackHeader+sackEntry*(blocks+twice) {
		return false
	}
	last := uint16(0)
	for at := sackHeader; blocks > 0; blocks, at = blocks-1, at+sackEntry {
		from, to := binary.BigEndian.Uint16(sack[at:]), binary.BigEndian.Uint16(sack[at+2:])
		if from <= last || to < from {
			return false
		}
		last = to
	}
	return true
}

// skipsNoOrder reports whether an I-FORWARD-TSN is whole, and names only what is not in
// order. A FORWARD-TSN names only what is.
func skipsNoOrder(chunk []byte) bool {
	if len(chunk) < forwardHeader || (len(chunk)-forwardHeader)%iforwardEntry != 0 {
		return false
	}
	for at := forwardHeader; at < len(chunk); at += iforwardEntry {
		if chunk[at+iforwardFlags]&1 == 0 {
			return false
		}
	}
	return true
}

// gapsIn returns how many blocks behind gaps a packet of ours reports.
func gapsIn(b []byte) (n int) {
	eachChunk(b, func(chunk []byte) bool {
		if chunk[0] == chunkSack && len(chunk) >= sackHeader {
			n = int(binary.BigEndian.Uint16(chunk[sackBlocks:]))
		}
		return n == 0
	})
	return n
}
