package codec

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"undertone/transport/cell"
)

// stretchAll plays pcm slot by slot, each as much longer as more says, and returns
// what is heard and the largest step between neighbours.
func stretchAll(t fatal, slot int, pcm []float32, more func() int) (out []float32, jump float64) {
	s := newStretcher(slot)
	for ; len(pcm) >= slot; pcm = pcm[slot:] {
		ask := more()
		got := s.play(pcm[:slot], ask)
		by := len(got) - slot
		switch most := slot / stretchPiece * stretchMost; {
		case ask == 0 && by != 0,
			ask > 0 && (by < min(ask, slot/stretchPiece*stretchLeast) || by > min(ask+stretchMost, most)),
			ask < 0 && (by > 0 || by < ask):
			t.Fatal("asked for", ask, "more of", slot, "got", by)
		}
		out = append(out, got...)
	}
	for i := 1; i < len(out); i++ {
		jump = max(jump, math.Abs(float64(out[i]-out[i-1])))
	}
	return out, jump
}

// pure is half a second of a tone of half of full scale, and the largest step in it.
func pure(hertz float64) (pcm []float32, jump float64) {
	pcm = make([]float32, SampleRate/2)
	for i := range pcm {
		pcm[i] = float32(0.5 * math.Sin(2*math.Pi*hertz*float64(i)/SampleRate))
	}
	return pcm, math.Pi * hertz / SampleRate
}

// TestStretchTone: whatever is asked for in whatever slot, a tone stays the tone it
// is: no step between neighbours is larger, it has as many periods in a second, and
// it is as loud throughout.
func TestStretchTone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hertz := rapid.Float64Range(85, 2000).Draw(t, "hertz")
		slot := rapid.SampledFrom(cell.Intervals()).Draw(t, "interval").Samples()
		most := rapid.IntRange(0, 4000).Draw(t, "most")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		pcm, had := pure(hertz)
		out, jump := stretchAll(t, slot, pcm, func() int { return rng.IntN(2*most+1) - most })
		if jump > 1.05*had+1e-4 {
			t.Fatalf("%.0f Hz: largest step %.5f, the tone has %.5f", hertz, jump, had)
		}
		crossings, quiet := 0, 0.5
		for i := 1; i < len(out); i++ {
			if out[i-1] < 0 && out[i] >= 0 {
				crossings++
			}
		}
		const period = SampleRate / 85
		for i := 0; i+period <= len(out); i += period {
			top := 0.0
			for _, v := range out[i : i+period] {
				top = max(top, math.Abs(float64(v)))
			}
			quiet = min(quiet, top)
		}
		want := hertz * float64(len(out)) / SampleRate
		if off := math.Abs(float64(crossings) - want); off > 2+0.01*want || quiet < 0.45 {
			t.Fatalf("%.0f Hz: %d periods instead of %.1f, level down to %.2f", hertz, crossings, want, quiet)
		}
	})
}

// TestStretchNoise: what has no period can be made longer all the same, without a
// step, and is left alone when it should be shorter.
func TestStretchNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	pcm := make([]float32, SampleRate)
	low := float32(0)
	for i := range pcm { // dull enough for a step to be seen
		low += 0.05 * (rng.Float32() - 0.5 - low)
		pcm[i] = low
	}
	_, had := stretchAll(t, 1920, pcm, func() int { return 0 })
	longer, jump := stretchAll(t, 1920, pcm, func() int { return 1200 })
	if len(longer) < len(pcm)*4/3 || jump > 1.05*had {
		t.Errorf("longer by %d of %d, largest step %.4f, had %.4f", len(longer)-len(pcm), len(pcm), jump, had)
	}
	if shorter, _ := stretchAll(t, 1920, pcm, func() int { return -1200 }); len(shorter) < len(pcm)*95/100 {
		t.Errorf("%d samples of noise were left out", len(pcm)-len(shorter))
	}
}

// TestStretchPause: a pause is where anything can be left out.
func TestStretchPause(t *testing.T) {
	out, _ := stretchAll(t, 960, constant(9600, 1e-30), func() int { return -500 })
	if want := 10 * (960 - 500); len(out) > want+10*stretchStep {
		t.Errorf("%d samples are left of a pause, want %d", len(out), want)
	}
}

// TestStretchSame: what is not to be stretched comes as it is, to the bit.
func TestStretchSame(t *testing.T) {
	pcm, _ := pure(300)
	out, _ := stretchAll(t, 4800, pcm, func() int { return 0 })
	for i, v := range out {
		if v != pcm[i] {
			t.Fatalf("sample %d is %v, was %v", i, v, pcm[i])
		}
	}
}

func TestStretchAllocs(t *testing.T) {
	s := newStretcher(4800)
	pcm, _ := pure(300)
	for _, more := range []int{-3000, 0, 100_000} {
		if n := testing.AllocsPerRun(10, func() { s.play(pcm[:4800], more) }); n != 0 {
			t.Errorf("%v allocations when asked for %d more", n, more)
		}
	}
}

// BenchmarkStretch is the cost of the shortest slot. Most of it is the search, which
// is done in any case.
func BenchmarkStretch(b *testing.B) {
	tone, _ := pure(300)
	for what, pcm := range map[string][]float32{"tone": tone, "silence": constant(960, 0), "beyond hearing": constant(960, 1e-30)} {
		for _, more := range []int{-600, 0, 600} {
			b.Run(what+"/"+map[int]string{-600: "shorter", 0: "same", 600: "longer"}[more], func(b *testing.B) {
				s := newStretcher(stretchPiece)
				b.ReportAllocs()
				for b.Loop() {
					s.play(pcm[:stretchPiece], more)
				}
			})
		}
	}
}
