package rtc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"undertone/transport/simnet"
)

// A load is what a mode sends: parts of a slot, each of so many of the longest
// messages.
type load struct {
	interval        time.Duration
	parts, messages int
}

func (l load) String() string {
	return fmt.Sprintf("%d×%d per %v", l.parts, l.messages, l.interval)
}

// config returns that of a link that carries l.
func (l load) config() DialConfig {
	n := l.parts * l.messages
	return DialConfig{Depth: l.messages, Window: Window(l.interval, n*MaxMessage), Rate: Rate(l.interval, n, n)}
}

// send sends the given number of slots, message after message.
func (l load) send(link *Link, first time.Time, slots int) { l.sendOf(link, first, slots, 0) }

// sendOf does so with messages that are full of what.
func (l load) sendOf(link *Link, first time.Time, slots int, what byte) {
	b := bytes.Repeat([]byte{what}, MaxMessage)
	for n := range slots * l.parts {
		time.Sleep(time.Until(l.at(first, n)))
		for k := range l.messages {
			binary.BigEndian.PutUint32(b, uint32(n*l.messages+k))
			link.Send(b)
		}
	}
}

// at returns when part n is sent, counted through all slots.
func (l load) at(first time.Time, n int) time.Time {
	return first.Add(time.Duration(n) * l.interval / time.Duration(l.parts))
}

// lost returns the share of messages that were not there by one-way + one
// interval after they were sent, and of those of a slot of which neither part was
// there by one-way + one interval after its tick.
func (l load) lost(seen *ledger, first time.Time, oneWay time.Duration, slots int) (messages, both float64) {
	in := func(n, k int, by time.Time) bool {
		at, ok := seen.when(n*l.messages + k)
		return ok && !at.After(by.Add(oneWay+l.interval))
	}
	for slot := range slots {
		tick := l.at(first, slot*l.parts)
		for k := range l.messages {
			there := false
			for n := slot * l.parts; n < (slot+1)*l.parts; n++ {
				if !in(n, k, l.at(first, n)) {
					messages++
				}
				there = there || in(n, k, tick)
			}
			if !there {
				both++
			}
		}
	}
	n := float64(slots * l.messages)
	return messages / n / float64(l.parts), both / n
}

// A toll is what was measured of a load, the worse of both directions.
type toll struct {
	messages, both float64 // shares lost; see load.lost
	control        float64 // datagrams per second and direction that hold no message
}

// batchDatagram is the size of the UDP payload that carries the longest message.
const batchDatagram = MaxMessage + cellDatagram - 128

// carry sends a load both ways over a line that is given after the handshakes.
func (l load) carry(t *testing.T, line simnet.Path, slots int) (worst toll) {
	t.Helper()
	clean := simnet.Path{Delay: line.Delay}
	r, err := openRigFor(t, l.config(), 1, clean, clean, func(answer string) string { return answer })
	defer r.close()
	if err != nil {
		t.Fatal(err)
	}
	r.user.SetPaths(line, line)
	start := time.Now().Truncate(time.Second).Add(2 * time.Second)
	length := time.Duration(slots) * l.interval
	go l.send(r.server, start.Add(stagger), slots)
	l.send(r.client, start, slots)
	time.Sleep(3 * time.Second)
	if err := r.client.Err(); err != nil {
		t.Fatal(err)
	}
	for name, link := range map[string]*Link{"client": r.client, "server": r.server} {
		if st := link.Stats(); st.Overwritten+st.Late > 0 && line.Loss == 0 {
			t.Errorf("%s: %+v", name, st)
		}
	}
	for _, d := range []struct {
		seen  *ledger
		first time.Time
	}{{&r.up, start}, {&r.down, start.Add(stagger)}} {
		messages, both := l.lost(d.seen, d.first, line.Delay, slots)
		worst.messages, worst.both = max(worst.messages, messages), max(worst.both, both)
	}
	if n := r.flooded(); n > 0 {
		t.Errorf("%d datagrams were too many", n)
	}
	var control [2]int
	for _, p := range r.star.Since(start) {
		if p.At.Sub(start) >= length || p.Size == batchDatagram {
			continue
		}
		if p.Size > batchDatagram || !expected(p.Size, line.Loss) {
			t.Errorf("a datagram of %d bytes", p.Size)
		}
		if p.From.Addr() == r.user.Addr() {
			control[0]++
		} else {
			control[1]++
		}
	}
	worst.control = float64(max(control[0], control[1])) / length.Seconds()
	return worst
}

var (
	broadcast = load{100 * time.Millisecond, 1, 13} // a bMIX of 100 users
	widest    = load{100 * time.Millisecond, 1, 40}
	twice100  = load{100 * time.Millisecond, 2, 1} // an sMIX of 8 channels
	twice40   = load{40 * time.Millisecond, 2, 1}
	twice20   = load{20 * time.Millisecond, 2, 1}
	wide20    = load{20 * time.Millisecond, 2, 4} // an sMIX of 32 channels
)

// TestBatchesAfterOutage cuts the line for as long as a client lives without
// cells. What is sent after it must be in time at once, though pion then also
// repeats what was on the way: all that was lost fits into the window.
func TestBatchesAfterOutage(t *testing.T) {
	const out = 900 * time.Millisecond
	for _, l := range []load{broadcast, twice40, twice20, widest, wide20} {
		for _, delay := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond} {
			t.Run(fmt.Sprintf("%v/%v", l, delay), func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T) {
					if got := l.recover(t, delay, out); got > 0 {
						t.Errorf("in time again only %v after the outage", got)
					}
				})
			})
		}
	}
}

// recover sends a load over a line that is cut in between, and returns how long
// after that the last message was sent that came late.
func (l load) recover(t *testing.T, delay, out time.Duration) (last time.Duration) {
	t.Helper()
	line := simnet.Path{Delay: delay}
	r, err := openRigFor(t, l.config(), 1, line, line, func(answer string) string { return answer })
	defer r.close()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now().Truncate(time.Second).Add(2 * time.Second)
	back := start.Add(2*time.Second + out)
	go func() {
		time.Sleep(time.Until(back.Add(-out)))
		r.user.SetPaths(simnet.Path{Loss: 1}, simnet.Path{Loss: 1})
		time.Sleep(out)
		r.user.SetPaths(line, line)
	}()
	slots := int(back.Add(5*time.Second).Sub(start) / l.interval)
	l.send(r.server, start, slots)
	time.Sleep(3 * time.Second)
	if n := r.flooded(); n > 0 {
		t.Errorf("%d datagrams were too many", n)
	}
	for n := range slots * l.parts {
		sent := l.at(start, n)
		for k := range l.messages {
			if at, ok := r.down.when(n*l.messages + k); !ok || at.Sub(sent) > delay+l.interval {
				last = max(last, sent.Sub(back))
			}
		}
	}
	return last
}

// TestBatches sends what a bMIX of 100 users and an sMIX send, at the corners of
// the table in the package comment. UNDERTONE_TABLE=1 measures all of it, at the
// length that the table was measured with.
func TestBatches(t *testing.T) {
	delays, losses, scale := []int{0, 200}, []float64{0, 0.05}, 1
	loads := []load{broadcast, twice40, twice20}
	if os.Getenv("UNDERTONE_TABLE") != "" {
		delays, losses, scale = []int{0, 50, 100, 200, 300}, []float64{0, 0.01, 0.05}, 10
		loads = append(loads, twice100, widest, wide20)
	}
	for _, l := range loads {
		for _, delay := range delays {
			for _, loss := range losses {
				line := simnet.Path{Delay: time.Duration(delay) * time.Millisecond, Loss: loss}
				t.Run(fmt.Sprintf("%v/%v/%v%%", l, line.Delay, loss*100), func(t *testing.T) {
					t.Parallel()
					bubble(t, func(t *testing.T) {
						got := l.carry(t, line, scale*100)
						t.Logf("missing %5.2f %%  both %5.2f %%  control %5.1f/s", got.messages*100, got.both*100, got.control)
						if got.messages > loss+0.02 || l.parts > 1 && got.both > loss*loss+0.02 {
							t.Errorf("%.2f %% of messages are missing, %.2f %% in all parts", got.messages*100, got.both*100)
						}
					})
				})
			}
		}
	}
}

// TestWindow looks at the bounds, and at what modes need.
func TestWindow(t *testing.T) {
	for _, c := range []struct {
		interval    time.Duration
		batch, want int
	}{
		{100 * time.Millisecond, 128, minWindow},
		{20 * time.Millisecond, 128, minWindow},
		{100 * time.Millisecond, 13 * MaxMessage, 16 * 13 * MaxMessage},
		{20 * time.Millisecond, 8 * MaxMessage, 80 * 8 * MaxMessage},
		{20 * time.Millisecond, 1 << 20, maxWindow},
	} {
		if got := Window(c.interval, c.batch); got != c.want {
			t.Errorf("%d bytes per %v: a window of %d, not %d", c.batch, c.interval, got, c.want)
		}
	}
}

// TestBatchTraceEquality is TestTraceEquality for batches: their contents do not
// show, and one slot less does. There is no jitter: messages of one moment that
// overtake each other look like a loss, and then two runs differ anyway. Nor are
// the acknowledgements of several messages of one moment compared: how many there
// are depends on which goroutine of the receiver runs first.
func TestBatchTraceEquality(t *testing.T) {
	trace := func(l load, slots int, what byte) (packets []simnet.Packet) {
		bubble(t, func(t *testing.T) {
			r, err := openRigFor(t, l.config(), 3, shortPath, shortPath, func(answer string) string { return answer })
			defer r.close()
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now().Truncate(time.Second).Add(2 * time.Second)
			l.sendOf(r.server, start, slots, what)
			time.Sleep(3 * time.Second)
			packets = r.star.Since(start.Add(-time.Second))
			if l.messages > 1 {
				packets = slices.DeleteFunc(packets, func(p simnet.Packet) bool { return p.Size < batchDatagram })
			}
			if got := r.down.count(); got != slots*l.parts*l.messages {
				t.Errorf("%d messages arrived", got)
			}
		})
		return packets
	}
	for _, l := range []load{broadcast, twice20} {
		first := trace(l, 100, 0)
		if d := simnet.Diff(first, trace(l, 100, 0xa5)); d != "" {
			t.Errorf("%v: the content shows: %s", l, d)
		}
		if simnet.Diff(first, trace(l, 99, 0)) == "" {
			t.Errorf("%v: a slot less is not seen", l)
		}
	}
}
