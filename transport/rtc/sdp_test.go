package rtc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// exampleOffer is what a client sends, with addresses as another client of
// WebRTC would add them.
const exampleOffer = "v=0\r\n" +
	"o=- 2791066622182952731 1795366359 IN IP4 0.0.0.0\r\n" +
	"s=-\r\n" +
	"t=0 0\r\n" +
	"a=fingerprint:sha-256 57:78:3C:91:E5:1D:BD:7C:E1:31:37:27:9D:9D:F6:EE:51:48:CD:8F:0C:19:DF:69:91:C1:8B:1D:A9:F2:BD:EF\r\n" +
	"a=group:BUNDLE 0\r\n" +
	"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" +
	"c=IN IP4 0.0.0.0\r\n" +
	"a=setup:actpass\r\n" +
	"a=mid:0\r\n" +
	"a=sctp-port:5000\r\n" +
	"a=ice-ufrag:wwzrBzBKLAHUfecS\r\n" +
	"a=ice-pwd:ADgqNptryGNnBLVIaRdxlCwUJORZhzZL\r\n" +
	"a=candidate:1 1 udp 2130706431 192.168.1.7 40001 typ host\r\n" +
	"a=candidate:2 1 udp 2130706175 router.example 40001 typ host\r\n" +
	"a=candidate:3 1 tcp 2130706175 192.168.1.7 9 typ host tcptype active\r\n" +
	"a=candidate:4 1 udp 2130706175 5b8e.local 40001 typ host\r\n" +
	"a=candidate:5 1 udp 1694498815 203.0.113.9 40001 typ srflx raddr 0.0.0.0 rport 0\r\n" +
	"a=candidate:6 1 udp 2130706175 2001:db8::7 40001 typ host\r\n" +
	"a=end-of-candidates\r\n"

// documentedOffer is the one of the package comment.
const documentedOffer = "v=0\r\n" +
	"o=- 1 1 IN IP4 0.0.0.0\r\n" +
	"s=-\r\n" +
	"t=0 0\r\n" +
	"a=group:BUNDLE 0\r\n" +
	"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" +
	"c=IN IP4 0.0.0.0\r\n" +
	"a=ice-ufrag:wwzr\r\n" +
	"a=ice-pwd:ADgqNptryGNnBLVIaRdxlCwU\r\n" +
	"a=fingerprint:sha-256 57:78:3C:91:E5:1D:BD:7C:E1:31:37:27:9D:9D:F6:EE:51:48:CD:8F:0C:19:DF:69:91:C1:8B:1D:A9:F2:BD:EF\r\n" +
	"a=setup:actpass\r\n" +
	"a=mid:0\r\n" +
	"a=sctp-port:5000\r\n"

// TestDocumentedOffer: what the package comment tells other clients to send is taken, and
// answered as it says.
func TestDocumentedOffer(t *testing.T) {
	l, err := NewListener(ListenConfig{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	answer, _, err := l.Accept(t.Context(), documentedOffer, Handlers{})
	if err != nil {
		t.Fatal(err)
	}
	host := fmt.Sprintf("a=candidate:1 1 udp 2130706431 127.0.0.1 %d typ host\r\n", l.Addr().Port())
	for _, line := range []string{"a=ice-lite\r\n", "a=setup:passive\r\n", "a=sctp-port:5000\r\n", "a=fingerprint:sha-256 ", host} {
		if strings.Count(answer, line) != 1 {
			t.Errorf("there is no %q in the answer\n%s", line, answer)
		}
	}
}

func TestOfferHasNoAddresses(t *testing.T) {
	got, err := cleanOffer(exampleOffer)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"candidate", "192.168", "router", "local", "2001"} {
		if strings.Contains(got, bad) {
			t.Errorf("%q is still in it:\n%s", bad, got)
		}
	}
}

func TestAnswerKeepsLiteralAddresses(t *testing.T) {
	got, err := cleanAnswer(exampleOffer)
	if err != nil {
		t.Fatal(err)
	}
	want := "a=candidate:1 1 udp 2130706431 192.168.1.7 40001 typ host\r\n" +
		"a=candidate:2 1 udp 2130706175 2001:db8::7 40001 typ host\r\n" +
		"a=end-of-candidates\r\n"
	if !strings.HasSuffix(got, want) || strings.Count(got, "candidate:") != 2 {
		t.Errorf("got:\n%s", got)
	}
}

// TestOfferHasOneLength: an observer sees the length of what goes through TLS.
func TestOfferHasOneLength(t *testing.T) {
	lengths := map[int]bool{}
	stop := errors.New("enough")
	for range 8 {
		_, err := Dial(t.Context(), DialConfig{}, func(_ context.Context, offer string) (string, error) {
			lengths[len(offer)] = true
			return "", stop
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
	}
	if len(lengths) != 1 {
		t.Errorf("offers have lengths %v", lengths)
	}
}

func TestBadDescriptions(t *testing.T) {
	change := func(old, replacement string) string {
		s := strings.ReplaceAll(exampleOffer, old, replacement)
		if s == exampleOffer {
			t.Fatalf("%q is not in the example", old)
		}
		return s
	}
	session, section, _ := strings.Cut(exampleOffer, "m=")
	for name, text := range map[string]string{
		"empty":          "",
		"no SDP":         "hello",
		"too long":       exampleOffer + strings.Repeat("a=x\r\n", maxSDP/5),
		"no section":     session,
		"two sections":   exampleOffer + "m=" + section,
		"audio":          change("application 9", "audio 9"),
		"another kind":   change("UDP/DTLS/SCTP", "UDP/TLS/RTP/SAVPF"),
		"no fingerprint": change("a=fingerprint", "a=x-fingerprint"),
		"no ufrag":       change("a=ice-ufrag", "a=x-ufrag"),
		"no password":    change("a=ice-pwd", "a=x-pwd"),
		"no role":        change("a=setup", "a=x-setup"),
	} {
		if got, err := cleanOffer(text); err == nil {
			t.Errorf("%s: taken as\n%s", name, got)
		}
	}
	if _, err := cleanAnswer(change("typ host", "typ relay")); err == nil {
		t.Error("an answer without addresses was taken")
	}
}

func TestParseCandidate(t *testing.T) {
	for value, want := range map[string]string{
		"1 1 udp 1 192.0.2.1 5000 typ host":                     "192.0.2.1:5000",
		"1 1 UDP 1 ::ffff:192.0.2.1 5000 typ host generation 0": "192.0.2.1:5000",
		"1 1 udp 1 ::1 5000 typ host":                           "[::1]:5000",
		"1 2 udp 1 192.0.2.1 5000 typ host":                     "",
		"1 1 tcp 1 192.0.2.1 5000 typ host":                     "",
		"1 1 udp 1 192.0.2.1 0 typ host":                        "",
		"1 1 udp 1 192.0.2.1 65536 typ host":                    "",
		"1 1 udp 1 192.0.2.1 5000 typ srflx":                    "",
		"1 1 udp 1 example.org 5000 typ host":                   "",
		"1 1 udp 1 fe80::1%eth0 5000 typ host":                  "",
		"1 1 udp 1 0.0.0.0 5000 typ host":                       "",
		"1 1 udp 1 224.0.0.1 5000 typ host":                     "",
		"1 1 udp 1 192.0.2.1 5000 typ":                          "",
		"":                                                      "",
	} {
		got, ok := parseCandidate(value)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%q: %v %v, not %q", value, got, ok, want)
		}
	}
}

// FuzzDescription checks that whatever comes instead of an offer neither
// panics nor keeps an address, and that what is taken is taken again, or read.
func FuzzDescription(f *testing.F) {
	f.Add(exampleOffer)
	f.Add("v=0\r\n")
	f.Add(exampleOffer[:400])
	f.Add(exampleOffer + "a=max-message-size:0\r\na=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := readDescription(text); err == nil && (!goodMid.MatchString(d.mid) || d.user == "" || d.password == "" || d.longest == 0) {
			t.Errorf("%+v is taken from\n%s", d, text)
		}
		clean, err := cleanOffer(text)
		if err != nil {
			return
		}
		if strings.Contains(clean, "\na=candidate:") {
			t.Errorf("an address is left in\n%s", clean)
		}
		if _, err := cleanOffer(clean); err != nil {
			t.Errorf("not taken again: %v\n%s", err, clean)
		}
		addr := netip.MustParseAddrPort("192.0.2.1:3478")
		with, err := withCandidates(clean, []netip.AddrPort{addr})
		if err != nil {
			t.Fatalf("%v\n%s", err, clean)
		}
		if _, err := cleanAnswer(with); err != nil {
			t.Errorf("%v\n%s", err, with)
		}
	})
}

// The candidates of both ways are those that RFC 8839 and RFC 6544 describe, and
// those of TCP come only where they are asked for.
func TestCandidatesOfBothWays(t *testing.T) {
	l, err := NewListener(ListenConfig{Address: "127.0.0.1:0", StreamPort: 443})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for offer, want := range map[string][]string{
		documentedOffer: {"1 1 udp 2130706431 127.0.0.1"},
		documentedOffer + "a=candidate:" + activeCandidate + "\r\n": {
			"1 1 udp 2130706431 127.0.0.1", "2 1 tcp 1520435199 127.0.0.1 443 typ host tcptype passive",
		},
	} {
		answer, _, err := l.Accept(t.Context(), offer, Handlers{})
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(answer, "a=candidate:"); n != len(want) {
			t.Errorf("%d candidates in\n%s", n, answer)
		}
		for _, c := range want {
			if !strings.Contains(answer, "a=candidate:"+c) {
				t.Errorf("there is no %q in\n%s", c, answer)
			}
		}
	}
	for value, want := range map[string]bool{
		activeCandidate: true,
		"1 1 TCP 1 192.0.2.1 9 typ host tcptype active generation 0":           true,
		"1 1 tcp 1 x.local 9 typ host generation 0 tcptype active":             true,
		"1 1 tcp 1 192.0.2.1 9 typ srflx raddr 0.0.0.0 rport 0 tcptype active": true,
		"1 1 tcp 1 192.0.2.1 9 typ host tcptype passive":                       false,
		"1 2 tcp 1 192.0.2.1 9 typ host tcptype active":                        false,
		"1 1 udp 1 192.0.2.1 9 typ host tcptype active":                        false,
		"1 1 tcp 1 192.0.2.1 9 typ host generation tcptype":                    false,
		"1 1 tcp 1 192.0.2.1 9 typ host":                                       false,
		"":                                                                     false,
	} {
		if got := hasTCPType(value, "active"); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

// A client's offer with the request for TCP has one length, too, and holds nothing
// of the client.
func TestOfferThatAsksForTCP(t *testing.T) {
	lengths, stop := map[int]bool{}, errors.New("enough")
	for range 4 {
		_, err := Dial(t.Context(), DialConfig{Stream: func(context.Context) (net.Conn, error) { return nil, stop }},
			func(_ context.Context, offer string) (string, error) {
				lengths[len(offer)] = true
				clean, active, err := readOffer(offer)
				if err != nil || !active || strings.Contains(clean, "candidate") || strings.Count(offer, "candidate:") != 1 {
					t.Errorf("%v\n%s", err, offer)
				}
				return "", stop
			})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
	}
	if len(lengths) != 1 {
		t.Errorf("offers have lengths %v", slices.Sorted(maps.Keys(lengths)))
	}
}
