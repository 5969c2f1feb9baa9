package simnet

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A Packet is what an observer learns of one packet: all of it but the content.
type Packet struct {
	At     time.Time      // when it was sent
	From   netip.AddrPort // source
	To     netip.AddrPort // destination
	Size   int            // bytes of payload
	Stream bool           // part of a signalling connection, else a datagram
	Lost   bool           // the network lost it behind the observer
}

// String writes the packet as one line of a transcript.
func (p Packet) String() string {
	kind := "datagram"
	if p.Stream {
		kind = "stream"
	}
	return fmt.Sprintf("%s %v→%v %s %d", p.At.Format("15:04:05.000000"), p.From, p.To, kind, p.Size)
}

func compare(a, b Packet) int {
	stream := func(p Packet) int {
		if p.Stream {
			return 1
		}
		return 0
	}
	return cmp.Or(a.At.Compare(b.At), a.From.Compare(b.From), a.To.Compare(b.To),
		cmp.Compare(stream(a), stream(b)), cmp.Compare(a.Size, b.Size))
}

// observer lists packets.
type observer struct {
	mu      sync.Mutex
	packets []Packet
}

func (o *observer) see(p Packet) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.packets = append(o.packets, p)
}

// since returns all packets sent at from or later. The order does not depend on
// which of two goroutines came first at one instant.
func (o *observer) since(from time.Time) []Packet {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []Packet
	for _, p := range o.packets {
		if !p.At.Before(from) {
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, compare)
	return list
}

// Diff returns the first difference between two lists of packets in words, or
// "" if they are the same. Traces that should not be told apart have none.
func Diff(a, b []Packet) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("packet %d: %v, against %v", i, a[i], b[i])
		}
	}
	if len(a) != len(b) {
		return fmt.Sprintf("%d packets, against %d", len(a), len(b))
	}
	return ""
}
