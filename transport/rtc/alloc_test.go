package rtc

import (
	"io"
	"testing"
	"time"

	"undertone/transport/cell"
)

// pipeChannel is a data channel that hands what is written to what reads.
type pipeChannel struct {
	in     chan []byte
	out    chan struct{}
	closed chan struct{}
}

func (p *pipeChannel) ReadDataChannel(b []byte) (int, bool, error) {
	select {
	case m := <-p.in:
		return copy(b, m), false, nil
	case <-p.closed:
		return 0, false, io.EOF
	}
}

func (p *pipeChannel) WriteDataChannel(b []byte, _ bool) (int, error) {
	p.out <- struct{}{}
	return len(b), nil
}

func (p *pipeChannel) Read(b []byte) (int, error) {
	n, _, err := p.ReadDataChannel(b)
	return n, err
}

func (p *pipeChannel) Write(b []byte) (int, error)      { return p.WriteDataChannel(b, false) }
func (p *pipeChannel) Close() error                     { return nil }
func (p *pipeChannel) SetReadDeadline(time.Time) error  { return nil }
func (p *pipeChannel) SetWriteDeadline(time.Time) error { return nil }

// TestHotPathAllocatesNothing runs a link's own part of one cell out and one
// cell in: all that is ours between Send, the channel and Receive.
func TestHotPathAllocatesNothing(t *testing.T) {
	channel := &pipeChannel{make(chan []byte), make(chan struct{}), make(chan struct{})}
	received := make(chan struct{})
	l := &Link{
		mail:    newMailbox(),
		receive: func([]byte, time.Time) { received <- struct{}{} },
		opened:  make(chan struct{}),
		done:    make(chan struct{}),
		state:   attached,
		channel: channel,
	}
	l.workers.Go(l.read)
	l.enterOpen()
	var c cell.Cell
	if n := testing.AllocsPerRun(200, func() {
		l.Send(c[:])
		<-channel.out
		channel.in <- c[:]
		<-received
	}); n != 0 {
		t.Errorf("%v allocations for one cell out and one in", n)
	}
	close(channel.closed)
	l.workers.Wait()
}

// TestMailboxOverwritesOldest: the newest two messages survive, and no sender
// ever waits.
func TestMailboxOverwritesOldest(t *testing.T) {
	m := newMailbox()
	for i := range byte(5) {
		m.put([]byte{i, i})
	}
	m.put(make([]byte, MaxMessage))
	var b [MaxMessage]byte
	if n := m.take(b[:]); n != 2 || b[0] != 4 {
		t.Errorf("first: %d bytes, %d", n, b[0])
	}
	if n := m.take(b[:]); n != MaxMessage {
		t.Errorf("second: %d bytes", n)
	}
	if n := m.take(b[:]); n != 0 {
		t.Errorf("third: %d bytes", n)
	}
	if n := m.overwritten(); n != 4 {
		t.Errorf("%d overwritten, not 4", n)
	}
}
