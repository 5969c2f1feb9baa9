package tmix

import (
	"fmt"
	"testing"

	"undertone/transport/cell"
	"undertone/transport/seal"
)

// load prepares one upload of each user for slot n.
func (b *bench) load(calls bool) {
	for i, u := range b.users {
		k := cell.Cover
		if calls {
			k = cell.Stream
		}
		body := stream("voice")
		b.in[i].Present = true
		u.up.Seal(&b.in[i].Cell, b.n, seal.Head{Kind: k}, &body)
	}
}

// ringAll pairs the users up: seat i with i+half, so that peers lie far apart in
// memory.
func (b *bench) ringAll() {
	half := len(b.users) / 2
	for i := range b.users {
		b.put(i, cell.Ring, b.letter((i+half)%(2*half), "knock"))
	}
	b.slot()
	b.slot()
}

// BenchmarkSlot measures the pass of one slot for n users. The last two columns
// must not differ between idle and calls.
func BenchmarkSlot(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		for _, calls := range []bool{false, true} {
			name := "idle"
			if calls {
				name = "calls"
			}
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				bn := newBench(b, n)
				if calls {
					bn.ringAll()
				}
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					b.StopTimer()
					bn.load(calls)
					b.StartTimer()
					bn.set.Slot(bn.n, bn.in, bn.out)
					bn.n++
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/user")
			})
		}
	}
}

func TestSlotAllocatesNothing(t *testing.T) {
	for _, calls := range []bool{false, true} {
		b := newBench(t, 20)
		b.ringAll()
		b.load(calls)
		if n := testing.AllocsPerRun(200, func() {
			b.set.Slot(b.n, b.in, b.out)
			b.n++
			b.load(calls)
		}); n != 0 {
			t.Errorf("%v allocations in a slot, calls: %v", n, calls)
		}
	}
}
