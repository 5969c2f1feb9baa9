package rtc

import (
	"encoding/binary"
	"sync/atomic"

	"undertone/transport/cell"
	"undertone/transport/pacer/berth"
)

// defaultDepth is how many messages may wait for the writer on a link that sends
// one at a time. Two bridge a writer that is a little late; more would turn a
// stall into a burst.
const defaultDepth = 2

// A message lies in the mailbox behind its length.
const (
	lengthSize = 2
	recordSize = lengthSize + MaxMessage
)

// A mailbox hands messages from a sender that must not wait to one writer. It
// holds the newest depth of them: a further one overwrites the oldest.
//
// The sender is a metronome: the client's pacer or the server's slot clock. So
// there is no lock that the writer could hold when the system takes it off its
// core. Messages are numbered from 1, and lie in a berth.Ring by their numbers.
// The ring has room for more than depth, so a writer that stands still while it
// copies one out is in nobody's way until the ring has gone round. Then, and only
// then, the sender's message is lost instead of an older one.
type mailbox struct {
	wake  chan struct{} // one deep: something is waiting
	depth uint64
	ring  *berth.Ring

	last atomic.Uint64 // the newest message; written by the sender
	done atomic.Uint64 // the newest message taken or lost; written by the writer
	lost atomic.Uint64 // how many of those were lost to newer ones; written by the writer

	// early is how many were lost because there was no use for any yet.
	early atomic.Uint64

	draft  [recordSize]byte // touched by the sender only
	copied [recordSize]byte // touched by the writer only
}

func newMailbox(depth int) *mailbox {
	if depth < 1 {
		depth = defaultDepth
	}
	return &mailbox{
		wake:  make(chan struct{}, 1),
		depth: uint64(depth),
		ring:  berth.New(depth+1, recordSize),
	}
}

// put copies b, which must not be longer than MaxMessage, and never waits. It is
// for one goroutine at a time.
func (m *mailbox) put(b []byte) {
	n := m.last.Load() + 1
	binary.BigEndian.PutUint16(m.draft[:], uint16(len(b))) //nolint:gosec // at most MaxMessage
	copy(m.draft[lengthSize:], b)
	m.ring.Put(cell.Slot(n), m.draft[:])
	m.last.Store(n)
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// take copies the oldest message to b, which must have MaxMessage bytes, and
// returns its size, or 0 if nothing waits. It is for the writer.
func (m *mailbox) take(b []byte) int {
	last, n := m.last.Load(), m.done.Load()
	if last-n > m.depth {
		m.lost.Add(last - n - m.depth)
		n = last - m.depth
	}
	size := 0
	for ; n < last && size == 0; n++ {
		if !m.ring.Take(cell.Slot(n+1), m.copied[:]) {
			m.lost.Add(1) // A newer one came while we looked.
			continue
		}
		size = copy(b, m.copied[lengthSize:][:binary.BigEndian.Uint16(m.copied[:])])
	}
	m.done.Store(n)
	return size
}

// clear loses what waits. It is for the writer.
func (m *mailbox) clear() {
	last := m.last.Load()
	m.early.Add(last - m.done.Load())
	m.done.Store(last)
}

// overwritten returns how many messages were lost, to newer ones or before the
// link was open.
func (m *mailbox) overwritten() uint64 {
	lost, last, done := m.lost.Load()+m.early.Load(), m.last.Load(), m.done.Load()
	if waiting := last - done; last > done && waiting > m.depth {
		lost += waiting - m.depth
	}
	return lost
}
