package bmix

import (
	"fmt"
	"testing"
)

// load has everybody send but one in a hundred.
func (b *bench) load() {
	for i := range b.in {
		b.put(i, byte(i))
		b.in[i].Present = i%100 != 0
	}
}

// run is what the clock has the half do in a slot.
func (b *bench) run() {
	b.set.Slot(b.n, b.in)
	b.n++
	for i := range b.in {
		for k := range b.set.Down().Messages {
			b.set.Out(i, 0, k, b.scratch[:])
		}
	}
}

// BenchmarkSlot measures the pass and all messages of a slot, for each member:
// without what the transport takes to send them.
func BenchmarkSlot(b *testing.B) {
	for _, n := range []int{10, 50, 100, 300} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := full(b, n)
			s.load()
			b.ReportAllocs()
			for b.Loop() {
				s.run()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/user")
		})
	}
}

// BenchmarkPass measures the pass alone.
func BenchmarkPass(b *testing.B) {
	for _, n := range []int{10, 50, 100, 300} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := full(b, n)
			s.load()
			b.ReportAllocs()
			for b.Loop() {
				s.set.Slot(s.n, s.in)
				s.n++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/user")
		})
	}
}

func TestSlotAllocatesNothing(t *testing.T) {
	b := full(t, 50)
	b.load()
	if n := testing.AllocsPerRun(100, b.run); n != 0 {
		t.Errorf("%v allocations in a slot", n)
	}
}
