package record

import (
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// A Tape keeps what crosses the sockets of one client, in memory: nothing is
// written while something is measured. It takes memory by the thousand datagrams,
// which come in a call and out of it alike.
type Tape struct {
	started time.Time

	mu     sync.Mutex
	blocks [][]crossing
}

// blockLength is how many datagrams memory is taken for at a time.
const blockLength = 1 << 14

// A crossing has no pointer in it, so that the garbage collector need not look.
type crossing struct {
	at    int64 // nanoseconds since the start
	peer  netip16
	size  uint16
	local uint16
	out   bool
	head  head
}

// netip16 is an address and a port without a pointer.
type netip16 struct {
	addr [16]byte
	port uint16
}

// NewTape returns an empty tape of a session.
func NewTape(started time.Time) *Tape {
	return &Tape{started: started, blocks: [][]crossing{make([]crossing, 0, blockLength)}}
}

// Keep keeps a datagram of the socket with the given port. It is quick and copies
// what it needs of data.
func (t *Tape) Keep(at time.Time, out bool, local uint16, peer netip.AddrPort, data []byte) {
	c := crossing{
		at: int64(at.Sub(t.started)), peer: netip16{peer.Addr().As16(), peer.Port()},
		size: uint16(len(data)), local: local, out: out, head: headOf(data),
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	last := len(t.blocks) - 1
	if len(t.blocks[last]) == blockLength {
		t.blocks = append(t.blocks, make([]crossing, 0, blockLength))
		last++
	}
	t.blocks[last] = append(t.blocks[last], c)
}

// Write writes a capture of all that was kept.
func (t *Tape) Write(w io.Writer) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := pcapgo.NewWriterNanos(w)
	const most = 128 // more than is written of any packet
	if err := p.WriteFileHeader(most, layers.LinkTypeRaw); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	b := gopacket.NewSerializeBuffer()
	for _, block := range t.blocks {
		for i := range block {
			if err := block[i].write(p, b, t.started); err != nil {
				return fmt.Errorf("capture: %w", err)
			}
		}
	}
	return nil
}

func (c *crossing) write(p *pcapgo.Writer, b gopacket.SerializeBuffer, started time.Time) error {
	local := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), c.local)
	from, to := local, netip.AddrPortFrom(netip.AddrFrom16(c.peer.addr).Unmap(), c.peer.port)
	if !to.Addr().Is4() {
		from = netip.AddrPortFrom(netip.IPv6Loopback(), c.local)
	}
	if !c.out {
		from, to = to, from
	}
	udp := &layers.UDP{SrcPort: layers.UDPPort(from.Port()), DstPort: layers.UDPPort(to.Port()), Length: 8 + c.size}
	var ip gopacket.SerializableLayer
	if from.Addr().Is4() {
		ip = &layers.IPv4{
			Version: 4, IHL: 5, TTL: 64, Length: 20 + udp.Length, Protocol: layers.IPProtocolUDP,
			SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice(),
		}
	} else {
		ip = &layers.IPv6{
			Version: 6, HopLimit: 64, Length: udp.Length, NextHeader: layers.IPProtocolUDP,
			SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice(),
		}
	}
	payload := gopacket.Payload(c.head[:min(headSize, int(c.size))])
	// The lengths are those of the whole datagram, not of what is written of it.
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{}, ip, udp, payload); err != nil {
		return err
	}
	return p.WritePacket(gopacket.CaptureInfo{
		Timestamp: started.Add(time.Duration(c.at)), CaptureLength: len(b.Bytes()),
		Length: len(b.Bytes()) + int(c.size) - len(payload),
	}, b.Bytes())
}

// Peers returns who the sockets talked to, for the labels.
func (t *Tape) Peers() (all []netip.AddrPort) {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := map[netip16]bool{}
	for _, block := range t.blocks {
		for i := range block {
			if p := block[i].peer; block[i].out && !seen[p] {
				seen[p] = true
				all = append(all, netip.AddrPortFrom(netip.AddrFrom16(p.addr).Unmap(), p.port))
			}
		}
	}
	return all
}
