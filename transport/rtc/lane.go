package rtc

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	// maxPeers is how many addresses a link may have at its other end in its
	// life. pion remembers each of them for as long as the link lives.
	maxPeers = 16

	// maxStreams is how many of them may be connections over TCP, each of which
	// takes some memory: a browser tries one from each address of its own.
	maxStreams = 4

	// The first byte of a datagram tells what it is (RFC 7983).
	lastSTUN  = 3
	firstDTLS = 20
	lastDTLS  = 63

	// maxDatagram is the length of the longest datagram that is taken, the usual MTU.
	// What a peer can make a link work, and hold, for one grows with its length.
	maxDatagram = 1500

	// Kinds of DTLS records: two of the handshake are around the alerts, and behind them
	// is the data.
	recordChange = 20
	recordAlert  = 21
	recordData   = 23

	// recordHeader is the length of the header of a DTLS record, epochAt and
	// lengthAt are where its epoch and the length of what follows are.
	recordHeader = 13
	epochAt      = 3
	lengthAt     = 11
)

// A lane is one link's part of the port. Its agent sees, of all that comes from
// the addresses of the link, only what may be of use:
//
//	datagram ──▶ STUN: a new address, on an open link? ──▶ too many? ──▶ agent
//	        │          one address too many?               ▲
//	        │          a new address, and we dialed?       │
//	        ├──▶ DTLS: a handshake, on an open link? ──────┘
//	        │          data in the clear, or not alone?
//	        └──▶ anything else
//
// What is of no use is told at a glance, and so does not count: who can forge an
// address has to forge what looks encrypted, too, to use up what the link may take.
//
// Records in the clear are needed for the handshake and never after it. pion takes
// some of them then too: one that pretends to carry data makes it send an alert
// that ends the link, so that whoever can forge the address of a user could throw
// him out with one datagram.
//
// Who dials hears nobody to whom he has not sent a check himself: the server's agent
// never sends the first, and pion's own dies of a good one that comes before it runs.
// A server could send that, since it knows the password from the offer.
//
// A check of the line that was recorded is as good as a new one: STUN has no
// numbers. Whoever sent one from his own address could have all that goes down sent
// to himself. So an open link stays where it is. A client whose own address changes
// has given the link up before its agent would find out, and dials again.
//
// A connection over TCP becomes part of a link when the link first sends to its
// address, which is to answer a check that shows the link's password. It ends with
// the link.
type lane struct {
	*port
	depth int // messages that are sent at one moment; set before anything is sent
	rate  int // datagrams that are taken in a second
	flow  *rate.Limiter
	open  atomic.Bool // the link is: nothing comes in the clear any more
	// speaksFirst is set at creation, on the side that dials: nothing is of use to it
	// but answers, from where it has sent something.
	speaksFirst bool

	mu      sync.RWMutex
	peers   []netip.AddrPort // to which something was sent
	streams []*stream        // those among the peers
	left    bool
}

// newLane returns a lane that takes so many datagrams a second; see Rate.
func (p *port) newLane(perSecond int) *lane {
	return &lane{port: p, rate: perSecond, flow: newFlow(perSecond)}
}

// GetConn returns the datagrams of the link.
func (l *lane) GetConn(ufrag string, addr net.Addr) (net.PacketConn, error) {
	conn, err := l.port.GetConn(ufrag, addr)
	if err != nil {
		return nil, err
	}
	return &laneConn{PacketConn: conn, fast: fastConn(conn), lane: l}, nil
}

// Close does nothing: the port is not the lane's.
func (l *lane) Close() error { return nil }

// seal says that the link is open.
func (l *lane) seal() {
	l.open.Store(true)
	l.mu.RLock()
	defer l.mu.RUnlock()
	l.origins.fix(l.peers)
}

// admits reports whether the link takes a datagram.
func (l *lane) admits(b []byte, from netip.AddrPort, now time.Time) bool {
	l.seen.claimed.Add(1)
	switch {
	case !l.isOfUse(b, from):
		l.seen.forged.Add(1)
		return false
	case !l.flow.AllowN(now, 1):
		l.seen.flooded.Add(1)
		return false
	}
	return true
}

// isOfUse reports whether a datagram may be of use to the link.
func (l *lane) isOfUse(b []byte, from netip.AddrPort) bool {
	switch {
	case len(b) == 0 || len(b) > maxDatagram:
		return false
	case b[0] <= lastSTUN:
		return !l.speaksFirst && !l.open.Load() && !l.isFull() || l.knows(from)
	case b[0] >= firstDTLS && b[0] <= lastDTLS:
		return isSealed(b) || !l.open.Load() && isHandshake(b)
	}
	return false
}

// isSealed reports whether a datagram is one DTLS record that is encrypted, of data or
// an alert: all that there is after the handshake.
func isSealed(b []byte) bool {
	return len(b) > recordHeader && (b[0] == recordAlert || b[0] == recordData) &&
		binary.BigEndian.Uint16(b[epochAt:]) != 0 &&
		recordHeader+int(binary.BigEndian.Uint16(b[lengthAt:])) == len(b)
}

// isHandshake reports whether a datagram has no DTLS records but those of a handshake,
// and alerts. Data comes alone: nobody gets more packets of SCTP through than a link
// takes datagrams.
func isHandshake(b []byte) bool {
	for len(b) >= recordHeader {
		if b[0] < recordChange || b[0] >= recordData {
			return false
		}
		b = b[min(recordHeader+int(binary.BigEndian.Uint16(b[lengthAt:])), len(b)):]
	}
	return true
}

func (l *lane) isFull() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.peers) >= maxPeers
}

func (l *lane) knows(a netip.AddrPort) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Contains(l.peers, plain(a))
}

// meets reports whether the link may send to an address. pion sends to one that
// has shown that it knows the link's password, or that is in the answer.
func (l *lane) meets(a netip.AddrPort) bool {
	if l.knows(a) {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left || len(l.peers) >= maxPeers || isStandIn(a.Addr()) && !l.binds(a) {
		return false
	}
	l.peers = append(l.peers, plain(a))
	if !isStandIn(a.Addr()) {
		l.origins.meet(plain(a))
	}
	return true
}

// binds makes the stream of an address part of the link, if there is one and the
// link has room for it. mu is held.
func (l *lane) binds(a netip.AddrPort) bool {
	s := l.sock.streams.get(a)
	if s == nil || len(l.streams) >= maxStreams || !s.bind(l.depth, l.rate) {
		return false
	}
	l.streams = append(l.streams, s)
	return true
}

// leave forgets the peers of the link, which has ended, and ends its streams. It
// returns when nothing is left of them.
func (l *lane) leave() {
	l.mu.Lock()
	all := l.streams
	l.streams, l.left = nil, true
	l.origins.forget(l.peers)
	l.mu.Unlock()
	for _, s := range all {
		s.finish()
	}
	for _, s := range all {
		<-s.gone
	}
}

// hears takes note of where a datagram came from that the link took: a client that
// was answered over UDP stays with it.
func (l *lane) hears(from netip.AddrPort) {
	if l.sock.way.isOpen() && !isStandIn(from.Addr()) && l.knows(from) {
		l.sock.way.choose(overUDP)
	}
}

// plain is an address in the one form that it is compared in.
func plain(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// A laneConn is the socket that a link's agent reads and writes.
type laneConn struct {
	net.PacketConn
	fast addrPortConn
	lane *lane
}

func (c *laneConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := c.fast.ReadFromAddrPort(b)
		if err != nil {
			return n, from, err
		}
		if c.lane.admits(b[:n], from, time.Now()) {
			c.lane.hears(from)
			return n, from, nil
		}
	}
}

func (c *laneConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if !c.lane.meets(to) {
		return len(b), nil // As if the network had lost it.
	}
	return c.fast.WriteToAddrPort(b, to)
}

func (c *laneConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

func (c *laneConn) WriteTo(b []byte, to net.Addr) (int, error) {
	return c.WriteToAddrPort(b, peer(to))
}
