package rtc

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// answerWith is an answer with these candidates.
func answerWith(candidates ...string) string {
	text := documentedOffer
	for _, c := range candidates {
		text += "a=candidate:" + c + "\r\n"
	}
	return text + "a=end-of-candidates\r\n"
}

// An answer gets the address that was reached, behind all others and with the same
// port, and what it says of TCP stays. What is there already, or is no address, changes
// nothing.
func TestWithReached(t *testing.T) {
	const udp, tcp = "1 1 udp 2130706431 192.0.2.1 7443 typ host", "2 1 tcp 1518280447 192.0.2.1 443 typ host tcptype passive"
	for name, c := range map[string]struct {
		answer, at string
		want       []string
	}{
		"another one": {answerWith(udp, tcp), "203.0.113.7", []string{udp, tcp, "3 1 udp 2130705919 203.0.113.7 7443 typ host"}},
		"of IPv6":     {answerWith(udp), "2001:db8::7", []string{udp, "2 1 udp 2130706175 2001:db8::7 7443 typ host"}},
		"mapped":      {answerWith(udp), "::ffff:203.0.113.7", []string{udp, "2 1 udp 2130706175 203.0.113.7 7443 typ host"}},
		"the same":    {answerWith(udp), "192.0.2.1", nil},
		"none":        {answerWith(udp), "0.0.0.0", nil},
		"no port":     {answerWith(tcp), "203.0.113.7", nil},
		"no answer":   {"v=0\r\n", "203.0.113.7", nil},
	} {
		got := WithReached(c.answer, netip.MustParseAddr(c.at))
		if c.want == nil {
			if got != c.answer {
				t.Errorf("%s: it became\n%s", name, got)
			}
			continue
		}
		var list []string
		for line := range strings.SplitSeq(got, "\r\n") {
			if value, ok := strings.CutPrefix(line, "a=candidate:"); ok {
				list = append(list, value)
			}
		}
		if strings.Join(list, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s: the candidates are\n%s", name, strings.Join(list, "\n"))
		}
		if _, passive, err := readAnswer(got, netip.AddrPort{}); err != nil || passive != strings.Contains(c.answer, "passive") {
			t.Errorf("%s: read as %v, %v", name, passive, err)
		}
	}
	if got := WithReached(answerWith(udp), netip.Addr{}); got != answerWith(udp) {
		t.Errorf("without an address it became\n%s", got)
	}
}

// A server that names an address at which nobody is, as one behind a router whose
// address has changed, is found where it was reached.
func TestStaleAddress(t *testing.T) {
	stale := netip.MustParseAddr("127.0.0.9")
	s, err := NewListener(ListenConfig{Address: "127.0.0.1:0", Public: []netip.Addr{stale}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	l, err := Dial(ctx, DialConfig{Receive: func([]byte, time.Time) {}}, func(ctx context.Context, offer string) (string, error) {
		answer, _, err := s.Accept(ctx, offer, Handlers{Receive: func([]byte, time.Time) {}})
		if !strings.Contains(answer, " "+stale.String()+" ") {
			t.Errorf("the answer is\n%s", answer)
		}
		return WithReached(answer, s.Addr().Addr()), err
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
