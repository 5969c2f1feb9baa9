package rtc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/datachannel"
)

// state is where a link stands; see the package comment.
type state uint8

const (
	connecting state = iota
	attached
	open
	closed
)

// A Link moves whole messages between a client and a server. All methods may be
// called from any goroutine, but Send from one at a time, and Close not from
// Receive.
type Link struct {
	// Set at creation, read only.
	connection *connection
	life       context.Context //nolint:containedctx // that of the connection, which over ends
	over       func()
	lane       *lane
	receive    func(b []byte, at time.Time)
	on         events
	mail       *mailbox
	opened     chan struct{} // closed on entering open
	done       chan struct{} // closed on entering closed
	gone       chan struct{} // closed when nothing of the link is left

	mu      sync.Mutex
	state   state
	err     error
	channel datachannel.ReadWriteCloserDeadliner
	workers sync.WaitGroup // Add only under mu and before closed

	dropped atomic.Uint64
	late    atomic.Uint64
}

// Stats counts what a link did with messages that it could not use.
type Stats struct {
	Overwritten uint64 // sent, but replaced by newer ones, or before the link was open
	Late        uint64 // sent, but the channel took none for too long
	Dropped     uint64 // received: empty, text, too long, or in pieces
}

// events are what the owner of a link hears of it, in this order and each at most
// once.
type events struct {
	opened func() // may be nil
	ended  func() // everything of the link has ended
}

// newLink starts the life of a link over p, which it takes over, and which uses
// the lane; depth is that of the mailbox.
func newLink(p *connection, lane *lane, depth int, receive func([]byte, time.Time), on events) *Link {
	if receive == nil {
		receive = func([]byte, time.Time) {}
	}
	lane.depth = depth
	life, over := context.WithCancel(context.Background())
	l := &Link{
		connection: p,
		life:       life,
		over:       over,
		lane:       lane,
		receive:    receive,
		on:         on,
		mail:       newMailbox(depth),
		opened:     make(chan struct{}),
		done:       make(chan struct{}),
		gone:       make(chan struct{}),
	}
	go l.supervise()
	return l
}

// Send hands over a copy of b to be sent at once. It never waits, not even for a
// lock: if the link is behind by more than its depth, the oldest waiting message
// is lost, and on a link that is not open every one is. Messages must have 1 to MaxMessage bytes; a length outside is a
// mistake of the program, and panics.
func (l *Link) Send(b []byte) {
	if len(b) == 0 || len(b) > MaxMessage {
		panic(fmt.Sprintf("rtc: message of %d bytes", len(b)))
	}
	l.mail.put(b)
}

// Opened is closed when the link can carry messages.
func (l *Link) Opened() <-chan struct{} { return l.opened }

// Done is closed when the link has ended; Err tells why.
func (l *Link) Done() <-chan struct{} { return l.done }

// Err returns nil while the link lives, and then why it ended.
func (l *Link) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Close ends the link and returns when nothing of it is left, no goroutine and
// no socket. It may be called several times.
func (l *Link) Close() {
	l.end(ErrClosed)
	<-l.gone
}

// OverTCP reports, of a link that Dial opened, whether it goes over TCP.
func (l *Link) OverTCP() bool { return l.lane.sock.way.is(overTCP) }

// Stats returns what was lost so far.
func (l *Link) Stats() Stats {
	return Stats{
		Overwritten: l.mail.overwritten(),
		Late:        l.late.Load(),
		Dropped:     l.dropped.Load() + l.connection.sieve.lost.Load(),
	}
}

// supervise owns all goroutines of the link and waits for them.
func (l *Link) supervise() {
	defer close(l.gone)
	timer := time.NewTimer(openTimeout)
	defer timer.Stop()
	select {
	case <-l.opened:
		l.lane.seal()
		if l.on.opened != nil {
			l.on.opened()
		}
		select {
		case <-l.done:
		case <-l.connection.failed:
			l.end(ErrLost)
		}
	case <-l.done:
	case <-l.connection.failed:
		l.end(ErrLost)
	case <-timer.C:
		l.end(ErrTimeout)
	}
	l.workers.Wait()
	l.connection.close()
	l.lane.leave()
	l.on.ended()
}

// begin connects to the peer that d describes.
func (l *Link) begin(d *description) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == closed {
		return
	}
	l.workers.Go(func() {
		l.connection.run(l.life, d, l.attach, func(err error) {
			if !errors.Is(err, ErrProtocol) {
				err = ErrLost
			}
			l.end(err)
		})
	})
}

// end enters closed, the first time it is called.
func (l *Link) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == closed {
		return
	}
	l.state, l.err = closed, err
	l.over()
	close(l.done)
}

// attach takes the channel over and starts to read it. ready says whether the
// other side is known to have it too.
func (l *Link) attach(channel *datachannel.DataChannel, ready bool) {
	if !ready {
		// The other side was asked for it. Messages sent before it agreed would queue
		// up behind a lost request, so wait for its answer.
		channel.OnOpen(l.enterOpen)
	}
	l.mu.Lock()
	if l.state != connecting {
		l.mu.Unlock()
		return
	}
	l.state, l.channel = attached, channel
	l.workers.Go(l.read)
	l.mu.Unlock()
	if ready {
		l.enterOpen()
	}
}

func (l *Link) enterOpen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != attached {
		return
	}
	l.state = open
	l.mail.clear() // It is all old: sent now, it would be a burst.
	l.workers.Go(l.write)
	close(l.opened)
}

// write sends what is in the mailbox, one message at a time. Each has to be on
// its way before the next may enter the channel, so no two ever share a
// datagram, which would show as another size.
func (l *Link) write() {
	var b [MaxMessage]byte
	for {
		select {
		case <-l.mail.wake:
		case <-l.done:
			return
		}
		for n := l.mail.take(b[:]); n > 0; n = l.mail.take(b[:]) {
			_ = l.channel.SetWriteDeadline(time.Now().Add(writeTimeout))
			switch _, err := l.channel.Write(b[:n]); {
			case err == nil:
			case errors.Is(err, context.DeadlineExceeded):
				l.late.Add(1)
			default:
				l.end(ErrLost)
				return
			}
		}
	}
}

// read delivers what arrives. Only the end of the channel ends it: whatever the
// other side sends instead of a message is dropped.
func (l *Link) read() {
	b := make([]byte, MaxMessage)
	for {
		n, text, err := l.channel.ReadDataChannel(b)
		at := time.Now()
		switch {
		case errors.Is(err, io.ErrShortBuffer):
			l.dropped.Add(1)
			err = discard(l.channel)
		case err == nil && (text || n == 0):
			l.dropped.Add(1)
		case err == nil:
			l.receive(b[:n], at)
		}
		if err != nil {
			l.end(ErrLost)
			return
		}
	}
}

// discard reads away a message that is too long. The channel keeps it until it
// is read into a buffer that it fits in, and it came in one packet (see sieve).
func discard(channel datachannel.Reader) error {
	_, _, err := channel.ReadDataChannel(make([]byte, maxDatagram))
	return err
}
