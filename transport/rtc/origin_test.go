package rtc

import (
	"net/netip"
	"testing"
)

// newOrigins returns some whose control messages are addresses as text.
func newOrigins() *origins {
	return &origins{
		control: func(a netip.Addr) []byte { return []byte(a.String()) },
		peers:   make(map[netip.AddrPort]*origin),
	}
}

var (
	first, second = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	anna          = netip.MustParseAddrPort("198.51.100.1:5")
)

// A peer is answered from where he wrote to last, while his link opens: by checks of the
// line until there is a handshake, by the handshake until the link is open, and then by
// nothing.
func TestOriginOfAPeer(t *testing.T) {
	o := newOrigins()
	want := func(what string, a netip.Addr) {
		t.Helper()
		if got := string(o.of(anna)); got != a.String() {
			t.Errorf("%s: he is answered from %q, not %v", what, got, a)
		}
	}
	o.hears(anna, second, false)
	o.hears(anna, first, false)
	if o.of(anna) != nil {
		t.Error("a stranger has an origin")
	}
	o.meet(anna)
	want("he is met", first)
	o.hears(netip.AddrPortFrom(netip.AddrFrom16(anna.Addr().As16()), anna.Port()), second, false)
	want("a check comes to another", second)
	o.hears(anna, first, true)
	want("the handshake comes to another", first)
	o.hears(anna, second, false)
	want("a late check comes to another", first)
	o.hears(anna, second, true)
	want("the handshake moves", second)
	o.fix([]netip.AddrPort{anna})
	o.hears(anna, first, true)
	o.hears(anna, first, false)
	want("the link is open", second)
	o.lose(anna)
	if o.of(anna) != nil {
		t.Error("an address that is gone is used")
	}
	o.hears(anna, first, true)
	if o.of(anna) != nil {
		t.Error("an open link has moved")
	}
	o.hears(anna, second, false)
	want("the address is back", second)

	o.meet(anna) // By another link, from the same address.
	o.hears(anna, first, false)
	want("he dials again", first)
	o.forget([]netip.AddrPort{anna})
	want("one link has ended", first)
	o.forget([]netip.AddrPort{anna, anna})
	if o.of(anna) != nil || len(o.peers) != 0 {
		t.Error("he is not forgotten")
	}
	o.lose(anna)
	o.fix([]netip.AddrPort{anna})
}

// Strangers make nothing grow, and are remembered for a moment only.
func TestOriginsOfStrangers(t *testing.T) {
	o := newOrigins()
	o.hears(anna, first, false)
	for n := range 10 * strangersKept {
		if n == strangersKept-1 {
			o.meet(anna)
			if string(o.of(anna)) != first.String() {
				t.Error("who came lately is not remembered")
			}
			o.forget([]netip.AddrPort{anna})
		}
		o.hears(netip.AddrPortFrom(anna.Addr(), uint16(100+n)), second, false)
	}
	if o.meet(anna); o.of(anna) != nil {
		t.Error("who came long ago is remembered")
	}
	if len(o.peers) != 1 {
		t.Errorf("%d are remembered", len(o.peers))
	}
}

// A link has its peers remembered from when it meets them until it ends.
func TestOriginsOfALink(t *testing.T) {
	p := &port{seen: new(sightings), origins: newOrigins()}
	l := p.newLane(0)
	p.origins.hears(anna, first, false)
	if !l.meets(anna) || string(p.origins.of(anna)) != first.String() {
		t.Error("he is not answered from where he wrote to")
	}
	l.seal()
	p.origins.hears(anna, second, true)
	if string(p.origins.of(anna)) != first.String() {
		t.Error("an open link does not stay where it is")
	}
	l.leave()
	if len(p.origins.peers) != 0 {
		t.Error("he is not forgotten")
	}
}
