// Package picture draws what an eavesdropper sees: above how loud the user speaks,
// below every datagram that really crosses his socket. Speaking moves the upper line
// and nothing else, and that is the whole point of Undertone.
//
//	rtc link ── Socket ──▶ rtc.Tap ── See ──▶ Recorder ──▶ Draw ──▶ image
//	sound card ── level, 20 times a second ──▶ Meter ───────┘
//
// The recorder sits in the path of every packet, so what it does there is the same
// for each and waits for nobody: one number is written into a ring. It does that
// whether the picture is shown or not. Who looks at it copies from the ring.
//
// Who may call: See from the goroutines of the socket, all else from any. The window
// is the only caller.
package picture

import (
	"net"
	"slices"
	"sync/atomic"
	"time"

	"undertone/transport/rtc"
)

// room is how many datagrams are remembered: more than Span of the largest set has.
const room = 1 << 14

// Span is how far back the picture goes.
const Span = 10 * time.Second

// A Recorder remembers the last datagrams of a socket.
type Recorder struct {
	began time.Time
	next  atomic.Uint64 // how many were seen
	ring  [room]atomic.Uint64
}

// A Crossing is a datagram that crossed the socket.
type Crossing struct {
	At   time.Time
	Sent bool
	Size int
}

// A datagram in the ring: microseconds since the recorder began, from bit 18 on; bit
// 17 says that there is one, bit 16 that it was sent; the rest is its size.
const (
	timeAt = 18
	isOne  = 1 << 17
	isSent = 1 << 16
	sizes  = isSent - 1
)

// NewRecorder returns a recorder that has seen nothing.
func NewRecorder() *Recorder { return &Recorder{began: time.Now()} }

// Socket opens a socket on any port, as a link does by itself, with the recorder on it.
func (r *Recorder) Socket() (net.PacketConn, error) {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, err
	}
	return r.Tap(conn), nil
}

// Tap returns conn with the recorder on it.
func (r *Recorder) Tap(conn net.PacketConn) net.PacketConn { return rtc.Tap(conn, r.See) }

// See takes in a datagram.
func (r *Recorder) See(at time.Time, sent bool, size int) {
	v := uint64(max(0, at.Sub(r.began).Microseconds()))<<timeAt | isOne | uint64(min(size, sizes))
	if sent {
		v |= isSent
	}
	r.ring[(r.next.Add(1)-1)%room].Store(v)
}

// Since returns the datagrams since a time, the oldest first.
func (r *Recorder) Since(from time.Time) []Crossing {
	var all []Crossing
	end := r.next.Load()
	for n := end; n > 0 && end-n < room; n-- {
		v := r.ring[(n-1)%room].Load()
		if v&isOne == 0 {
			continue // It is just being written.
		}
		at := r.began.Add(time.Duration(v>>timeAt) * time.Microsecond)
		if at.Before(from.Add(-slack)) {
			break
		}
		if !at.Before(from) {
			all = append(all, Crossing{At: at, Sent: v&isSent != 0, Size: int(v & sizes)})
		}
	}
	slices.SortStableFunc(all, func(a, b Crossing) int { return a.At.Compare(b.At) })
	return all
}

// slack is by how much those who write at the same time may overtake each other.
const slack = time.Second

// A Flow is what there was in one direction.
type Flow struct {
	PerSecond float64
	// Sizes are the sizes that appeared, in bytes of UDP payload, and Usual is the
	// one that appeared most.
	Sizes []int
	Usual int
}

// Flows sums up what crossed in a time.
func Flows(all []Crossing, span time.Duration) (up, down Flow) {
	return flow(all, true, span), flow(all, false, span)
}

func flow(all []Crossing, sent bool, span time.Duration) Flow {
	var f Flow
	count, n := make(map[int]int), 0
	for _, c := range all {
		if c.Sent == sent {
			count[c.Size]++
			n++
		}
	}
	for size, k := range count {
		f.Sizes = append(f.Sizes, size)
		if k > count[f.Usual] || k == count[f.Usual] && size > f.Usual {
			f.Usual = size
		}
	}
	slices.Sort(f.Sizes)
	if span > 0 {
		f.PerSecond = float64(n) / span.Seconds()
	}
	return f
}
