package rtc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// udpTime is how long UDP may bring nothing until a client takes it for dead. Five
// checks of the line go out in a second, and on the slowest line that is of use the
// first answer takes 0.6 s; so that all of them are lost does not happen.
const udpTime = 2 * time.Second

// A way is how the datagrams of a socket travel.
type way uint32

// The ways. A server takes both; a client that can choose does so once.
//
//	         the server answers over UDP
//	open ────────────────────────────────▶ over UDP
//	  └──────────────────────────────────▶ over TCP
//	         it does not, and is there over TCP
const (
	overBoth way = iota
	undecided
	overUDP
	overTCP
)

// A wayState is the way of one socket. Its methods may be called from any goroutine.
type wayState struct{ now atomic.Uint32 }

func (s *wayState) is(w way) bool { return way(s.now.Load()) == w }

// isOpen reports whether there is a choice still.
func (s *wayState) isOpen() bool { return s.is(undecided) }

// takesUDP reports whether what comes over UDP may be of use, and may be sent.
func (s *wayState) takesUDP() bool { return !s.is(overTCP) }

// choose makes the choice, and reports whether it is this one, now or before.
func (s *wayState) choose(w way) bool {
	return s.now.CompareAndSwap(uint32(undecided), uint32(w)) || s.is(w)
}

// A fallback is how a client comes online where no UDP comes through: it connects
// to the server over TCP if UDP brings no answer for some time, and then leaves UDP
// alone for as long as the link lives. A nil one stands for UDP only.
type fallback struct {
	connect func(ctx context.Context) (net.Conn, error)
	after   time.Duration
	sock    *socket
	at      netip.AddrPort // what stands for the server's end
	passive bool           // the server takes streams
	err     error          // why there is no connection
}

// errCut is why there is no connection any more.
var errCut = errors.New("the connection was closed before the link was open")

// newFallback returns what a configuration asks for.
func newFallback(cfg DialConfig, s *socket) *fallback {
	if cfg.Stream == nil {
		return nil
	}
	f := &fallback{connect: cfg.Stream, after: cfg.UDPTime, sock: s, at: s.streams.draw()}
	s.way.now.Store(uint32(undecided))
	switch {
	case f.after < 0:
		s.way.choose(overTCP)
	case f.after == 0:
		f.after = udpTime
	}
	return f
}

// ask has the offer ask for TCP. It does so always, so that the offers of all who
// may need it look the same.
func (f *fallback) ask(offer string) (string, error) {
	if f == nil {
		return offer, nil
	}
	return askingForTCP(offer)
}

// read reads the server's answer. If the server takes streams, the agent gets the
// address that stands for one from the beginning, and its checks of it are lost
// until there is one.
func (f *fallback) read(answer string) (clean string, err error) {
	if f == nil {
		return cleanAnswer(answer)
	}
	clean, f.passive, err = readAnswer(answer, f.at)
	if !f.passive {
		f.sock.way.now.Store(uint32(overUDP)) // Nothing was sent yet.
	}
	return clean, err
}

// due tells when UDP has had its time.
func (f *fallback) due() <-chan time.Time {
	if f == nil || !f.passive {
		return nil
	}
	return time.After(max(f.after, 0))
}

// use connects, unless UDP has brought an answer or does so meanwhile. It returns
// early when the link opens or ends. What it returns is closed when the connection that
// the link goes over has ended, and nil if it goes over none.
func (f *fallback) use(ctx context.Context, l *Link) (gone <-chan struct{}) {
	if f.sock.way.is(overUDP) {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() {
		select {
		case <-l.opened:
		case <-l.done:
		case <-ctx.Done():
		}
		cancel()
	})
	conn, err := f.connect(ctx)
	cancel()
	watcher.Wait()
	switch {
	case err != nil:
		f.err = err
	case f.sock.way.choose(overTCP):
		return f.sock.streams.add(conn, f.at, nil)
	default:
		_ = conn.Close()
	}
	return nil
}

// cut ends a link whose one connection has ended: nothing else carries it. Whoever
// dialed does not have to wait for what cannot come, and can try again.
func (f *fallback) cut(l *Link) {
	if l.Err() == nil {
		f.err = errCut
		l.end(ErrLost)
	}
}

// explain adds to why a link did not open why there was no other way.
func (f *fallback) explain(err error) error {
	if f == nil || f.err == nil {
		return err
	}
	return fmt.Errorf("%w; and over TCP: %w", err, f.err)
}
