package mixclient

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"undertone/transport/rtc"
	"undertone/transport/signal"
)

// dialFor bounds an attempt to go online, from the first packet of signalling to
// the open link.
const dialFor = 30 * time.Second

// A Network is the Dialer of the real network: signalling over HTTPS, cells over
// WebRTC. Where that gets no answer over UDP, cells go over TCP, to the address that
// signalling has just reached. Which it is is found out anew with each link, and
// does not change while there is one.
type Network struct {
	// Client is the user's half of signalling.
	Client signal.Client
	// Socket opens the socket of a link; nil stands for one on any port. A tap
	// (rtc.Tap) goes here.
	Socket func() (net.PacketConn, error)
	// UDPOnly says that it is UDP or nothing, for those who measure it.
	UDPOnly bool

	// half is set when the last link got answers and did not open: some networks
	// let the first packets of UDP through and no others. So the next goes over TCP
	// at once, and the one after begins with UDP again. It is touched by Dial only.
	half bool
}

// Dial goes online. It is for one goroutine at a time.
func (n *Network) Dial(ctx context.Context, w Wish, receive func(b []byte, at time.Time)) (Link, Ticket, error) {
	ctx, cancel := context.WithTimeout(ctx, dialFor)
	defer cancel()
	cfg := rtc.DialConfig{Receive: receive, Depth: w.Depth, Window: w.Window, Rate: w.Rate}
	if n.Socket != nil {
		conn, err := n.Socket()
		if err != nil {
			return nil, Ticket{}, err
		}
		cfg.Conn = conn
	}
	var t Ticket
	client := n.Client
	client.Record = w.Record
	var address string
	if !n.UDPOnly {
		cfg.Stream = func(ctx context.Context) (net.Conn, error) { return n.connect(ctx, address) }
	}
	if n.half {
		cfg.UDPTime = -1
	}
	link, err := rtc.Dial(ctx, cfg, func(ctx context.Context, offer string) (string, error) {
		a, err := client.Online(ctx, offer)
		t = Ticket{Key: a.Link, Time: a.Time, Channels: a.Channels}
		address = a.Address
		if at, err := netip.ParseAddrPort(address); err == nil {
			a.SDP = rtc.WithReached(a.SDP, at.Addr())
		}
		return a.SDP, err
	})
	n.half = !n.half && errors.Is(err, rtc.ErrTimeout)
	if err != nil {
		t.Key.Wipe()
		return nil, Ticket{}, err
	}
	t.OverTCP = link.OverTCP()
	return link, t, nil
}

// connect connects to the server once more. The address was looked up before.
func (n *Network) connect(ctx context.Context, address string) (net.Conn, error) {
	dial := n.Client.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return dial(ctx, "tcp", address)
}
