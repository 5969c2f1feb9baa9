package rtc

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"pgregory.net/rapid"

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
		over:    func() {},
		mail:    newMailbox(0),
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

// TestBatchAllocatesNothing has as many messages wait as a batch has.
func TestBatchAllocatesNothing(t *testing.T) {
	const batch = 40
	m := newMailbox(batch)
	var b [MaxMessage]byte
	if n := testing.AllocsPerRun(200, func() {
		for range batch {
			m.put(b[:])
		}
		for range batch {
			if m.take(b[:]) != MaxMessage {
				t.Fatal("a message of the batch is lost")
			}
		}
	}); n != 0 || m.overwritten() != 0 {
		t.Errorf("%v allocations for a batch, %d messages lost", n, m.overwritten())
	}
}

// TestMailboxAgainstOracle compares a mailbox with a list.
func TestMailboxAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		depth := rapid.IntRange(0, 9).Draw(t, "depth")
		m := newMailbox(depth)
		if depth == 0 {
			depth = 2
		}
		var list [][]byte
		var lost uint64
		var b [MaxMessage]byte
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			switch rapid.IntRange(0, 10).Draw(t, "what") {
			case 0:
				m.clear()
				lost += uint64(len(list))
				list = nil
			case 1, 2, 3, 4:
				n := m.take(b[:])
				if n == 0 && len(list) == 0 {
					continue
				}
				if len(list) == 0 || !bytes.Equal(b[:n], list[0]) {
					t.Fatalf("took %d bytes, with %d messages waiting", n, len(list))
				}
				list = list[1:]
			default:
				message := rapid.SliceOfN(rapid.Byte(), 1, MaxMessage).Draw(t, "message")
				m.put(message)
				list = append(list, message)
				if len(list) > depth {
					list, lost = list[1:], lost+1
				}
			}
			if got := m.overwritten(); got != lost {
				t.Fatalf("%d lost, not %d", got, lost)
			}
		}
	})
}

// TestMailboxRace has both sides race. Messages come out whole and in order, and
// everyone is either taken or counted as lost.
func TestMailboxRace(t *testing.T) {
	const count = 30000
	m := newMailbox(3)
	over := make(chan struct{})
	go func() {
		defer close(over)
		var b [MaxMessage]byte
		for n := uint32(1); n <= count; n++ {
			for i := 0; i < len(b); i += 4 {
				binary.BigEndian.PutUint32(b[i:], n)
			}
			m.put(b[:4+n%7*4])
		}
	}()
	var last, taken uint32
	var b [MaxMessage]byte
	drain := func() {
		for n := m.take(b[:]); n > 0; n = m.take(b[:]) {
			number := binary.BigEndian.Uint32(b[:])
			if number <= last || n != int(4+number%7*4) {
				t.Fatalf("message %d of %d bytes after message %d", number, n, last)
			}
			for i := 0; i < n; i += 4 {
				if binary.BigEndian.Uint32(b[i:]) != number {
					t.Fatalf("message %d has parts of others", number)
				}
			}
			last = number
			taken++
		}
	}
	for more := true; more; {
		select {
		case <-m.wake:
			drain()
		case <-over:
			more = false
		}
	}
	drain()
	if got := uint64(taken) + m.overwritten(); got != count {
		t.Fatalf("%d taken, %d lost: not %d", taken, m.overwritten(), count)
	}
}

// TestMailboxOverwritesOldest: the newest two messages survive, and no sender
// ever waits.
func TestMailboxOverwritesOldest(t *testing.T) {
	m := newMailbox(0)
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
