package rtc

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"undertone/transport/cell"
	"undertone/transport/simnet"
)

// cellDatagram is the size of the UDP payload that carries one cell: DTLS
// record 13 + 8 + 16, SCTP 12, chunk 20, cell 128. A further cell in the same
// datagram would add 148.
const cellDatagram = 197

// control datagrams per second and direction that the issue allows at 100 ms.
const maxControl = 8

// direction is what was measured of one direction of a link.
type direction struct {
	missing float64     // share of cells not there by one-way + one interval
	control float64     // datagrams per second that do not carry one cell
	sizes   map[int]int // how often each size of datagram appeared
}

func (d direction) String() string {
	sizes := make([]string, 0, len(d.sizes))
	for _, size := range slices.Sorted(maps.Keys(d.sizes)) {
		sizes = append(sizes, fmt.Sprintf("%d×%d", d.sizes[size], size))
	}
	return fmt.Sprintf("missing %5.2f %%  control %4.1f/s  %s",
		d.missing*100, d.control, strings.Join(sizes, " "))
}

// measure runs cells both ways over a line that is given after the handshakes.
func measure(t *testing.T, line simnet.Path, s schedule) (up, down direction) {
	t.Helper()
	clean := simnet.Path{Delay: line.Delay}
	r := newRig(t, 1, clean, clean)
	defer r.close()
	r.user.SetPaths(line, line)
	start := r.run(s)
	if err := r.client.Err(); err != nil {
		t.Fatal(err)
	}
	up = direction{missing: r.up.missing(start, s, line.Delay), sizes: map[int]int{}}
	down = direction{missing: r.down.missing(start.Add(stagger), s, line.Delay), sizes: map[int]int{}}
	length := time.Duration(s.count) * s.interval
	for _, p := range r.star.Since(start) {
		if p.At.Sub(start) >= length {
			break
		}
		d := &down
		if p.From.Addr() == r.user.Addr() {
			d = &up
		}
		d.sizes[p.Size]++
		if p.Size != cellDatagram {
			d.control += 1 / length.Seconds()
		}
	}
	return up, down
}

// missing returns the share of cells that were not there in time.
func (l *ledger) missing(first time.Time, s schedule, oneWay time.Duration) float64 {
	missing := 0
	for n := range s.count {
		deadline := first.Add(time.Duration(n+1)*s.interval + oneWay)
		if at, ok := l.when(n); !ok || at.After(deadline) {
			missing++
		}
	}
	return float64(missing) / float64(s.count)
}

// TestWireCorners is what every link must be: cells of every interval, over the best
// and the worst of lines. TestWire, which the race detector would take a minute for, has
// all lines.
func TestWireCorners(t *testing.T) {
	testWire(t, cell.Interval100, 1000, []int{0, 300}, []float64{0, 0.05})
	testWire(t, cell.Interval40, 1000, []int{0, 300}, []float64{0, 0.05})
	testWire(t, cell.Interval20, 1000, []int{0, 300}, []float64{0, 0.05})
}

func testWire(t *testing.T, interval cell.Interval, count int, delays []int, losses []float64) {
	t.Helper()
	t.Run(interval.String(), func(t *testing.T) {
		for _, delay := range delays {
			for _, loss := range losses {
				line := simnet.Path{Delay: time.Duration(delay) * time.Millisecond, Loss: loss}
				t.Run(fmt.Sprintf("%v/%v%%", line.Delay, loss*100), func(t *testing.T) {
					t.Parallel()
					bubble(t, func(t *testing.T) {
						up, down := measure(t, line, schedule{interval: interval.Duration(), count: count})
						t.Logf("up    %v", up)
						t.Logf("down  %v", down)
						check(t, "up", up, interval, loss)
						check(t, "down", down, interval, loss)
					})
				})
			}
		}
	})
}

func check(t *testing.T, name string, d direction, interval cell.Interval, loss float64) {
	t.Helper()
	if d.missing > loss+0.01 {
		t.Errorf("%s: %.2f %% of cells missing at %v %% loss", name, d.missing*100, loss*100)
	}
	if interval == cell.Interval100 && d.control >= maxControl {
		t.Errorf("%s: %.1f control datagrams per second", name, d.control)
	}
	if d.sizes[cellDatagram] == 0 {
		t.Errorf("%s: no datagram of %d bytes", name, cellDatagram)
	}
	for size := range d.sizes {
		if !expected(size, loss) {
			t.Errorf("%s: datagrams of %d bytes", name, size)
		}
	}
}

// expected tells whether a size follows from how many cells went out and were
// lost, and so from nothing in them: ICE's checks and their answers, an
// acknowledgement with 4 bytes for each gap, one cell, and, when some were
// lost, several that are sent again together.
func expected(size int, loss float64) bool {
	const check, answer, ack, gap, chunk = 112, 64, 65, 4, 148
	switch {
	case size == check || size == answer || size == ack || size == cellDatagram:
		return true
	case loss == 0:
		return false
	case size < cellDatagram:
		return size > ack && (size-ack)%gap == 0
	default:
		return (size-cellDatagram)%chunk == 0
	}
}

// TestNeverBundled sends two messages at one instant, again and again: each
// must have its own datagram.
func TestNeverBundled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1, shortPath, shortPath)
		defer r.close()
		start := time.Now()
		const pairs = 500
		for range pairs {
			time.Sleep(40 * time.Millisecond)
			r.client.Send(make([]byte, cell.Size))
			r.client.Send(make([]byte, cell.Size))
		}
		time.Sleep(time.Second)
		cells := 0
		for _, p := range r.star.Since(start) {
			switch {
			case p.From.Addr() != r.user.Addr():
			case p.Size == cellDatagram:
				cells++
			case p.Size > cellDatagram:
				t.Fatalf("a datagram of %d bytes", p.Size)
			}
		}
		if cells != 2*pairs || r.client.Stats() != (Stats{}) {
			t.Errorf("%d datagrams for %d messages; %+v", cells, 2*pairs, r.client.Stats())
		}
	})
}

// TestLargestMessage checks that MaxMessage goes out as one datagram, which
// fits the smallest path of IPv6, and that the next larger would not.
func TestLargestMessage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newHostileRig(t)
		defer r.close()
		count := func(n int) (sizes []int) {
			start := time.Now()
			if _, err := r.client.channel.Write(make([]byte, n)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
			for _, p := range r.star.Since(start) {
				if p.Size != 112 { // one of ICE's checks
					sizes = append(sizes, p.Size)
				}
			}
			time.Sleep(time.Second)
			return sizes
		}
		if got := count(MaxMessage); len(got) != 1 || got[0] > 1280-48 {
			t.Errorf("%d bytes went out as %v", MaxMessage, got)
		}
		if got := count(MaxMessage + 1); len(got) != 2 {
			t.Errorf("%d bytes went out as %v: MaxMessage is not the limit", MaxMessage+1, got)
		}
	})
}

// TestOpening opens links over bad lines.
func TestOpening(t *testing.T) {
	const links = 20
	for _, line := range []simnet.Path{
		{},
		{Delay: 100 * time.Millisecond, Loss: 0.01},
		{Delay: 300 * time.Millisecond, Loss: 0.05},
	} {
		t.Run(fmt.Sprintf("%v/%v%%", line.Delay, line.Loss*100), func(t *testing.T) {
			t.Parallel()
			var took []time.Duration
			for seed := range uint64(links) {
				bubble(t, func(t *testing.T) {
					start := time.Now()
					r, err := openRig(t, seed, line, line, func(answer string) string { return answer })
					defer r.close()
					if err == nil {
						took = append(took, time.Since(start))
					}
				})
			}
			slices.Sort(took)
			if len(took) < links*9/10 {
				t.Fatalf("only %d of %d links opened", len(took), links)
			}
			t.Logf("open in %v (median), %v (slowest); %d of %d", took[len(took)/2], took[len(took)-1], len(took), links)
		})
	}
}
