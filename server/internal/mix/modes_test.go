package mix

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"undertone/server/internal/mix/bmix"
	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/wire"
)

// A message is what an observer of the server sees, and what is in it.
type message struct {
	at   time.Duration
	to   int
	text []byte
}

// A party is an Engine in a bubble whose users send bytes without meaning.
type party struct {
	e     *Engine
	begin time.Time
	seats []*Seat
	got   []message // touched by the engine until end
	stop  atomic.Int64
	end   func()
}

// guest is a user's end of a link.
type guest struct {
	p *party
	i int
}

func (g guest) Send(b []byte) {
	g.p.got = append(g.p.got, message{time.Since(g.p.begin), g.i, bytes.Clone(b)})
	time.Sleep(time.Duration(g.p.stop.Swap(0)))
}

func newParty(t *testing.T, e *Engine, users int) *party {
	t.Helper()
	p := &party{e: e, begin: time.Now()}
	for i := range users {
		var link key.Secret
		conn := bytes.Repeat([]byte{byte(i + 1)}, key.ConnectionSize)
		s, err := e.Join(half.Member{Handle: key.Handle{byte(i)}, Link: &link, Record: conn}, guest{p, i})
		if err != nil {
			t.Fatal(err)
		}
		p.seats = append(p.seats, s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.Run(ctx)
	}()
	p.end = func() {
		cancel()
		<-ended
	}
	return p
}

// play has everybody send for so many slots, 1 ms before they start. fill makes
// what user i sends in slot k.
func (p *party) play(slots int, fill func(k, i int, b []byte)) {
	s := p.e.lines.Shape
	n := p.e.clock.At(time.Now()) + 1
	for k := range slots {
		time.Sleep(time.Until(p.e.clock.Start(n).Add(-time.Millisecond)))
		for i, seat := range p.seats {
			for m := range s.Messages {
				b := make([]byte, s.Size)
				fill(k, i, b)
				binary.BigEndian.PutUint16(b, n.Low())
				if s.Placed() {
					b[cell.PlaceAt] = cell.Place(0, m)
				}
				seat.Receive(b, time.Now())
			}
		}
		n++
	}
}

// broadcastParty runs a bMIX with ten users for some slots.
func broadcastParty(t *testing.T, fill func(k, i int, b []byte)) (got []message, m Metrics) {
	synctest.Test(t, func(t *testing.T) {
		e, err := New(Config{Mode: cell.BMIX, Interval: cell.Interval40, Seats: 100, Offset: seeded()})
		if err != nil {
			t.Fatal(err)
		}
		up, down := e.Most()
		if up != (half.Shape{Parts: 1, Messages: 1, Size: cell.Size}) || down != (half.Shape{Parts: 1, Messages: 13, Size: 1156}) {
			t.Errorf("%+v and %+v for 100 seats", up, down)
		}
		p := newParty(t, e, 10)
		p.play(50, fill)
		p.end()
		got, m = p.got, e.Metrics()
	})
	return got, m
}

// TestBroadcastIsBlind runs a bMIX with cells of zeros and with random ones. What
// an observer sees, and all that the server counts, is the same; and what comes
// down is what came up.
func TestBroadcastIsBlind(t *testing.T) {
	idle, idleMetrics := broadcastParty(t, func(int, int, []byte) {})
	random := rand.NewChaCha8([32]byte{})
	sent := map[[2]int][]byte{}
	calls, callMetrics := broadcastParty(t, func(k, i int, b []byte) {
		_, _ = random.Read(b)
		sent[[2]int{k, i}] = b
	})
	if idleMetrics != callMetrics || idleMetrics.Faults+idleMetrics.Odd+idleMetrics.Late > 0 {
		t.Errorf("the server counts %+v and %+v", idleMetrics, callMetrics)
	}
	if !slices.EqualFunc(idle, calls, func(a, b message) bool {
		return a.at == b.at && a.to == b.to && len(a.text) == len(b.text)
	}) {
		t.Error("what is in cells shows")
	}
	if len(idle) < 49*10*2 {
		t.Errorf("%d messages", len(idle))
	}
	found := 0
	for _, m := range calls {
		h, ok := wire.ParseBroadcast(m.text)
		if !ok {
			t.Fatalf("user %d got no message of a bMIX", m.to)
		}
		for c := range bmix.Cells {
			for k := range 50 {
				if bytes.Equal(sent[[2]int{k, h.Base + c}], wire.BroadcastCell(m.text, c)) {
					found++
				}
			}
		}
	}
	if found < 48*10*10 {
		t.Errorf("%d cells came down", found)
	}
}

// TestBroadcastIsOneBatch has all messages of a user leave at his time, in order.
func TestBroadcastIsOneBatch(t *testing.T) {
	got, _ := broadcastParty(t, func(int, int, []byte) {})
	for k := 0; k+1 < len(got); k += 2 {
		a, b := got[k], got[k+1]
		first, _ := wire.ParseBroadcast(a.text)
		second, _ := wire.ParseBroadcast(b.text)
		if a.to != b.to || a.at != b.at || first.Base != 0 || second.Base != 8 || first.Slot != second.Slot {
			t.Fatalf("messages %d and %d of slots %d and %d for %d and %d, at %v and %v",
				first.Base, second.Base, first.Slot, second.Slot, a.to, b.to, a.at, b.at)
		}
	}
}

// doubled is a half that sends in two parts of three messages, each of which says
// what it is.
type doubled struct {
	half.Half
	n      cell.Slot
	whole  int // batches that came
	broken func(n cell.Slot)
}

func (*doubled) Shape() half.Shape                         { return half.Shape{Parts: 2, Messages: 3, Size: 300} }
func (*doubled) Down() half.Shape                          { return half.Shape{Parts: 2, Messages: 3, Size: 400} }
func (*doubled) Refused() uint64                           { return 0 }
func (*doubled) Join(int, half.Entrant)                    {}
func (*doubled) Leave(int)                                 {}
func (d *doubled) Recover(n cell.Slot, _ []half.In)        { d.n = n }
func (*doubled) Admit(m half.Member) (half.Entrant, error) { return m, nil }

func (d *doubled) Slot(n cell.Slot, in []half.In) {
	d.n = n
	for _, u := range in {
		if u.Present && u.Batch[2] == 0 && u.Batch[302] == 1 && u.Batch[602] == 2 {
			d.whole++
		}
	}
}

func (d *doubled) Out(seat, p, k int, dst []byte) []byte {
	if d.broken != nil {
		d.broken(d.n)
	}
	dst = dst[:400]
	clear(dst)
	binary.BigEndian.PutUint16(dst, d.n.Low())
	dst[2], dst[3] = cell.Place(p, k), byte(seat)
	return dst
}

// doubledParty runs it with five users.
func doubledParty(t *testing.T, d *doubled, during func(p *party)) *party {
	cfg := Config{Mode: cell.SMIX, Channels: 24, Interval: cell.Interval40, Seats: 10, Offset: seeded()}
	p := newParty(t, newEngine(cfg, loadOf(cfg.Mode, cfg.Channels), d), 5)
	during(p)
	p.end()
	return p
}

// TestPartsAreSentApart checks each message of a mode that sends everything twice
// against the package comment.
func TestPartsAreSentApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(doubled)
		p := doubledParty(t, d, func(p *party) { p.play(20, func(int, int, []byte) {}) })
		if d.whole < 5*18 {
			t.Errorf("%d batches came", d.whole)
		}
		e := p.e
		want := map[int]int{} // the next message of each user
		for _, m := range p.got {
			place := want[m.to] % 6
			want[m.to]++
			part, k := cell.ReadPlace(m.text[2])
			if len(m.text) != 400 || int(m.text[3]) != m.to || part != place/3 || k != place%3 {
				t.Fatalf("user %d got message %d of part %d of user %d as number %d", m.to, k, part, m.text[3], place)
			}
			n := cell.Extend(e.clock.At(p.begin.Add(m.at)), binary.BigEndian.Uint16(m.text))
			at := e.clock.Start(n).Add(e.now.window + e.now.work + p.seats[m.to].line.Offset() + time.Duration(part)*20*time.Millisecond)
			if got := p.begin.Add(m.at); !got.Equal(at) {
				t.Fatalf("part %d of slot %d for user %d came %v late", part, n, m.to, got.Sub(at))
			}
		}
		if len(want) != 5 || want[0] < 19*6 {
			t.Errorf("users got %v messages", want)
		}
	})
}

// TestStoppedWithParts stops the process for a while: parts that are late are
// skipped, and no two parts of a user come close to each other.
func TestStoppedWithParts(t *testing.T) {
	for _, stop := range []time.Duration{8, 15, 25, 70, 3000} {
		synctest.Test(t, func(t *testing.T) {
			p := doubledParty(t, new(doubled), func(p *party) {
				time.Sleep(time.Second)
				p.stop.Store(int64(stop * time.Millisecond))
				time.Sleep(4 * time.Second)
			})
			last := map[int]time.Duration{}
			for _, m := range p.got {
				old, ok := last[m.to]
				if gap := m.at - old; ok && gap > 0 && gap < 10*time.Millisecond && m.text[2]&63 == 0 {
					t.Fatalf("a stop of %v ms: two parts for %d within %v", int64(stop), m.to, gap)
				}
				last[m.to] = m.at
			}
			if m := p.e.Metrics(); (m.Unsent+m.Skipped > 0) != (stop > 10) {
				t.Fatalf("a stop of %v ms: %+v", int64(stop), m)
			}
		})
	}
}

// TestFaultyOut has the half panic when it is asked for messages: everybody gets
// some of the right size at the right time.
func TestFaultyOut(t *testing.T) {
	trace := func(broken func(n cell.Slot)) (at []message, faults uint64) {
		synctest.Test(t, func(t *testing.T) {
			p := doubledParty(t, &doubled{broken: broken}, func(*party) { time.Sleep(time.Second) })
			at, faults = p.got, p.e.Metrics().Faults
		})
		return at, faults
	}
	quiet, _ := trace(nil)
	broken, faults := trace(func(n cell.Slot) {
		if n%3 == 0 {
			panic("planted")
		}
	})
	if !slices.EqualFunc(quiet, broken, func(a, b message) bool {
		return a.at == b.at && a.to == b.to && len(a.text) == len(b.text)
	}) {
		t.Error("a fault shows")
	}
	if faults < 7*5*6 {
		t.Errorf("%d faults", faults)
	}
}

// TestRecordsAreChecked shows the engine members whom the mode cannot take.
func TestRecordsAreChecked(t *testing.T) {
	for m, record := range map[cell.Mode][]byte{cell.TMIX: make([]byte, 16), cell.BMIX: make([]byte, 15), cell.SMIX: make([]byte, 16)} {
		e, err := New(Config{Mode: m, Interval: cell.Interval40, Seats: 1, Channels: 8})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Join(half.Member{Link: new(key.Secret), Record: record}, discard{}); !errors.Is(err, ErrRecord) {
			t.Errorf("%v takes a record of %d bytes: %v", m, len(record), err)
		}
	}
}

func TestBroadcastAllocatesNothing(t *testing.T) {
	e, err := New(Config{Mode: cell.BMIX, Interval: cell.Interval100, Seats: 20})
	if err != nil {
		t.Fatal(err)
	}
	for k := range 20 {
		record := bytes.Repeat([]byte{1}, 16)
		if _, err := e.Join(half.Member{Handle: key.Handle{byte(k), 1}, Link: new(key.Secret), Record: record}, discard{}); err != nil {
			t.Fatal(err)
		}
	}
	n := e.clock.At(time.Now())
	e.change()
	if a := testing.AllocsPerRun(100, func() { e.change(); e.pass(n); e.sendTo(e.order[0], 0, time.Now()); n++ }); a != 0 {
		t.Fatalf("%v allocations in a slot", a)
	}
}
