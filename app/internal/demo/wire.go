package demo

import (
	"encoding/json"
	"net"
	"slices"
	"sync"
	"time"

	"undertone/transport/rtc"
)

// A datagram is what somebody on the line sees of one.
type datagram struct {
	at   time.Time
	sent bool
	size int
}

// An eavesdropper records every datagram that crosses a user's socket.
type eavesdropper struct {
	mu   sync.Mutex
	seen []datagram
}

// tap returns a function that opens a socket on loopback with the eavesdropper
// on it.
func (e *eavesdropper) tap() (net.PacketConn, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return rtc.Tap(conn, e.see), nil
}

func (e *eavesdropper) see(at time.Time, sent bool, size int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen = append(e.seen, datagram{at, sent, size})
}

// between returns what was seen in a time, in both directions.
func (e *eavesdropper) between(from, to time.Time) Traffic {
	e.mu.Lock()
	defer e.mu.Unlock()
	up, down := newFlow(), newFlow()
	for _, d := range e.seen {
		switch {
		case d.at.Before(from) || d.at.After(to):
		case d.sent:
			up.add(d.size)
		default:
			down.add(d.size)
		}
	}
	return Traffic{Up: up.finish(to.Sub(from)), Down: down.finish(to.Sub(from))}
}

// Traffic is what an eavesdropper sees of one user for a while.
type Traffic struct {
	Up   Flow `json:"up"`
	Down Flow `json:"down"`
}

// A Flow is the traffic in one direction.
type Flow struct {
	// PacketsPerSecond counts all datagrams: cells and what WebRTC adds.
	PacketsPerSecond float64 `json:"packets_per_second"`
	// KbitPerSecond counts the payloads with the headers of UDP and IPv4.
	KbitPerSecond float64 `json:"kbit_per_second"`
	// Sizes are the sizes of UDP payloads that appeared, in bytes.
	Sizes []int `json:"sizes"`
	// CellSize is the size of the datagrams that hold a cell: the one that
	// appears most.
	CellSize int `json:"cell_size"`
	// CellsPerSecond counts the datagrams of that size.
	CellsPerSecond float64 `json:"cells_per_second"`

	counts  map[int]int
	packets int
	bytes   int
}

// headers is the length of the headers of IPv4 and UDP, in bytes.
const headers = 28

func newFlow() *Flow { return &Flow{counts: make(map[int]int)} }

func (f *Flow) add(size int) {
	f.counts[size]++
	f.packets++
	f.bytes += size + headers
}

func (f *Flow) finish(d time.Duration) Flow {
	seconds := d.Seconds()
	f.Sizes = []int{}
	for size, n := range f.counts {
		f.Sizes = append(f.Sizes, size)
		if n > f.counts[f.CellSize] {
			f.CellSize = size
		}
	}
	slices.Sort(f.Sizes)
	f.PacketsPerSecond = round(float64(f.packets)/seconds, 2)
	f.KbitPerSecond = round(float64(f.bytes)*8/1000/seconds, 1)
	f.CellsPerSecond = round(float64(f.counts[f.CellSize])/seconds, 2)
	return *f
}

// round keeps so many digits after the point.
func round(x float64, digits int) float64 {
	scale := 1.0
	for range digits {
		scale *= 10
	}
	return float64(int64(x*scale+0.5)) / scale
}

var _ json.Marshaler = milliseconds(0)

// milliseconds is a duration as JSON has it.
type milliseconds time.Duration

// MarshalJSON writes the milliseconds with one digit after the point.
func (m milliseconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(round(float64(m)/float64(time.Millisecond), 1))
}
