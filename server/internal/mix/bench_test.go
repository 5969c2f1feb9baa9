package mix

import (
	"fmt"
	"testing"
	"time"

	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
)

type discard struct{}

func (discard) Send([]byte) {}

// crowd returns an Engine with so many users, each of whom has a cell ready for
// the slots to come.
func crowd(t testing.TB, users int) (*Engine, func(n cell.Slot)) {
	e, err := New(Config{Mode: cell.TMIX, Interval: cell.Interval100, Seats: users})
	if err != nil {
		t.Fatal(err)
	}
	var link key.Secret
	var seats []*Seat
	for k := range users {
		s, err := e.Join(half.Member{Handle: key.Handle{byte(k), byte(k >> 8), 1}, Link: &link}, discard{})
		if err != nil {
			t.Fatal(err)
		}
		seats = append(seats, s)
	}
	e.change()
	var c cell.Cell
	return e, func(n cell.Slot) {
		c[0], c[1] = byte(n>>8), byte(n)
		for _, s := range seats {
			s.Receive(c[:], e.clock.Start(n))
		}
	}
}

func TestPassAllocatesNothing(t *testing.T) {
	e, receive := crowd(t, 20)
	n := e.clock.At(time.Now())
	if a := testing.AllocsPerRun(100, func() { receive(n); e.change(); e.pass(n); e.sendTo(e.order[0], 0, time.Now()); n++ }); a != 0 {
		t.Fatalf("%v allocations in a slot", a)
	}
}

// BenchmarkPass measures what the clock does for a user in a slot, but for the
// sends.
func BenchmarkPass(b *testing.B) {
	for _, users := range []int{10, 1000, 10000} {
		b.Run(fmt.Sprint(users), func(b *testing.B) {
			e, receive := crowd(b, users)
			n := e.clock.At(time.Now())
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				receive(n)
				b.StartTimer()
				e.pass(n)
				n++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(users), "ns/user")
		})
	}
}
