package rtc

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// The values of a=setup (RFC 8842, 5).
const (
	setupEither  = "actpass"
	setupActive  = "active"
	setupPassive = "passive"
)

// goodMid is what a section of a description may be called.
var goodMid = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// describe writes a description without candidates. All have one length, but for that of
// the names in it.
func describe(d *description) string {
	lite := ""
	if d.lite {
		lite = "a=ice-lite\r\n"
	}
	return "v=0\r\n" +
		"o=- 1 1 IN IP4 0.0.0.0\r\n" +
		"s=-\r\n" +
		"t=0 0\r\n" +
		"a=fingerprint:sha-256 " + d.fingerprint + "\r\n" +
		lite +
		"a=group:BUNDLE " + d.mid + "\r\n" +
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" +
		"c=IN IP4 0.0.0.0\r\n" +
		"a=setup:" + d.setup + "\r\n" +
		"a=mid:" + d.mid + "\r\n" +
		"a=sendrecv\r\n" +
		"a=sctp-port:5000\r\n" +
		fmt.Sprintf("a=max-message-size:%d\r\n", MaxMessage) +
		"a=ice-ufrag:" + d.user + "\r\n" +
		"a=ice-pwd:" + d.password + "\r\n"
}

// readDescription reads a description of one data channel, of which it wants all that
// the handshakes need.
func readDescription(text string) (*description, error) {
	var s sdp.SessionDescription
	if err := s.UnmarshalString(text); err != nil {
		return nil, err
	}
	m, err := onlyChannel(&s)
	if err != nil {
		return nil, err
	}
	value := func(key string) string {
		if v, ok := m.Attribute(key); ok {
			return v
		}
		v, _ := s.Attribute(key)
		return v
	}
	_, lite := s.Attribute(sdp.AttrKeyICELite)
	d := &description{user: value("ice-ufrag"), password: value("ice-pwd"), setup: value(sdp.AttrKeyConnectionSetup), mid: "0", lite: lite}
	if d.fingerprint, err = sha256In(slices.Concat(m.Attributes, s.Attributes)); err != nil {
		return nil, err
	}
	if mid, ok := m.Attribute(sdp.AttrKeyMID); ok {
		d.mid = mid
	}
	if d.longest, err = longestIn(value("max-message-size")); err != nil {
		return nil, err
	}
	if d.user == "" || d.password == "" || !goodMid.MatchString(d.mid) {
		return nil, fmt.Errorf("ice-ufrag, ice-pwd or mid make no sense")
	}
	for _, a := range m.Attributes {
		if at, ok := parseCandidate(a.Value); ok && a.Key == sdp.AttrKeyCandidate {
			d.candidates = append(d.candidates, at)
		}
	}
	return d, nil
}

// longestIn reads the longest message that somebody takes (RFC 8841, 6): unless he says
// something else, 64 KiB, and zero stands for any.
func longestIn(value string) (uint32, error) {
	const unsaid = 1<<16 - 1
	if value == "" {
		return unsaid, nil
	}
	n, err := strconv.ParseUint(value, 10, 32)
	if err == nil && n == 0 {
		n = unsaid
	}
	return uint32(n), err
}

// sha256In returns the fingerprint among attributes.
func sha256In(all []sdp.Attribute) (string, error) {
	for _, a := range all {
		hash, print, ok := strings.Cut(a.Value, " ")
		if a.Key == "fingerprint" && ok && strings.EqualFold(hash, "sha-256") {
			return strings.TrimSpace(print), nil
		}
	}
	return "", fmt.Errorf("no fingerprint by sha-256 in it")
}
