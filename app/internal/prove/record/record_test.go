package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"undertone/transport/cell"
)

var started = time.Date(2026, 1, 31, 12, 0, 0, 123456789, time.UTC)

func labels() *Labels {
	return &Labels{
		Mode: cell.TMIX, Interval: cell.Interval40, Started: started,
		Client:  []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:40001")},
		Partner: []netip.AddrPort{netip.MustParseAddrPort("[::]:40002")},
		Server:  []netip.AddrPort{netip.MustParseAddrPort("192.0.2.7:7443"), netip.MustParseAddrPort("[2001:db8::7]:7443")},
		Segments: []Segment{
			{Label: "idle", From: 20 * time.Second, To: 22*time.Second + 1},
			{Label: "talk", Call: true, From: 22500 * time.Millisecond, To: 24500 * time.Millisecond},
			{Label: "idle", Call: true, Control: "skipped tick", From: 25 * time.Second, To: 27 * time.Second},
		},
		Voice: []byte{0, 51, 255},
	}
}

// datagram returns the content of one of a kind.
func datagram(k Kind, size int) []byte {
	b := make([]byte, size)
	switch k {
	case STUN:
		binary.BigEndian.PutUint32(b[4:], 0x2112A442)
	case Handshake:
		copy(b, []byte{22, 254, 253})
	case Control, Data, Resend:
		copy(b, []byte{23, 254, 253})
	case Other:
		b[0] = 0xff
	}
	return b
}

// traffic is what a user sends and gets, with one of everything there is.
func traffic() (all []Datagram) {
	at := time.Duration(0)
	add := func(out bool, size int, k Kind) {
		at += 7*time.Millisecond + 3
		all = append(all, Datagram{at, out, size, k})
	}
	for range 20 {
		add(true, 197, Data)
		add(false, 197, Data)
		add(true, 65, Control)
	}
	for _, size := range []int{345, 493} {
		add(true, size, Resend)
	}
	for _, size := range []int{198, 196, 346, 1200} {
		add(true, size, Data)
	}
	for _, size := range []int{69, 113, 193} {
		add(false, size, Control)
	}
	add(true, 112, STUN)
	add(false, 64, STUN)
	add(true, 200, Handshake)
	add(false, 5, Other)
	return all
}

func tape(all []Datagram, server string) *Tape {
	t := NewTape(started)
	for _, d := range all {
		t.Keep(started.Add(d.At), d.Out, 40001, netip.MustParseAddrPort(server), datagram(d.Kind, d.Size))
	}
	return t
}

func capture(t *testing.T, p *Tape) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return &b
}

// What a tape kept is read as it was, by IPv4 and IPv6.
func TestTapeAndBack(t *testing.T) {
	for _, server := range []string{"192.0.2.7:7443", "[2001:db8::7]:7443"} {
		p := tape(traffic(), server)
		r, err := Read(labels(), capture(t, p))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(r.Datagrams, traffic()) {
			t.Errorf("by %s:\n%v, want\n%v", server, r.Datagrams, traffic())
		}
		if len(r.Partner) != 0 {
			t.Errorf("the partner sent %v", r.Partner)
		}
		if peers := p.Peers(); !slices.Equal(peers, []netip.AddrPort{netip.MustParseAddrPort(server)}) {
			t.Errorf("peers %v", peers)
		}
	}
}

// Two captures, of which the second is the partner's, and what belongs to neither.
func TestTwoCapturesAndStrangers(t *testing.T) {
	ours, partners := tape(traffic(), "192.0.2.7:7443"), NewTape(started)
	server := netip.MustParseAddrPort("192.0.2.7:7443")
	partners.Keep(started.Add(time.Second), true, 40002, server, datagram(Data, 197))
	partners.Keep(started.Add(time.Second), true, 40003, server, datagram(Data, 197))
	partners.Keep(started.Add(-time.Second), true, 40002, server, datagram(Data, 197))
	partners.Keep(started.Add(time.Second), true, 40002, netip.MustParseAddrPort("192.0.2.8:7443"), datagram(Data, 197))
	r, err := Read(labels(), capture(t, partners), capture(t, ours))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Datagrams) != len(traffic()) || len(r.Partner) != 1 {
		t.Errorf("%d datagrams of the client, %d of the partner", len(r.Datagrams), len(r.Partner))
	}
}

// The lengths that an sMIX has are another usual length, and each direction has
// its own.
func TestUsualLengthIsOfTheDirection(t *testing.T) {
	for _, c := range []struct {
		out  bool
		size int
		want Kind
	}{
		{true, 1225, Data}, {false, 197, Data}, {true, 197, Control}, {true, 199, Data}, {false, 1225, Data}, {false, 345, Resend},
	} {
		all := slices.Repeat([]Datagram{{Out: true, Size: 1225, Kind: Control}, {Size: 197, Kind: Control}}, 3)
		all = append(all, Datagram{Out: c.out, Size: c.size, Kind: Control})
		classify(all)
		if got := all[len(all)-1].Kind; got != c.want {
			t.Errorf("%+v: kind %d", c, got)
		}
	}
}

func TestLabelsAndBack(t *testing.T) {
	var b bytes.Buffer
	if err := labels().Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := ReadLabels(&b)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Started.Equal(started) || !slices.Equal(got.Segments, labels().Segments) || got.Mode != cell.TMIX ||
		got.Interval != cell.Interval40 || !slices.Equal(got.Client, labels().Client) || !slices.Equal(got.Server, labels().Server) {
		t.Errorf("%+v", got)
	}
	if loud := got.Loudness(0, 200*time.Millisecond); !slices.Equal(loud, []float64{0, 0.2}) {
		t.Errorf("loudness %v", loud)
	}
	if loud := got.Loudness(time.Hour, 2*time.Hour); len(loud) != 0 {
		t.Errorf("loudness %v, after the end", loud)
	}
}

// What the first version had no words for makes a labels file one of the second.
func TestLabelsOfTheSecondVersion(t *testing.T) {
	l := labels()
	l.Bystander, l.Attack = []netip.AddrPort{netip.MustParseAddrPort("[::]:40003")}, "drop"
	var b bytes.Buffer
	if err := l.Write(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	got, err := ReadLabels(&b)
	if err != nil || got.Attack != l.Attack || !slices.Equal(got.Bystander, l.Bystander) || !strings.Contains(text, `"version": 2`) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestStrangeLabels(t *testing.T) {
	var b bytes.Buffer
	if err := labels().Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, replacement, want string }{
		{`"version": 1`, `"version": 3`, "version 3"},
		{`"tmix"`, `"vmix"`, "vmix"},
		{`"40ms"`, `"41ms"`, "41ms"},
		{`"0.0.0.0:40001"`, ``, "no socket"},
		{`"0.0.0.0:40001"`, `"home"`, "no labels file"},
		{`"from_s": 20,`, `"from_s": 23,`, "segment 0"},
		{`"from_s": 20,`, `"from_s": -1,`, "segment 0"},
		{`"from_s": 20,`, `"from_s": 20, "more": 1,`, "more"},
		{`"label": "talk"`, `"label": ""`, "no label"},
		{`{`, ``, "no labels file"},
	} {
		text := strings.Replace(b.String(), c.old, c.replacement, 1)
		if _, err := ReadLabels(strings.NewReader(text)); text == b.String() || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.replacement, err)
		}
	}
}

// Captures as tcpdump makes them on other interfaces, cut to a length that it is
// told, in both formats.
func TestCapturesOfTcpdump(t *testing.T) {
	ip := &layers.IPv4{Version: 4, IHL: 5, TTL: 9, Protocol: layers.IPProtocolUDP, SrcIP: []byte{10, 0, 0, 5}, DstIP: []byte{192, 0, 2, 7}}
	udp := &layers.UDP{SrcPort: 40001, DstPort: 7443}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	content := gopacket.Payload(datagram(Data, 197))
	ethernet := &layers.Ethernet{SrcMAC: make([]byte, 6), DstMAC: make([]byte, 6), EthernetType: layers.EthernetTypeIPv4}
	tagged := &layers.Ethernet{SrcMAC: make([]byte, 6), DstMAC: make([]byte, 6), EthernetType: layers.EthernetTypeDot1Q}
	vlan := &layers.Dot1Q{VLANIdentifier: 7, Type: layers.EthernetTypeIPv4}
	cooked := gopacket.Payload([]byte{0, 4, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0})
	cooked2 := gopacket.Payload([]byte{8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 0, 0, 0, 0, 0, 0, 0, 0})
	null := gopacket.Payload([]byte{2, 0, 0, 0})
	for name, c := range map[string]struct {
		link  layers.LinkType
		below []gopacket.SerializableLayer
	}{
		"ethernet": {layers.LinkTypeEthernet, []gopacket.SerializableLayer{ethernet}},
		"vlan":     {layers.LinkTypeEthernet, []gopacket.SerializableLayer{tagged, vlan}},
		"any":      {layers.LinkTypeLinuxSLL, []gopacket.SerializableLayer{cooked}},
		"any, new": {layers.LinkTypeLinuxSLL2, []gopacket.SerializableLayer{cooked2}},
		"loopback": {layers.LinkTypeNull, []gopacket.SerializableLayer{null}},
		"tunnel":   {layers.LinkTypeRaw, nil},
	} {
		b := gopacket.NewSerializeBuffer()
		options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
		if err := gopacket.SerializeLayers(b, options, append(slices.Clone(c.below), ip, udp, content)...); err != nil {
			t.Fatal(err)
		}
		whole := b.Bytes()
		info := gopacket.CaptureInfo{Timestamp: started.Add(time.Second), Length: len(whole), CaptureLength: len(whole) - 100}
		for kind, file := range map[string]*bytes.Buffer{"pcap": pcap(t, c.link, info, whole), "pcapng": pcapng(t, c.link, info, whole)} {
			r, err := Read(labels(), file)
			if err != nil {
				t.Errorf("%s, %s: %v", name, kind, err)
				continue
			}
			if d := r.Datagrams[0]; len(r.Datagrams) != 1 || d.Size != 197 || !d.Out || d.Kind != Data || d.At.Round(time.Microsecond) != time.Second {
				t.Errorf("%s, %s: %+v", name, kind, r.Datagrams)
			}
		}
	}
}

func pcap(t *testing.T, link layers.LinkType, info gopacket.CaptureInfo, packet []byte) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := pcapgo.NewWriterNanos(&b)
	if err := errors.Join(w.WriteFileHeader(262144, link), w.WritePacket(info, packet[:info.CaptureLength])); err != nil {
		t.Fatal(err)
	}
	return &b
}

func pcapng(t *testing.T, link layers.LinkType, info gopacket.CaptureInfo, packet []byte) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w, err := pcapgo.NewNgWriter(&b, link)
	if err == nil {
		err = errors.Join(w.WritePacket(info, packet[:info.CaptureLength]), w.Flush())
	}
	if err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestStrangeCaptures(t *testing.T) {
	whole := capture(t, tape(traffic(), "192.0.2.7:7443")).Bytes()
	for name, c := range map[string]struct {
		content string
		want    string
	}{
		"nothing":  {"", "neither pcap"},
		"text":     {"not a capture at all, but longer than a header", "neither pcap"},
		"foreign":  {capture(t, tape(nil, "192.0.2.7:7443")).String(), ErrForeign.Error()},
		"too long": {string(whole[:24]) + strings.Repeat("\xff", 16), "damaged"},
	} {
		if _, err := Read(labels(), strings.NewReader(c.content)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Whoever records is stopped at any byte.
	r, err := Read(labels(), bytes.NewReader(whole[:len(whole)-5]))
	if err != nil || len(r.Datagrams) != len(traffic())-1 {
		t.Errorf("one that was stopped: %v", err)
	}
}

// A tape takes memory by the block, and nothing for a single datagram.
func TestTapeAllocatesNothing(t *testing.T) {
	p, server, b := NewTape(started), netip.MustParseAddrPort("192.0.2.7:7443"), datagram(Data, 197)
	if n := testing.AllocsPerRun(1000, func() { p.Keep(started, true, 1, server, b) }); n != 0 {
		t.Errorf("%v allocations for a datagram", n)
	}
	for range 2 * blockLength {
		p.Keep(started, true, 1, server, b)
	}
	if len(p.blocks) != 3 {
		t.Errorf("%d blocks", len(p.blocks))
	}
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := tape(traffic(), "192.0.2.7:7443").Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:24])
	f.Add([]byte{0x0A, 0x0D, 0x0D, 0x0A})
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := Read(labels(), bytes.NewReader(file))
		if err == nil && !slices.IsSortedFunc(r.Datagrams, func(a, b Datagram) int { return int(a.At - b.At) }) {
			t.Error("not in the order of time")
		}
	})
}

func FuzzReadLabels(f *testing.F) {
	var b bytes.Buffer
	if err := labels().Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		l, err := ReadLabels(bytes.NewReader(file))
		if err != nil {
			return
		}
		for _, s := range l.Segments {
			if s.From < 0 || s.To < s.From || s.Label == "" {
				t.Errorf("%+v", s)
			}
		}
		if err := l.Write(io.Discard); err != nil {
			t.Error(err)
		}
	})
}
