package rtc

import (
	"encoding/binary"
	"math"
	"net"
	"sync/atomic"
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
	chunkReconfig         = 130
	chunkForwardTSN       = 192
	chunkIForwardTSN      = 194

	// The flags of data: it ends a message, it begins one, and it is not in order.
	flagEnds      = 1
	flagBegins    = 2
	flagUnordered = 4

	dataTSN       = 4
	dataHeader    = 16
	dataNumber    = 10 // where its number among those in order is, of two bytes
	dataProtocol  = 12 // where the kind of the message is, of four
	idataHeader   = 20
	idataNumber   = 12 // of four bytes; the protocol is behind it, as in DATA
	idataProtocol = 16

	protocolDCEP = 50 // the kind of message that opens the channel (RFC 8832, 8.1)

	sackTo     = 4 // the number up to which all came, of four bytes
	sackHeader = 16
	sackBlocks = 12 // where the number of its blocks is, of two bytes
	sackTwice  = 14 // and that of what came twice
	sackEntry  = 4  // bytes of each

	forwardHeader = 8
	iforwardEntry = 8
	iforwardFlags = 3 // where in an entry the flags end; the last is for what is not in order

	iforwardMost = 4 // entries: ours have one channel

	forwardEntry = 4
	forwardMost  = 4

	initParameters = 20 // where the parameters of INIT and INIT ACK begin (3.3.2)
	maxParameters  = 32
	parameterSize  = 4 // of the shortest

	maxErrors = 256 // bytes of an ERROR and of all that is behind it, which is parsed too

	// maxMessages is how many messages there may be in a packet. Eight cells fit into
	// one with what is around them.
	maxMessages = 10

	// outstandingPerRate bounds how many messages may be on the way, to a multiple of the
	// datagrams that the link takes in a second (Rate): those of more than ten seconds,
	// after which a link that hears nothing is given up. Gaps in what the other side has
	// do not count against the window.
	outstandingPerRate = 3

	// gapsPerRate bounds the gaps among what the server has received, to a part of the
	// datagrams that it takes in a second. At 40 ms and a message each way that is 87;
	// where 60 % are lost both ways, over a round trip of 600 ms, there were 28 at most in
	// a minute (at 20 ms 54 of 125, and at 100 ms 17 of 65). A receipt has room for 290.
	gapsPerRate = 4
	maxGaps     = 250
)

// A verdict is what becomes of a packet.
type verdict uint8

const (
	pass   verdict = iota
	lose           // as if it had been lost on the way
	hangUp         // it closes the channel
	refuse         // nobody sends it who means well
)

// A sieve lets SCTP have, of what DTLS has decrypted, what a link has use for. Pion's
// SCTP was not made for a peer that means harm: with each of these, a member who keeps
// to the rate that he is allowed could fill the server's memory, or keep a processor
// busy.
//
//   - A piece of a message is kept for as long as the link lives, if the rest never
//     comes. Only its bytes are counted, of which it need not have any, and each is
//     searched for among all. So is what is to come behind something in order that
//     never comes. So each chunk of data is a whole message of at least a byte; nothing
//     is in order but what opens the channel, which is the first; and until it is open
//     nothing that is in order is skipped. Anything else is lost: browsers cut messages
//     to fill what the line takes when it is bad, and send in order before they know that
//     the channel is open.
//   - Resets of streams that cannot be done yet are kept too, and answered again, each
//     by a packet of its own, whenever a message comes. They close channels, so who
//     sends one hangs up.
//   - Each check, and each chunk that makes no sense, is answered by a packet of its
//     own. The parsers of some kinds go through all that is behind a chunk, or make a
//     text of each part. So there is one chunk of each kind in a packet, with few parts,
//     and no beginning of what has begun.
//   - A receipt is worked through block by block, however they overlap. So they ascend,
//     and are as many as it says.
//   - What has been received behind a gap stays in the queue of what was sent, and
//     costs time with each receipt, though none of the window. So there is an end to it.
//   - All gaps among what came are gone through for each message that comes. So there
//     is an end to those, as our own receipts tell, and to the messages in a packet.
type sieve struct {
	net.Conn
	gaps        int // the most that there may be among what came
	outstanding int // messages at most, from the first that the other side has not got
	end         func(err error)

	accepted atomic.Bool   // the channel is there, and not in order
	lost     atomic.Uint64 // packets

	sent  atomic.Uint64 // a bit that says that there is one, and the number (TSN) of our newest message
	acked atomic.Uint32 // the number up to which the other side has all, once there is a sent
}

// newSieve returns the sieve of a link that takes so many datagrams a second.
func newSieve(perSecond int, server bool) *sieve {
	s := &sieve{gaps: math.MaxUint16, outstanding: outstandingPerRate * perSecond}
	if server {
		s.gaps = min(perSecond/gapsPerRate, maxGaps)
	}
	return s
}

// Read reads a packet.
func (s *sieve) Read(b []byte) (int, error) {
	for {
		n, err := s.Conn.Read(b)
		if err != nil {
			return n, err
		}
		switch judge(b[:n], s.accepted.Load()) {
		case pass:
			s.hear(b[:n])
			return n, nil
		case lose:
			s.lost.Add(1)
		case hangUp:
			s.end(ErrLost)
			return 0, ErrLost
		case refuse:
			s.end(ErrProtocol)
			return 0, ErrProtocol
		}
	}
}

// Write sends a packet.
func (s *sieve) Write(b []byte) (int, error) {
	if !s.say(b) {
		s.end(ErrProtocol)
		return 0, ErrProtocol
	}
	return s.Conn.Write(b)
}

// hear notes what a packet says that the other side has got. It is believed if that is
// more than before, and not more than there is.
func (s *sieve) hear(b []byte) {
	sent := s.sent.Load()
	if sent == 0 {
		return
	}
	eachChunk(b, func(chunk []byte, _ int) bool {
		if chunk[0] == chunkSack {
			to, last := binary.BigEndian.Uint32(chunk[sackTo:]), s.acked.Load()
			if int32(to-last) > 0 && int32(uint32(sent)-to) >= 0 { //nolint:gosec // numbers that go round
				s.acked.Store(to)
			}
			return false
		}
		return true
	})
}

// say notes what is in a packet of ours, and reports whether there are not too many gaps
// in it, or messages outstanding.
func (s *sieve) say(b []byte) (ok bool) {
	ok = true
	eachChunk(b, func(chunk []byte, _ int) bool {
		switch kind := chunk[0]; {
		case kind == chunkSack && len(chunk) >= sackHeader:
			ok = int(binary.BigEndian.Uint16(chunk[sackBlocks:])) <= s.gaps
		case (kind == chunkData || kind == chunkIData) && len(chunk) >= dataHeader:
			ok = s.count(binary.BigEndian.Uint32(chunk[dataTSN:]))
		}
		return ok
	})
	return ok
}

// count notes that a message was sent, perhaps again.
func (s *sieve) count(number uint32) bool {
	const isThere = 1 << 32
	newest := s.sent.Load()
	if newest == 0 {
		s.acked.Store(number - 1)
	}
	if newest == 0 || int32(number-uint32(newest)) > 0 { //nolint:gosec // numbers that go round
		s.sent.Store(isThere | uint64(number))
	}
	return int(int32(number-s.acked.Load())) <= s.outstanding //nolint:gosec // as above
}

// eachChunk calls f with the chunks of a packet, each without what fills it up to four
// bytes, and with how many bytes there are from its beginning to the end, until f returns
// false. It reports whether it never did and the packet is well formed.
func eachChunk(b []byte, f func(chunk []byte, left int) bool) bool {
	if len(b) < packetHeader {
		return false
	}
	for b = b[packetHeader:]; len(b) > 0; {
		if len(b) < chunkHeader {
			return false
		}
		size := int(binary.BigEndian.Uint16(b[2:]))
		if size < chunkHeader || size > len(b) || !f(b[:size], len(b)) {
			return false
		}
		// The last one may come without what fills it up.
		b = b[min((size+3)&^3, len(b)):]
	}
	return true
}

// judge says what becomes of a packet that came; accepted tells whether the channel is
// there.
func judge(b []byte, accepted bool) (v verdict) {
	messages, seen := 0, [256]bool{}
	wellFormed := eachChunk(b, func(chunk []byte, left int) bool {
		one := pass
		switch kind := chunk[0]; kind {
		case chunkData, chunkIData:
			if messages++; messages > maxMessages {
				one = refuse
			} else if !isMessage(chunk) {
				one = lose
			}
		case chunkReconfig:
			one = hangUp
		case chunkError:
			// What is behind it is parsed as if it were part of it.
			if left > maxErrors {
				one = refuse
			}
			one = max(one, once(&seen, kind))
		default:
			one = max(judgeControl(chunk, accepted), once(&seen, kind))
		}
		v = max(v, one)
		return v < hangUp
	})
	if !wellFormed && v < hangUp {
		return refuse
	}
	return v
}

// once refuses what was seen before.
func once(seen *[256]bool, kind byte) verdict {
	if seen[kind] {
		return refuse
	}
	seen[kind] = true
	return pass
}

// isMessage reports whether a chunk of data is a whole message, which is not in order
// unless it opens the channel.
func isMessage(chunk []byte) bool {
	const both = flagBegins | flagEnds
	flags, header := chunk[1], dataHeader
	if chunk[0] == chunkIData {
		header = idataHeader
	}
	if len(chunk) <= header || flags&both != both {
		return false
	}
	if flags&flagUnordered != 0 {
		return true
	}
	number, protocol := uint32(binary.BigEndian.Uint16(chunk[dataNumber:])), binary.BigEndian.Uint32(chunk[dataProtocol:])
	if chunk[0] == chunkIData {
		number, protocol = binary.BigEndian.Uint32(chunk[idataNumber:]), binary.BigEndian.Uint32(chunk[idataProtocol:])
	}
	return number == 0 && protocol == protocolDCEP
}

// judgeControl says what becomes of a packet with a chunk that is not data.
func judgeControl(chunk []byte, accepted bool) verdict {
	ok := true
	switch chunk[0] {
	case chunkSack:
		ok = isAscending(chunk)
	case chunkForwardTSN:
		if len(chunk) > forwardHeader && !accepted {
			return lose
		}
		ok = len(chunk) >= forwardHeader && len(chunk) <= forwardHeader+forwardMost*forwardEntry
	case chunkIForwardTSN:
		if !accepted && skipsOrder(chunk) {
			return lose
		}
		ok = len(chunk) >= forwardHeader && len(chunk) <= forwardHeader+iforwardMost*iforwardEntry
	case chunkInit, chunkInitAck:
		if accepted {
			return lose
		}
		ok = hasFewParameters(chunk)
	case chunkHeartbeat, chunkHeartbeatAck, chunkAbort, chunkShutdown, chunkShutdownAck, chunkCookieEcho, chunkCookieAck,
		chunkShutdownComplete:
	default:
		return lose // So would pion have it.
	}
	if !ok {
		return refuse
	}
	return pass
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

// skipsOrder reports whether an I-FORWARD-TSN names something that is in order. All that
// a FORWARD-TSN names is.
func skipsOrder(chunk []byte) bool {
	for at := forwardHeader; at+iforwardEntry <= len(chunk); at += iforwardEntry {
		if chunk[at+iforwardFlags]&1 == 0 {
			return true
		}
	}
	return false
}

// hasFewParameters reports whether an INIT or INIT ACK is not made of a great many.
func hasFewParameters(chunk []byte) bool {
	n := 0
	for at := initParameters; at+parameterSize <= len(chunk) && n <= maxParameters; n++ {
		at += max((int(binary.BigEndian.Uint16(chunk[at+2:]))+3)&^3, parameterSize)
	}
	return n <= maxParameters
}
