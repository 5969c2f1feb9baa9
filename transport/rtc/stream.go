package rtc

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	// streamTime is how long a connection may take to show that it belongs to a
	// link, and earlyFrames how many frames it may need for that: browsers send a
	// check of the line every twentieth of a second.
	streamTime  = 5 * time.Second
	earlyFrames = 64

	// stallFor is how long the system may take for one frame until the connection
	// is given up: a client has long dialed again by then.
	stallFor = 5 * time.Second

	// lastWords is how long a link that ends waits for what it said last.
	lastWords = 100 * time.Millisecond

	// besides is how many datagrams may wait besides messages: an acknowledgement
	// and a check of the line.
	besides = 2
)

// A stream is a connection over TCP that carries datagrams in frames. To the agents
// of pion it is an address like any other (see streams).
//
//	early ──the link answers it──▶ bound ──▶ ended
//	  │ slow, oversized, not STUN, too much        ▲
//	  └─────────────────────────────────────┘
//
// It sends at once or not at all: what it has to send waits in a ring that
// overwrites its oldest, and in the system for no longer than its own turn. TCP
// would keep everything, and everybody who hears would be late by it from then on.
type stream struct {
	// Set at creation, read only.
	conn   net.Conn
	at     netip.AddrPort // the address that stands for the other end
	settle func()         // called when it is bound
	inbox  *inbox
	lost   *atomic.Uint64
	wake   chan struct{} // one deep: something waits, or this is the end
	ctx    context.Context
	cancel context.CancelFunc
	flow   atomic.Pointer[rate.Limiter] // of what comes; that of its link, once it is bound
	gone   chan struct{}                // closed when nothing is left of it

	bound atomic.Bool

	mu           sync.Mutex
	ring         []frame
	first, count int
	room         int  // how many frames the system may hold
	ending       bool // what waits are the last words

	// Touched by the writer only.
	gauge  *gauge
	recent []int // sizes of the last frames, one fewer than room
}

// newStream takes conn over. It does nothing before run.
func newStream(conn net.Conn, at netip.AddrPort, in *inbox, lost *atomic.Uint64, settle func()) *stream {
	s := &stream{
		conn: conn, at: at, settle: settle, inbox: in, lost: lost,
		wake: make(chan struct{}, 1),
		gone: make(chan struct{}),
		ring: make([]frame, defaultDepth+besides),
		room: defaultDepth,
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.flow.Store(newFlow(0))
	if c, ok := lowest(conn).(interface{ SetNoDelay(on bool) error }); ok {
		_ = c.SetNoDelay(true) // So it is by default; but all depends on it.
	}
	_ = conn.SetDeadline(time.Time{})
	_ = conn.SetReadDeadline(time.Now().Add(streamTime)) // A connection that is closed fails in reading, too.
	s.gauge = newGauge(conn)
	return s
}

// lowest returns the connection of the system that others are wrapped around.
func lowest(conn net.Conn) net.Conn {
	for {
		c, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return conn
		}
		conn = c.NetConn()
	}
}

// run reads and writes until the connection has ended.
func (s *stream) run() {
	defer close(s.gone)
	var reader sync.WaitGroup
	reader.Go(s.read)
	s.write()
	reader.Wait()
}

// end ends the connection at once.
func (s *stream) end() {
	s.cancel()
	_ = s.conn.Close()
}

// finish ends the connection when what waits is sent, or after lastWords.
func (s *stream) finish() {
	s.mu.Lock()
	s.ending = true
	_ = s.conn.SetWriteDeadline(time.Now().Add(lastWords))
	s.mu.Unlock()
	s.rouse()
}

func (s *stream) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// bind makes the stream part of a link that sends so many messages at one moment and
// takes so many datagrams a second. It fails if it is part of one.
func (s *stream) bind(depth, perSecond int) bool {
	if !s.bound.CompareAndSwap(false, true) {
		return false
	}
	s.flow.Store(newFlow(perSecond))
	_ = s.conn.SetReadDeadline(time.Time{})
	s.widen(max(depth, defaultDepth))
	if s.settle != nil {
		s.settle()
	}
	return true
}

// widen makes room for more messages.
func (s *stream) widen(depth int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wide := make([]frame, depth+besides)
	for n := range s.count {
		wide[n].copyFrom(&s.ring[(s.first+n)%len(s.ring)])
	}
	s.ring, s.first, s.room = wide, 0, depth
}

// put has a copy of a datagram sent at once, or lost. It never waits for the
// connection.
func (s *stream) put(b []byte) {
	if len(b) > maxFrame {
		s.lost.Add(1)
		return
	}
	s.mu.Lock()
	if s.count == len(s.ring) {
		s.first = (s.first + 1) % len(s.ring)
		s.count--
		s.lost.Add(1)
	}
	s.ring[(s.first+s.count)%len(s.ring)].set(b)
	s.count++
	s.mu.Unlock()
	s.rouse()
}

// take copies the oldest frame that waits, and says how much the system may hold
// and whether there will be no other.
func (s *stream) take(f *frame) (room int, ok, ending bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == 0 {
		return s.room, false, s.ending
	}
	f.copyFrom(&s.ring[s.first])
	s.first = (s.first + 1) % len(s.ring)
	s.count--
	if !s.ending { // Otherwise it is set, and shorter.
		_ = s.conn.SetWriteDeadline(time.Now().Add(stallFor))
	}
	return s.room, true, s.ending
}

// write sends what is put, each frame by a write of its own, until the end.
func (s *stream) write() {
	defer s.end()
	var f frame
	for {
		select {
		case <-s.wake:
		case <-s.ctx.Done():
			return
		}
		for {
			room, ok, ending := s.take(&f)
			if !ok && ending {
				return
			}
			if !ok {
				break
			}
			if !s.getsOn() {
				s.lost.Add(1)
				continue
			}
			if _, err := s.conn.Write(f.b[:f.size]); err != nil {
				return
			}
			s.wrote(f.size, room)
		}
	}
}

// getsOn reports whether the system holds fewer frames than it may. If it holds
// more, the other side takes no more, or the line does not.
func (s *stream) getsOn() bool {
	may := 0
	for _, size := range s.recent {
		may += size
	}
	return s.gauge.unsent() <= may
}

// wrote remembers the size of a frame.
func (s *stream) wrote(size, room int) {
	for len(s.recent) >= room-1 {
		copy(s.recent, s.recent[1:])
		s.recent = s.recent[:len(s.recent)-1]
	}
	s.recent = append(s.recent, size)
}

// read hands over what comes, until the end or until it can be of no use.
func (s *stream) read() {
	defer s.end()
	in, b := newFrames(s.conn), make([]byte, maxFrame)
	for n := 1; ; n++ {
		size, err := in.next(b)
		if err != nil || !s.bound.Load() && (n > earlyFrames || size == 0 || b[0] > lastSTUN) {
			return
		}
		if s.flow.Load().Wait(s.ctx) != nil { // Who sends too much is slowed down by TCP.
			return
		}
		s.deliver(b[:size])
	}
}

// deliver puts a datagram where the socket reads it.
func (s *stream) deliver(b []byte) {
	if len(b) > 0 && !s.inbox.put(b, s.at) {
		s.lost.Add(1)
	}
}
