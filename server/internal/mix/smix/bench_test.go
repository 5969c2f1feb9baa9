package smix

import (
	"fmt"
	"testing"

	"undertone/transport/cell"
)

// turn is a slot of the server: all uploads, and all downloads.
func (r *rig) turn(dst []byte) {
	for i := range r.in {
		r.upload(i, 1)
	}
	r.step()
	for i := range r.in {
		for p := range 2 {
			for k := range r.messages {
				r.Out(i, p, k, dst)
			}
		}
	}
}

func TestASlotAllocatesNothing(t *testing.T) {
	for _, channels := range []int{8, 32} {
		r := newRig(t, 20, channels)
		dst := make([]byte, cell.MaxMessage)
		r.turn(dst)
		if n := testing.AllocsPerRun(200, func() { r.turn(dst) }); n != 0 {
			t.Errorf("%d channels: a slot allocates %v times", channels, n)
		}
		if r.flags&1 == 0 {
			t.Error("the slots are not complete")
		}
	}
}

// BenchmarkSlot is what a member costs in a slot: his share, and what he gets,
// twice.
func BenchmarkSlot(b *testing.B) {
	for _, members := range []int{10, 50, 100, 300} {
		for _, channels := range []int{8, 32} {
			b.Run(fmt.Sprintf("members=%d/channels=%d", members, channels), func(b *testing.B) {
				r := newRig(b, members, channels)
				dst := make([]byte, cell.MaxMessage)
				b.ReportAllocs()
				for b.Loop() {
					r.turn(dst)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(members), "ns/member")
			})
		}
	}
}
