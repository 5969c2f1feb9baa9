package rtc

import (
	"context"
	"fmt"
	"net"
	"time"
)

// DialConfig says how a client goes online. The zero value works.
type DialConfig struct {
	// Conn is the client's own socket, of no other use to anybody; Dial closes
	// it. If it is nil, Dial opens one on any address and port.
	Conn net.PacketConn

	// Receive is called with each message, one at a time, and when it arrived.
	// b is valid only during the call. A message may come before Dial returns.
	Receive func(b []byte, at time.Time)

	// Depth is how many messages may wait to be sent; zero means 2. It should be
	// as many as are sent at one moment, and not many more: what has waited since
	// the slot before goes out as a burst.
	Depth int

	// Window is how many bytes may be on the way; zero is enough for a cell at a
	// time. See Window; the server should have the same.
	Window int

	// Rate is how many datagrams a second are taken; zero is enough for a cell at a
	// time. See Rate.
	Rate int

	// Stream connects to the port at which the server takes streams, over TCP, for
	// networks that let no UDP through (see the package comment); nil stands for
	// never. It is called at most once, and not before exchange has returned.
	Stream func(ctx context.Context) (net.Conn, error)

	// UDPTime is how long UDP may bring no answer before that; zero means 2 s, and
	// less than zero that UDP is not tried.
	UDPTime time.Duration
}

// Dial opens a link to a server. exchange must bring the offer to the server
// and return its answer; it is called once. Dial returns when the link is open.
// The context is for opening only.
func Dial(ctx context.Context, cfg DialConfig,
	exchange func(ctx context.Context, offer string) (answer string, err error),
) (*Link, error) {
	p, err := dialPort(cfg.Conn)
	if err != nil {
		return nil, err
	}
	lane := p.newLane(cfg.Rate)
	lane.speaksFirst = true
	connection, err := newConnection(lane, false, cfg.Window)
	if err != nil {
		_ = p.Close()
		return nil, err
	}
	l := newLink(connection, lane, cfg.Depth, cfg.Receive, events{ended: func() { _ = p.Close() }})
	if err := l.dial(ctx, newFallback(cfg, p.sock), exchange); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func dialPort(conn net.PacketConn) (*port, error) {
	if conn == nil {
		udp, err := net.ListenUDP("udp", nil)
		if err != nil {
			return nil, fmt.Errorf("rtc: %w", err)
		}
		conn = udp
	}
	p, err := newPort(conn, socketBuffer)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("rtc: %w", err)
	}
	return p, nil
}

func (l *Link) dial(ctx context.Context, f *fallback,
	exchange func(ctx context.Context, offer string) (answer string, err error),
) error {
	offer, err := l.offer(ctx)
	if err != nil {
		return err
	}
	if offer, err = f.ask(offer); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	answer, err := exchange(ctx, offer)
	if err != nil {
		return err
	}
	if answer, err = f.read(answer); err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	remote, err := readDescription(answer)
	if err == nil && remote.setup != setupPassive {
		err = fmt.Errorf("setup is %q", remote.setup)
	}
	if err == nil {
		err = l.connection.meet(remote)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	l.begin(remote)
	var gone <-chan struct{}
	for due := f.due(); ; {
		select {
		case <-due:
			due = nil
			gone = f.use(ctx, l)
		case <-gone:
			gone = nil
			f.cut(l)
		case <-l.opened:
			return nil
		case <-l.done:
			return f.explain(l.Err())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// offer describes this side.
func (l *Link) offer(ctx context.Context) (string, error) {
	if err := l.await(ctx, l.connection.gathered); err != nil {
		return "", err
	}
	text, err := l.connection.describe(setupEither, "0")
	if err != nil {
		return "", err
	}
	return cleanOffer(text)
}

// await waits for what the agent does within moments.
func (l *Link) await(ctx context.Context, what <-chan struct{}) error {
	select {
	case <-what:
		return nil
	case <-l.done:
		return l.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
