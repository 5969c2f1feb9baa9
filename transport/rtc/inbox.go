package rtc

import (
	"net/netip"
	"sync"
	"sync/atomic"
)

// inboxSize is how many datagrams of streams may wait to be read: as many as come
// while the reader is away for some milliseconds.
const inboxSize = 256

// An inbox brings the datagrams of all streams to the one reader of a socket, who
// otherwise waits for those of UDP. It never has the streams wait: when it is full
// a datagram is lost, as the system loses those of UDP.
//
//	stream ──put──▶ inbox ──take──▶ reader
//	           │                      ▲
//	           └──rouse: its read of UDP ends at once
type inbox struct {
	rouse func()
	// some is set while anything may wait. It is set with a call of rouse and
	// cleared by a take that finds nothing, so nothing is left behind by a reader
	// who takes before every read.
	some atomic.Bool

	mu           sync.Mutex
	ring         []parcel // made with the first one
	first, count int
}

// A parcel is a datagram and where it came from.
type parcel struct {
	from netip.AddrPort
	size int
	b    [maxFrame]byte
}

// put copies a datagram of at most maxFrame bytes, and reports whether there was
// room for it.
func (i *inbox) put(b []byte, from netip.AddrPort) bool {
	i.mu.Lock()
	if i.ring == nil {
		i.ring = make([]parcel, inboxSize)
	}
	if i.count == len(i.ring) {
		i.mu.Unlock()
		return false
	}
	p := &i.ring[(i.first+i.count)%len(i.ring)]
	p.from, p.size = from, copy(p.b[:], b)
	i.count++
	asleep := i.some.CompareAndSwap(false, true)
	i.mu.Unlock()
	if asleep {
		i.rouse()
	}
	return true
}

// take copies the oldest datagram to b, and reports whether there was one.
func (i *inbox) take(b []byte) (n int, from netip.AddrPort, ok bool) {
	if !i.some.Load() {
		return 0, netip.AddrPort{}, false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.count == 0 {
		i.some.Store(false)
		return 0, netip.AddrPort{}, false
	}
	p := &i.ring[i.first]
	i.first = (i.first + 1) % len(i.ring)
	i.count--
	return copy(b, p.b[:p.size]), p.from, true
}
