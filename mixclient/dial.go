package mixclient

import (
	"context"
	"net"
	"time"

	"undertone/transport/rtc"
	"undertone/transport/signal"
)

// dialFor bounds an attempt to go online, from the first packet of signalling to
// the open link.
const dialFor = 30 * time.Second

// A Network is the Dialer of the real network: signalling over HTTPS, cells over
// WebRTC.
type Network struct {
	// Client is the user's half of signalling.
	Client signal.Client
	// Socket opens the socket of a link; nil stands for one on any port. A tap
	// (rtc.Tap) goes here.
	Socket func() (net.PacketConn, error)
}

// Dial goes online.
func (n *Network) Dial(ctx context.Context, w Wish, receive func(b []byte, at time.Time)) (Link, Ticket, error) {
	ctx, cancel := context.WithTimeout(ctx, dialFor)
	defer cancel()
	cfg := rtc.DialConfig{Receive: receive, Depth: w.Depth, Window: w.Window}
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
	link, err := rtc.Dial(ctx, cfg, func(ctx context.Context, offer string) (string, error) {
		a, err := client.Online(ctx, offer)
		t = Ticket{Key: a.Link, Time: a.Time, Channels: a.Channels}
		return a.SDP, err
	})
	if err != nil {
		t.Key.Wipe()
		return nil, Ticket{}, err
	}
	return link, t, nil
}
