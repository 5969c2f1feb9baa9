package rtc

import (
	"net/netip"
	"sync"
)

// strangersKept is of how many datagrams of strangers it is remembered where they came
// to: those that come while a link answers one of them.
const strangersKept = 64

// origins remember, for a socket on all addresses of the machine, to which of them each
// peer of a link writes. He has to be answered from there: the system would send from
// the address it likes best, and who wrote to another takes that for a stranger's.
//
//	datagram ──▶ of a peer: he is answered from where it came to (origin)
//	        └──▶ of a stranger: kept for a moment
//	a link meets a stranger ──▶ he is a peer, and answered from where he has just written to
//	the link has ended ──▶ he is forgotten
//
// So what is remembered is bounded by the peers that links may have, and strangers can
// make it no more. A nil one is for sockets that have one address, and does nothing.
type origins struct {
	// control returns what has the system send from an address.
	control func(local netip.Addr) []byte

	mu    sync.RWMutex
	peers map[netip.AddrPort]*origin
	last  [strangersKept]arrival // a ring
	next  int
}

// An arrival is where a datagram of a stranger came to.
type arrival struct {
	from netip.AddrPort
	to   netip.Addr
}

// A hold is how firmly a peer is answered from one address.
//
//	loose ──the first record of DTLS──▶ spoken ──the link is open──▶ fixed
//
// Checks of the line go to all addresses that the peer knows of, and records of DTLS to
// the one that he has chosen. An open link stays where it is: who can forge the address
// of a peer could turn it away from him otherwise. A peer who wants it elsewhere dials
// again.
type hold uint8

const (
	loose hold = iota
	spoken
	fixed
)

// An origin is from where a peer is answered.
type origin struct {
	links   int // that have this peer
	local   netip.Addr
	control []byte // nil if it is not known, or of no use any more; never changed
	hold    hold
}

// moves reports whether a datagram that has come to an address changes the origin.
func (o *origin) moves(to netip.Addr, dtls bool) bool {
	switch {
	case o.hold == fixed:
		return o.control == nil && o.local == to // It is there again.
	case o.control == nil:
		return true
	case o.hold == spoken && !dtls:
		return false
	}
	return o.local != to || dtls && o.hold == loose
}

// hears takes note of where a datagram came to.
func (t *origins) hears(from netip.AddrPort, to netip.Addr, dtls bool) {
	from = plain(from)
	t.mu.RLock()
	o := t.peers[from]
	stays := o != nil && !o.moves(to, dtls)
	t.mu.RUnlock()
	if stays { // As nearly always.
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch o = t.peers[from]; {
	case o == nil:
		t.last[t.next] = arrival{from, to}
		t.next = (t.next + 1) % len(t.last)
	case o.moves(to, dtls):
		o.local, o.control = to, t.control(to)
		if dtls {
			o.hold = max(o.hold, spoken)
		}
	}
}

// of returns what has the system send to a peer from where he writes to, or nil.
func (t *origins) of(peer netip.AddrPort) []byte {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if o := t.peers[plain(peer)]; o != nil {
		return o.control
	}
	return nil
}

// lose says that nothing can be sent to a peer from where he writes to: the machine has
// lost that address.
func (t *origins) lose(peer netip.AddrPort) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o := t.peers[plain(peer)]; o != nil {
		o.control = nil
	}
}

// meet remembers a peer of a link, which must say so when it forgets him.
func (t *origins) meet(peer netip.AddrPort) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.peers[peer]
	if o == nil {
		o = new(origin)
		t.peers[peer] = o
		for n := range t.last { // The newest comes last.
			if a := t.last[(t.next+n)%len(t.last)]; a.from == peer {
				o.local, o.control = a.to, t.control(a.to)
			}
		}
	}
	o.links++
	o.hold = loose
}

// fix says that the link of these peers is open.
func (t *origins) fix(peers []netip.AddrPort) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range peers {
		if o := t.peers[p]; o != nil {
			o.hold = fixed
		}
	}
}

// forget says that the link of these peers has ended.
func (t *origins) forget(peers []netip.AddrPort) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range peers {
		o := t.peers[p]
		if o == nil {
			continue
		}
		if o.links--; o.links == 0 {
			delete(t.peers, p)
		}
	}
}
