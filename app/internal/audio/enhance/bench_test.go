package enhance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"undertone/transport/cell"
)

// BenchmarkSlot is one slot of a call, and one of idle right after it, so that
// both are disturbed alike: the medians, and how much of one core that is.
func BenchmarkSlot(b *testing.B) {
	scene := newScene(100 * time.Millisecond)
	clear(scene.played[5*second:])
	clear(scene.echo[5*second:])
	scene.say(near()[:3*second], 5*time.Second)
	for _, i := range cell.Intervals() {
		for _, s := range []Settings{{}, {Echo: true}, {Noise: true}, {Gain: true}, All} {
			b.Run(fmt.Sprintf("%s/%s", i, s), func(b *testing.B) {
				call, idle := newProcessor(b, s), newProcessor(b, s)
				call.Live(true)
				n, at := i.Samples(), 0
				var took [2][]time.Duration
				pcm := make([]float32, n)
				b.ReportAllocs()
				for b.Loop() {
					for k, p := range []*Processor{call, idle} {
						copy(pcm, scene.heard[at:])
						start := time.Now()
						p.Play(scene.played[at : at+n])
						p.Hear(pcm)
						took[k] = append(took[k], time.Since(start))
					}
					if at += n; at+n > len(scene.heard) {
						at = 0
					}
				}
				c, d := median(took[0]), median(took[1])
				b.ReportMetric(float64(c.Nanoseconds()), "ns/call")
				b.ReportMetric(float64(d.Nanoseconds()), "ns/idle")
				b.ReportMetric(float64(d)/float64(c), "idle/call")
				b.ReportMetric(100*float64(c)/float64(i.Duration()), "%core")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
