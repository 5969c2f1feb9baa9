package rtc

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// maxSDP is the length of the longest description we read, in bytes. Ours have
// about 600.
const maxSDP = 16 << 10

// candidatePriority is that of a host candidate of the first preference
// (RFC 8445, 5.1.2.1); each further one gets a lower one.
const candidatePriority = 126<<24 | 65535<<8 | 255

// cleanOffer checks that text describes one data channel and takes all
// addresses out. An offer needs none, since an ICE-lite server answers to
// wherever the checks come from; without them the offer has one length, tells
// nothing about the client's network, and cannot make the server send a
// datagram anywhere but to where one came from.
func cleanOffer(text string) (string, error) {
	return rewrite(text, func(*sdp.MediaDescription) ([]netip.AddrPort, error) { return nil, nil })
}

// cleanAnswer checks that text describes one data channel and keeps of its
// candidates only UDP ports at literal addresses: a name would be asked of the
// DNS, where others see it.
func cleanAnswer(text string) (string, error) {
	return rewrite(text, func(m *sdp.MediaDescription) ([]netip.AddrPort, error) {
		var addrs []netip.AddrPort
		for _, a := range m.Attributes {
			if a.Key != sdp.AttrKeyCandidate {
				continue
			}
			if addr, ok := parseCandidate(a.Value); ok {
				addrs = append(addrs, addr)
			}
		}
		if len(addrs) == 0 {
			return nil, fmt.Errorf("no UDP address in it")
		}
		return addrs, nil
	})
}

// withCandidates returns text with addrs as its only candidates.
func withCandidates(text string, addrs []netip.AddrPort) (string, error) {
	return rewrite(text, func(*sdp.MediaDescription) ([]netip.AddrPort, error) { return addrs, nil })
}

// rewrite checks text and replaces its candidates by those that choose returns.
func rewrite(text string, choose func(*sdp.MediaDescription) ([]netip.AddrPort, error)) (string, error) {
	var d sdp.SessionDescription
	if len(text) > maxSDP {
		return "", fmt.Errorf("%d bytes are too long", len(text))
	}
	if err := d.UnmarshalString(text); err != nil {
		return "", err
	}
	m, err := onlyChannel(&d)
	if err != nil {
		return "", err
	}
	addrs, err := choose(m)
	if err != nil {
		return "", err
	}
	// pion numbers sessions at random, with more or fewer digits, and nobody
	// reads the number.
	d.Origin.SessionID, d.Origin.SessionVersion = 1, 1
	d.Attributes = withoutAddresses(d.Attributes)
	m.Attributes = withoutAddresses(m.Attributes)
	for i, addr := range addrs {
		m.WithValueAttribute(sdp.AttrKeyCandidate, formatCandidate(i, addr))
	}
	if len(addrs) > 0 {
		m.WithPropertyAttribute(sdp.AttrKeyEndOfCandidates)
	}
	out, err := d.Marshal()
	return string(out), err
}

// onlyChannel returns the one section of d, which must be a data channel with
// all that the handshakes need.
func onlyChannel(d *sdp.SessionDescription) (*sdp.MediaDescription, error) {
	if len(d.MediaDescriptions) != 1 {
		return nil, fmt.Errorf("%d media sections instead of one", len(d.MediaDescriptions))
	}
	m := d.MediaDescriptions[0]
	if m.MediaName.Media != "application" || !slices.Contains(m.MediaName.Protos, "SCTP") {
		return nil, fmt.Errorf("not a data channel")
	}
	for _, key := range []string{"ice-ufrag", "ice-pwd", "fingerprint", "setup"} {
		if _, ok := m.Attribute(key); ok {
			continue
		}
		if _, ok := d.Attribute(key); !ok {
			return nil, fmt.Errorf("no %s in it", key)
		}
	}
	return m, nil
}

func withoutAddresses(attributes []sdp.Attribute) []sdp.Attribute {
	return slices.DeleteFunc(attributes, func(a sdp.Attribute) bool {
		return a.Key == sdp.AttrKeyCandidate || a.Key == sdp.AttrKeyEndOfCandidates ||
			a.Key == "remote-candidates"
	})
}

// formatCandidate writes "foundation component transport priority address port
// typ type" (RFC 8839, 5.1).
func formatCandidate(i int, addr netip.AddrPort) string {
	return fmt.Sprintf("%d 1 udp %d %s %d typ host",
		i+1, candidatePriority-i<<8, addr.Addr().Unmap().WithZone(""), addr.Port())
}

func parseCandidate(value string) (netip.AddrPort, bool) {
	f := strings.Fields(value)
	if len(f) < 8 || f[1] != "1" || !strings.EqualFold(f[2], "udp") || f[6] != "typ" || f[7] != "host" {
		return netip.AddrPort{}, false
	}
	ip, err := netip.ParseAddr(f[4])
	if err != nil || ip.Zone() != "" || ip.IsUnspecified() || ip.IsMulticast() {
		return netip.AddrPort{}, false
	}
	port, err := strconv.ParseUint(f[5], 10, 16)
	if err != nil || port == 0 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(port)), true
}
