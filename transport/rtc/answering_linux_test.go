package rtc

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// A talk is between a client at one address of the machine and an answering socket.
type talk struct {
	t      *testing.T
	server *answering
	client *net.UDPConn
	to     netip.AddrPort // where the client writes
	b      [100]byte
}

// newTalk opens a server on all addresses of a network. The client writes to one of them.
func newTalk(t *testing.T, network, client, server string) *talk {
	t.Helper()
	conn, err := net.ListenUDP(network, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &talk{t: t}
	wrapped, origins := answerFromWhereAsked(conn)
	if origins == nil {
		t.Fatal("the system does not say where datagrams come to")
	}
	c.server = wrapped.(*answering)
	c.to = netip.AddrPortFrom(netip.MustParseAddr(server), conn.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	if c.client, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(client)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.client.Close() })
	for _, conn := range []*net.UDPConn{conn, c.client} {
		if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// ask has a datagram go to the server, and returns where it says that it came from.
func (c *talk) ask() netip.AddrPort {
	c.t.Helper()
	if _, err := c.client.WriteToUDPAddrPort([]byte("\x00\x01?"), c.to); err != nil {
		c.t.Fatal(err)
	}
	n, from, err := c.server.ReadFromAddrPort(c.b[:])
	if err != nil || string(c.b[:n]) != "\x00\x01?" {
		c.t.Fatalf("%q: %v", c.b[:n], err)
	}
	return from
}

// answer has one come back, and returns where from.
func (c *talk) answer(to netip.AddrPort) netip.AddrPort {
	c.t.Helper()
	if _, err := c.server.WriteToAddrPort([]byte("!"), to); err != nil {
		c.t.Fatal(err)
	}
	n, from, err := c.client.ReadFromUDPAddrPort(c.b[:])
	if err != nil || string(c.b[:n]) != "!" {
		c.t.Fatalf("%q: %v", c.b[:n], err)
	}
	return plain(from)
}

var talks = map[string][3]string{
	"IPv4":                     {"udp4", "127.0.0.1", "127.0.0.2"},
	"IPv4 by a socket of both": {"udp", "127.0.0.1", "127.0.0.2"},
	"IPv6 by a socket of both": {"udp", "::1", "::1"},
	"IPv6":                     {"udp6", "::1", "::1"},
}

// A peer is answered from where he wrote to. Others are answered from where the system
// likes, which is what makes the difference. Nothing is allocated for it.
func TestAnswersComeFromWhereAsked(t *testing.T) {
	for name, where := range talks {
		t.Run(name, func(t *testing.T) {
			c := newTalk(t, where[0], where[1], where[2])
			from := c.ask()
			if got := c.answer(from); (got == c.to) != (where[1] == where[2]) {
				t.Errorf("the system of itself answers from %v", got)
			}
			c.server.origins.meet(plain(from))
			if got := c.answer(from); got != c.to {
				t.Errorf("the answer is from %v, not %v", got, c.to)
			}
			if n := testing.AllocsPerRun(100, func() { c.answer(c.ask()) }); n != 0 {
				t.Errorf("%v allocations for a question and an answer", n)
			}
		})
	}
}

// When the machine has lost the address that a peer wrote to, he is answered from
// another one.
func TestAddressVanishes(t *testing.T) {
	for name, where := range talks {
		t.Run(name, func(t *testing.T) {
			c := newTalk(t, where[0], where[1], where[2])
			gone := netip.MustParseAddr("192.0.2.77")
			if c.to.Addr().Is6() {
				gone = netip.MustParseAddr("2001:db8::77")
			}
			from, origins := c.ask(), c.server.origins
			origins.meet(plain(from))
			origins.hears(from, gone, false)
			if origins.of(from) == nil {
				t.Fatal("the address is not known")
			}
			if got := c.answer(from); got.Addr() == gone {
				t.Errorf("the answer is from %v", got)
			}
			if origins.of(from) != nil {
				t.Error("it is tried again")
			}
			c.ask()
			if got := c.answer(from); got != c.to {
				t.Errorf("the answer is from %v, not %v", got, c.to)
			}
		})
	}
}

// A socket on one address, and what is no socket of the system, stays as it is.
func TestOtherSocketsAnswerAsBefore(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, conn := range []net.PacketConn{conn, deafSocket{conn}, newPipeSocket()} {
		if got, origins := answerFromWhereAsked(conn); got != conn || origins != nil {
			t.Errorf("%T became %T", conn, got)
		}
	}
}

// What the system says of a datagram, and what it is told, are the same messages.
func TestControlMessages(t *testing.T) {
	four, six := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")
	for _, c := range []struct {
		control []byte
		want    netip.Addr
	}{
		{control4(four), four}, {control6(four), four}, {control6(six), six},
		{append(control4(four), control6(six)...), four},
		{control4(six), netip.Addr{}}, {nil, netip.Addr{}},
	} {
		if got := cameTo(c.control); got != c.want {
			t.Errorf("%x says %v, not %v", c.control, got, c.want)
		}
		for n := range c.control {
			cameTo(c.control[:n]) // Whatever it is, it is no reason to stop.
		}
	}
	other := control4(four)
	other[8]++ // Another level, before the one that is looked for.
	if got := cameTo(append(other, control6(six)...)); got != six {
		t.Errorf("behind another message is %v", got)
	}
}

// A server on all addresses of a machine has links to clients who know it by different
// ones.
func TestLinksToSeveralAddresses(t *testing.T) {
	for _, listen := range []string{":0", "0.0.0.0:0"} {
		t.Run(listen, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			s, err := NewListener(ListenConfig{Address: listen})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			var links []*realLink
			for _, at := range []string{"127.0.0.2", "127.0.0.1", "127.0.0.3"} {
				conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
				if err != nil {
					t.Fatal(err)
				}
				r := dialReal(t, s, conn, Handlers{Reached: netip.MustParseAddr(at)})
				links = append(links, r)
				for range 5 {
					r.exchange(t, at)
				}
			}
			s.port.origins.mu.RLock()
			n := len(s.port.origins.peers)
			s.port.origins.mu.RUnlock()
			if n != len(links) {
				t.Errorf("%d peers are remembered", n)
			}
			for _, r := range links {
				r.client.Close()
			}
		})
	}
}
