package rtc

import (
	"errors"
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

const (
	// candidatePriority is that of a host candidate of the first preference
	// (RFC 8445, 5.1.2.1); each further one gets a lower one.
	candidatePriority = 126<<24 | 65535<<8 | 255

	// passivePriority is that of the first host candidate to which a client connects
	// over TCP (RFC 6544, 4.2): lower than all of UDP.
	passivePriority = 90<<24 | (4<<13|8191)<<8 | 255

	// activeCandidate asks the server for candidates of TCP. Its address is the one
	// that stands for none.
	activeCandidate = "1 1 tcp 1518280447 0.0.0.0 9 typ host tcptype active"
)

// cleanOffer checks that text describes one data channel and takes all
// addresses out. An offer needs none, since an ICE-lite server answers to
// wherever the checks come from; without them the offer has one length, tells
// nothing about the client's network, and cannot make the server send a
// datagram anywhere but to where one came from.
func cleanOffer(text string) (string, error) {
	clean, _, err := readOffer(text)
	return clean, err
}

// readOffer is cleanOffer, and reports whether the client asks for TCP.
func readOffer(text string) (clean string, active bool, err error) {
	clean, err = rewrite(text, func(m *sdp.MediaDescription) ([]string, error) {
		active = slices.ContainsFunc(m.Attributes, func(a sdp.Attribute) bool {
			return a.Key == sdp.AttrKeyCandidate && hasTCPType(a.Value, "active")
		})
		return nil, nil
	})
	return clean, active, err
}

// askingForTCP returns an offer that asks for TCP.
func askingForTCP(offer string) (string, error) {
	return rewrite(offer, func(*sdp.MediaDescription) ([]string, error) { return []string{activeCandidate}, nil })
}

// cleanAnswer checks that text describes one data channel and keeps of its
// candidates only UDP ports at literal addresses: a name would be asked of the
// DNS, where others see it.
func cleanAnswer(text string) (string, error) {
	clean, _, err := readAnswer(text, netip.AddrPort{})
	return clean, err
}

// readAnswer is cleanAnswer, and reports whether the server takes streams. If it
// does, the last candidate is the address that stands for one, if that is valid.
func readAnswer(text string, stream netip.AddrPort) (clean string, passive bool, err error) {
	clean, err = rewrite(text, func(m *sdp.MediaDescription) ([]string, error) {
		var addrs []netip.AddrPort
		for _, a := range m.Attributes {
			if a.Key != sdp.AttrKeyCandidate {
				continue
			}
			if addr, ok := parseCandidate(a.Value); ok {
				addrs = append(addrs, addr)
			}
			passive = passive || hasTCPType(a.Value, "passive")
		}
		if passive && stream.IsValid() {
			addrs = append(addrs, stream)
		}
		if len(addrs) == 0 {
			return nil, fmt.Errorf("no UDP address in it")
		}
		return formatCandidates(addrs, nil), nil
	})
	return clean, passive, err
}

// withCandidates returns text with these as its only candidates.
func withCandidates(text string, udp []netip.AddrPort, tcp ...netip.AddrPort) (string, error) {
	return rewrite(text, func(*sdp.MediaDescription) ([]string, error) { return formatCandidates(udp, tcp), nil })
}

// WithReached returns an answer with one more place to look for the server: the address
// at which it was just reached for signalling, with the UDP port of the answer. Behind
// a router the server may not know that address, or know the one of yesterday. An
// answer in which it is already, or which makes no sense, comes back as it is.
func WithReached(answer string, at netip.Addr) string {
	at = at.Unmap().WithZone("")
	with, err := rewrite(answer, func(m *sdp.MediaDescription) (all []string, err error) {
		var port uint16
		for _, a := range m.Attributes {
			if a.Key != sdp.AttrKeyCandidate {
				continue
			}
			all = append(all, a.Value)
			addr, ok := parseCandidate(a.Value)
			if ok && addr.Addr() == at {
				return nil, errKnown
			}
			if ok && port == 0 {
				port = addr.Port()
			}
		}
		if port == 0 || !at.IsValid() || at.IsUnspecified() {
			return nil, errKnown
		}
		n := len(all)
		return append(all, fmt.Sprintf("%d 1 udp %d %s %d typ host", n+1, candidatePriority-n<<8, at, port)), nil
	})
	if err != nil {
		return answer
	}
	return with
}

// errKnown says that nothing is to be added.
var errKnown = errors.New("nothing to add")

// rewrite checks text and replaces its candidates by those that choose returns.
func rewrite(text string, choose func(*sdp.MediaDescription) ([]string, error)) (string, error) {
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
	candidates, err := choose(m)
	if err != nil {
		return "", err
	}
	// pion numbers sessions at random, with more or fewer digits, and nobody
	// reads the number.
	d.Origin.SessionID, d.Origin.SessionVersion = 1, 1
	d.Attributes = withoutAddresses(d.Attributes)
	m.Attributes = withoutAddresses(m.Attributes)
	for _, c := range candidates {
		m.WithValueAttribute(sdp.AttrKeyCandidate, c)
	}
	if len(candidates) > 0 {
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

// formatCandidates writes "foundation component transport priority address port
// typ type" (RFC 8839, 5.1) for each, and "tcptype passive" (RFC 6544, 4.5) behind
// those of TCP.
func formatCandidates(udp, tcp []netip.AddrPort) (all []string) {
	for i, addr := range udp {
		all = append(all, fmt.Sprintf("%d 1 udp %d %s %d typ host",
			i+1, candidatePriority-i<<8, addr.Addr().Unmap().WithZone(""), addr.Port()))
	}
	for i, addr := range tcp {
		all = append(all, fmt.Sprintf("%d 1 tcp %d %s %d typ host tcptype passive",
			len(udp)+i+1, passivePriority-i<<8, addr.Addr().Unmap().WithZone(""), addr.Port()))
	}
	return all
}

// hasTCPType reports whether a candidate is one of TCP, and of this type.
func hasTCPType(value, want string) bool {
	f := strings.Fields(value)
	if len(f) < 10 || f[1] != "1" || !strings.EqualFold(f[2], "tcp") || f[6] != "typ" {
		return false
	}
	i := slices.Index(f[8:], "tcptype")
	return i >= 0 && 8+i+1 < len(f) && f[8+i+1] == want
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
