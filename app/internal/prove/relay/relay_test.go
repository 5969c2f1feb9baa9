package relay

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"undertone/transport/cell"
)

// What each attack does to ten thousand datagrams.
func TestFate(t *testing.T) {
	const n = 10_000
	for _, c := range []struct {
		how                       Attack
		dropped, doubled, delayed bool
		longest                   time.Duration
	}{
		{how: None},
		{how: Drop, dropped: true},
		{how: Delay, delayed: true, longest: 90 * time.Millisecond},
		{how: Duplicate, doubled: true, longest: 40 * time.Millisecond},
		{how: Swap, delayed: true, longest: 54 * time.Millisecond},
		{how: All, dropped: true, doubled: true, delayed: true, longest: 90 * time.Millisecond},
	} {
		f := newFate(c.how, cell.Interval40, 1)
		dropped, doubled, delayed := 0, 0, 0
		for range n {
			copies := f.next()
			for _, late := range copies {
				if late < 0 || late > c.longest {
					t.Errorf("%q: %v late", c.how, late)
				}
			}
			switch {
			case len(copies) == 0:
				dropped++
			case len(copies) == 2:
				doubled++
			case copies[0] > 0:
				delayed++
			}
		}
		if dropped > 0 != c.dropped || doubled > 0 != c.doubled || delayed > 0 != c.delayed {
			t.Errorf("%q: %d dropped, %d doubled, %d delayed", c.how, dropped, doubled, delayed)
		}
		if all := dropped + doubled + delayed; c.how != None && (all < n*share/120 || all > n*share/80) {
			t.Errorf("%q: %d of %d attacked", c.how, all, n)
		}
	}
}

func TestParse(t *testing.T) {
	for _, a := range append(Attacks(), None) {
		if got, err := Parse(string(a)); got != a || err != nil {
			t.Errorf("%q: %q, %v", a, got, err)
		}
	}
	if _, err := Parse("bribe"); err == nil || !strings.Contains(err.Error(), "duplicate") {
		t.Error(err)
	}
}

// Datagrams go to the server and back to the client, doubled ones twice.
func TestRelay(t *testing.T) {
	server, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		b := make([]byte, most)
		for {
			n, from, err := server.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			_, _ = server.WriteToUDPAddrPort(b[:n], from)
		}
	}()
	r, err := New(server.LocalAddr().(*net.UDPAddr).AddrPort(), Duplicate, cell.Interval20, 7)
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(r.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const n = 200
	back := 0
	b := make([]byte, most)
	for i := range n {
		if _, err := client.Write([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		for got := false; !got; back++ { // Until this one is back; others come late.
			_ = client.SetReadDeadline(time.Now().Add(5 * time.Second))
			if _, err := client.Read(b); err != nil {
				t.Fatalf("datagram %d does not come back: %v", i, err)
			}
			got = b[0] == byte(i)
		}
	}
	for { // The last copies.
		_ = client.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err := client.Read(b); err != nil {
			break
		}
		back++
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if all, attacked := r.Passed(); all < 2*n || attacked == 0 || back <= n {
		t.Errorf("%d datagrams passed, %d were doubled, and %d came back", all, attacked, back)
	}
}
