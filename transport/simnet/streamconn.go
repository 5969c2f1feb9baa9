package simnet

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// streamConn is one end of a connection: it reads from one pipe and writes to
// another. Writing never waits, so that two ends that both write first do not
// block each other, as they would on net.Pipe.
type streamConn struct {
	star          *Star
	local, remote netip.AddrPort
	in, out       *pipe
	path          *path // from here to the other end
}

// newStreams returns the user's and the server's end of a connection.
func newStreams(user *Host, from, to netip.AddrPort) (near, far net.Conn) {
	up, down := newPipe(), newPipe()
	return &streamConn{user.star, from, to, down, up, user.up},
		&streamConn{user.star, to, from, up, down, user.down}
}

func (c *streamConn) Read(b []byte) (int, error) { return c.in.read(b) }

func (c *streamConn) Write(b []byte) (int, error) {
	now := time.Now()
	n, err := c.out.write(b, now.Add(c.path.delay()))
	if n > 0 {
		c.star.seen.see(Packet{At: now, From: c.local, To: c.remote, Size: n, Stream: true})
	}
	return n, err
}

// Close ends both directions: the other end reads what was written before.
func (c *streamConn) Close() error {
	c.out.finish(time.Now().Add(c.path.delay()))
	c.in.abandon()
	return nil
}

func (c *streamConn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *streamConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

func (c *streamConn) SetDeadline(t time.Time) error     { return c.in.setDeadline(t) }
func (c *streamConn) SetReadDeadline(t time.Time) error { return c.in.setDeadline(t) }
func (c *streamConn) SetWriteDeadline(time.Time) error  { return nil }

// pipe is one direction of a connection.
type pipe struct {
	mu       sync.Mutex
	changed  *sync.Cond
	segments []segment
	finished bool // the writer will not write again
	gone     bool // the reader will not read again
	deadline time.Time
}

// segment is what one call of Write wrote; nil data is the end.
type segment struct {
	due  time.Time
	data []byte
}

func newPipe() *pipe {
	p := &pipe{}
	p.changed = sync.NewCond(&p.mu)
	return p
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := time.Now()
		switch {
		case p.gone:
			return 0, net.ErrClosed
		case len(p.segments) > 0 && !p.segments[0].due.After(now):
			return p.next(b)
		case !p.deadline.IsZero() && !now.Before(p.deadline):
			return 0, os.ErrDeadlineExceeded
		}
		stop := p.wakeAt(now)
		p.changed.Wait()
		stop()
	}
}

// next reads from the first segment, which is due.
func (p *pipe) next(b []byte) (int, error) {
	head := &p.segments[0]
	if head.data == nil {
		return 0, io.EOF
	}
	n := copy(b, head.data)
	head.data = head.data[n:]
	if len(head.data) == 0 {
		p.segments = p.segments[1:]
	}
	return n, nil
}

// wakeAt wakes the reader when the next segment or the deadline is due.
func (p *pipe) wakeAt(now time.Time) (stop func()) {
	due := p.deadline
	if len(p.segments) > 0 && (due.IsZero() || p.segments[0].due.Before(due)) {
		due = p.segments[0].due
	}
	if due.IsZero() {
		return func() {}
	}
	timer := time.AfterFunc(due.Sub(now), p.wake)
	return func() { timer.Stop() }
}

func (p *pipe) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed.Broadcast()
}

func (p *pipe) write(b []byte, due time.Time) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.finished || p.gone {
		return 0, io.ErrClosedPipe
	}
	if len(b) == 0 {
		return 0, nil
	}
	p.segments = append(p.segments, segment{due, append([]byte(nil), b...)})
	p.changed.Broadcast()
	return len(b), nil
}

func (p *pipe) finish(due time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.finished {
		return
	}
	p.finished = true
	p.segments = append(p.segments, segment{due: due})
	p.changed.Broadcast()
}

func (p *pipe) abandon() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone, p.segments = true, nil
	p.changed.Broadcast()
}

func (p *pipe) setDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	p.changed.Broadcast()
	return nil
}
