package opus

import (
	"math"
	"testing"

	"undertone/codec"
	"undertone/transport/cell"
)

// steps returns the largest step between two neighbours in what is heard of a tone of
// 300 Hz, in that of the tone, in the frames that come after a lost one and in all
// frames. Before is called before each frame is decoded.
func steps(t *testing.T, lost func(k int) bool, before func(d *Decoder)) (after, most float64) {
	const (
		slots = 250
		i     = cell.Interval40 // where nothing but a guess stands for what was lost
		large = 0.5 * 2 * math.Pi * 300 / codec.SampleRate
	)
	e, d := pair(t, i)
	var f codec.Frame
	pcm, last, begun := make([]float32, i.Samples()), 0.0, codec.SampleRate/i.Samples()
	for k := range slots {
		for n := range pcm {
			pcm[n] = float32(0.5 * math.Sin(2*math.Pi*300/codec.SampleRate*float64(k*len(pcm)+n)))
		}
		e.Encode(pcm, &f)
		if before(d); lost(k) {
			d.Conceal(pcm)
		} else {
			d.Decode(&f, pcm)
		}
		for _, v := range pcm {
			if step := math.Abs(float64(v)-last) / large; k > begun {
				most = max(most, step)
				if lost(k - 1) {
					after = max(after, step)
				}
			}
			last = float64(v)
		}
	}
	return after, most
}

// TestSeam: where frames come again after lost ones a tone has no step beyond those that
// the codec makes of it anyway. Without the seam it would.
func TestSeam(t *testing.T) {
	none := func(int) bool { return false }
	some := func(k int) bool { return k*k%19 == 6 }
	_, clean := steps(t, none, func(*Decoder) {})
	after, _ := steps(t, some, func(*Decoder) {})
	torn, _ := steps(t, some, func(d *Decoder) { d.seam.open = false })
	t.Logf("%.2f of the tone's step without loss, %.2f after a lost frame, %.2f without the seam", clean, after, torn)
	if after > clean {
		t.Errorf("a step of %.2f where a frame comes after a lost one, and of %.2f without loss", after, clean)
	}
	if torn < 1.2*clean {
		t.Errorf("without a seam there is no step beyond %.2f either: this tests nothing", torn)
	}
}

// BenchmarkSeam is what it costs a packet.
func BenchmarkSeam(b *testing.B) {
	var s seam
	pcm := sounds(b)["speech"][:cell.Interval40.Samples()]
	s.reset()
	b.ReportAllocs()
	for b.Loop() {
		s.decoded(pcm)
	}
}
