package record

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// A Recording is all of a session.
type Recording struct {
	Labels
	// Datagrams are the client's, Partner those of the other side of his calls, and
	// Bystander those of a member who is in none, in the order of time. Nil says that
	// none were recorded.
	Datagrams, Partner, Bystander []Datagram
}

// maxDatagrams bounds how many are kept of a user: days of any mode.
const maxDatagrams = 1 << 25

// ErrForeign is returned for a capture without a single datagram of the client.
var ErrForeign = errors.New("no datagram of the client is in the capture: it is of another line, time or run, or its addresses were changed on the way (then write them into the labels)")

// Read reads captures of a session, each of the client, the others or all of them.
func Read(labels *Labels, captures ...io.Reader) (*Recording, error) {
	r := &Recording{Labels: *labels}
	for _, c := range captures {
		if err := r.add(c); err != nil {
			return nil, err
		}
	}
	if len(r.Datagrams) == 0 {
		return nil, ErrForeign
	}
	for _, all := range [][]Datagram{r.Datagrams, r.Partner, r.Bystander} {
		slices.SortStableFunc(all, func(a, b Datagram) int { return int(a.At - b.At) })
		classify(all)
	}
	return r, nil
}

// A source is where packets come from.
type source interface {
	ZeroCopyReadPacketData() ([]byte, gopacket.CaptureInfo, error)
	LinkType() layers.LinkType
}

// open finds out which of the two formats it is.
func open(r io.Reader) (source, error) {
	const what = "this is no capture of tcpdump, neither pcap nor pcapng"
	b := bufio.NewReaderSize(r, 1<<16)
	magic, err := b.Peek(4)
	if err != nil {
		return nil, errors.New(what)
	}
	var s source
	if bytes.Equal(magic, []byte{0x0A, 0x0D, 0x0D, 0x0A}) {
		s, err = pcapgo.NewNgReader(b, pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: true})
	} else {
		s, err = pcapgo.NewReader(b)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return s, nil
}

// add reads a capture to its end. One that ends in the middle of a packet, since
// whoever recorded it was stopped, ends there.
func (r *Recording) add(capture io.Reader) error {
	s, err := open(capture)
	if err != nil {
		return err
	}
	p := newParser()
	for {
		b, info, err := s.ZeroCopyReadPacketData()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return fmt.Errorf("the capture is damaged: %w", err)
		}
		link := s.LinkType()
		if of, ok := mixed(info); ok {
			link = of
		}
		if p.parse(link, b) {
			if err := r.sort(p, info.Timestamp); err != nil {
				return err
			}
		}
	}
}

// mixed returns the link of a packet of a capture of several interfaces.
func mixed(info gopacket.CaptureInfo) (link layers.LinkType, ok bool) {
	for _, a := range info.AncillaryData {
		if link, ok = a.(layers.LinkType); ok {
			return link, true
		}
	}
	return 0, false
}

// sort adds a datagram to those of the user whose it is.
func (r *Recording) sort(p *parser, at time.Time) error {
	since := at.Sub(r.Started)
	if since < 0 || since > maxSession {
		return nil
	}
	for _, of := range []struct {
		sockets []netip.AddrPort
		all     *[]Datagram
	}{{r.Client, &r.Datagrams}, {r.Labels.Partner, &r.Partner}, {r.Labels.Bystander, &r.Bystander}} {
		out := matches(of.sockets, p.from) && r.server(p.to)
		in := matches(of.sockets, p.to) && r.server(p.from)
		if !out && !in {
			continue
		}
		if len(*of.all) == maxDatagrams {
			return errors.New("the capture has more datagrams of the client than fit into memory")
		}
		*of.all = append(*of.all, Datagram{At: since, Out: out, Size: p.size, Kind: p.head.protocol(p.size)})
	}
	return nil
}

func (r *Recording) server(a netip.AddrPort) bool { return len(r.Server) == 0 || matches(r.Server, a) }

func matches(sockets []netip.AddrPort, a netip.AddrPort) bool {
	return slices.ContainsFunc(sockets, func(s netip.AddrPort) bool {
		return s.Port() == a.Port() && (s.Addr().IsUnspecified() || s.Addr().Unmap() == a.Addr())
	})
}

// A parser finds the datagram in a packet.
type parser struct {
	ethernet layers.Ethernet
	vlan     layers.Dot1Q
	cooked   layers.LinuxSLL
	cooked2  layers.LinuxSLL2
	null     layers.Loopback
	ip4      layers.IPv4
	ip6      layers.IPv6
	udp      layers.UDP

	byFirst map[gopacket.LayerType]*gopacket.DecodingLayerParser
	found   []gopacket.LayerType

	// The last datagram.
	from, to netip.AddrPort
	size     int
	head     head
}

func newParser() *parser {
	p := &parser{byFirst: map[gopacket.LayerType]*gopacket.DecodingLayerParser{}}
	for _, first := range []gopacket.LayerType{
		layers.LayerTypeEthernet, layers.LayerTypeLinuxSLL, layers.LayerTypeLinuxSLL2, layers.LayerTypeLoopback,
		layers.LayerTypeIPv4, layers.LayerTypeIPv6,
	} {
		d := gopacket.NewDecodingLayerParser(first, &p.ethernet, &p.vlan, &p.cooked, &p.cooked2, &p.null, &p.ip4, &p.ip6, &p.udp)
		d.IgnoreUnsupported = true
		p.byFirst[first] = d
	}
	return p
}

// first returns what a packet of such a link begins with.
func first(link layers.LinkType, b []byte) gopacket.LayerType {
	switch link {
	case layers.LinkTypeEthernet:
		return layers.LayerTypeEthernet
	case layers.LinkTypeLinuxSLL:
		return layers.LayerTypeLinuxSLL
	case layers.LinkTypeLinuxSLL2:
		return layers.LayerTypeLinuxSLL2
	case layers.LinkTypeNull, layers.LinkTypeLoop:
		return layers.LayerTypeLoopback
	}
	if len(b) > 0 && b[0]>>4 == 6 {
		return layers.LayerTypeIPv6
	}
	return layers.LayerTypeIPv4
}

// parse reads a packet, and reports whether there is a whole head of a datagram in
// it. A packet that was cut, as tcpdump does, is as good as a whole one.
func (p *parser) parse(link layers.LinkType, b []byte) bool {
	p.found = p.found[:0]
	// What comes after UDP, or was cut off, is no matter here.
	_ = p.byFirst[first(link, b)].DecodeLayers(b, &p.found)
	var from, to netip.Addr
	for _, l := range p.found {
		switch l {
		case layers.LayerTypeIPv4:
			if p.ip4.FragOffset > 0 || p.ip4.Flags&layers.IPv4MoreFragments != 0 {
				return false // Nothing of ours is so long.
			}
			from, to = address(p.ip4.SrcIP), address(p.ip4.DstIP)
		case layers.LayerTypeIPv6:
			from, to = address(p.ip6.SrcIP), address(p.ip6.DstIP)
		case layers.LayerTypeUDP:
			const header = 8
			p.size = int(p.udp.Length) - header
			p.head = headOf(p.udp.Payload)
			p.from, p.to = netip.AddrPortFrom(from, uint16(p.udp.SrcPort)), netip.AddrPortFrom(to, uint16(p.udp.DstPort))
			return p.size > 0 && len(p.udp.Payload) >= min(p.size, headSize) && from.IsValid()
		}
	}
	return false
}

func address(ip []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}
