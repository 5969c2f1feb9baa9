package quality

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"undertone/assets"
	"undertone/codec"
	"undertone/codec/opus"
	"undertone/transport/cell"
)

// load returns a bundled sound at the rate of this package.
func load(tb testing.TB, s assets.Sound) []float32 {
	tb.Helper()
	pcm, err := codec.Convert(s.PCM(), assets.SampleRate, SampleRate)
	if err != nil {
		tb.Fatal(err)
	}
	return pcm
}

// What many tests ask for is computed once. No two of them run at a time: that is
// what lets make test do without the race detector here, which takes ten times as long.
var (
	spoken []float32                       // see short
	coded  = map[cell.Interval][]float32{} // see shortCoded
)

// short is enough speech for a test of one fault: the first sentence and a
// half, up to a pause.
func short(tb testing.TB) []float32 {
	tb.Helper()
	if spoken == nil {
		spoken = load(tb, assets.Speech())[:153_500]
	}
	return slices.Clone(spoken)
}

// shortCoded is short through the codec.
func shortCoded(tb testing.TB, i cell.Interval) []float32 {
	tb.Helper()
	speech := short(tb)
	if coded[i] == nil {
		coded[i] = code(tb, i, speech, nil)
	}
	return slices.Clone(coded[i])
}

// code takes sound through the codec, frame by frame, losing those that lose
// says.
func code(tb testing.TB, i cell.Interval, pcm []float32, lose func(n int) bool) []float32 {
	tb.Helper()
	e, err := opus.NewEncoder(i)
	if err != nil {
		tb.Fatal(err)
	}
	d, err := opus.NewDecoder(i)
	if err != nil {
		tb.Fatal(err)
	}
	n := i.Samples()
	slots := len(pcm)/n + 2 // one for the rest, one for the delay of the codec
	in := append(slices.Clone(pcm), make([]float32, slots*n-len(pcm))...)
	out := make([]float32, slots*n)
	var f codec.Frame
	for k := range slots {
		e.Encode(in[k*n:(k+1)*n], &f)
		if lose != nil && lose(k) {
			d.Conceal(out[k*n : (k+1)*n])
			continue
		}
		d.Decode(&f, out[k*n:(k+1)*n])
	}
	return out
}

// reversed returns the sound backwards.
func reversed(pcm []float32) []float32 {
	out := slices.Clone(pcm)
	slices.Reverse(out)
	return out
}

// later returns the sound after n samples of silence.
func later(pcm []float32, n int) []float32 { return append(make([]float32, n), pcm...) }

// TestCodec: speech through the codec is whole and similar at each interval,
// and comes after the delay that the codec says it has.
func TestCodec(t *testing.T) {
	speech := short(t)
	for i, want := range map[cell.Interval]float64{cell.Interval20: 0.97, cell.Interval40: 0.95, cell.Interval100: 0.85} {
		t.Run(i.String(), func(t *testing.T) {
			r := Compare(speech, later(shortCoded(t, i), 12345))
			t.Logf("delay %d, stretch %d, confidence %.2f, STOI %.3f, ESTOI %.3f", r.Delay-12345, r.Stretch, r.Confidence, r.STOI, r.ESTOI)
			if r.Similarity < want {
				t.Errorf("similarity %.3f, want at least %.2f", r.Similarity, want)
			}
			if d := r.Delay - 12345 - opus.Delay; d < -4 || d > 4 {
				t.Errorf("the codec delays by %d samples, says %d", r.Delay-12345, opus.Delay)
			}
			if !r.Whole() || r.Confidence < 0.5 {
				t.Errorf("not whole: %+v", r)
			}
		})
	}
}

// TestFirstWord: the very first sound of a stream comes through the codec, as
// loud as it was said: nothing is cut at the start.
func TestFirstWord(t *testing.T) {
	speech := load(t, assets.Speech())
	at := slices.IndexFunc(speech, func(v float32) bool { return v > 0.05 })
	const step = SampleRate / 50
	word := speech[at : at+15*step]
	for _, i := range cell.Intervals() {
		heard := code(t, i, word, nil)
		loud := 0
		for from := 0; from < len(word); from += step {
			was := meanSquare(word[from : from+step])
			is := meanSquare(heard[from+opus.Delay : from+opus.Delay+step])
			if was < 2e-3 {
				continue
			}
			loud++
			if is < was/3 || is > 2*was {
				t.Errorf("%v: 20 ms from %d ms on have power %.4f, were said with %.4f", i, from*1000/SampleRate, is, was)
			}
		}
		if loud < 5 {
			t.Fatalf("only %d steps of the word are loud enough to tell", loud)
		}
	}
}

// TestUnrelated is the other end of the scale: what was not said is not
// similar, even if it is laid over it at many other places than the best one.
func TestUnrelated(t *testing.T) {
	speech, answer := short(t), load(t, assets.Answer())
	x := atStoiRate(speech)
	for name, heard := range map[string][]float32{
		"another sentence":  answer,
		"reversed":          reversed(speech),
		"silence":           make([]float32, len(speech)),
		"nothing":           nil,
		"noise":             noise(len(speech), 0.1),
		"through the codec": code(t, cell.Interval40, answer, nil),
	} {
		t.Run(name, func(t *testing.T) {
			a := Align(speech, heard)
			_, e := Intelligibility(speech, cut(heard, a.Delay, len(speech)))
			if Similarity(e) > 0.3 || a.Confidence > 0.3 {
				t.Errorf("similarity %.2f, confidence %.2f, want at most 0.3", e, a.Confidence)
			}
			y := atStoiRate(heard)
			for d := 0; d < len(x); d += stoiRate {
				moved := append(slices.Clone(y[min(d, len(y)):]), make([]float64, len(x))...)
				if _, e := intelligibility(x, moved); Similarity(e) > 0.3 {
					t.Errorf("moved by %d: similarity %.2f", d, e)
				}
			}
		})
	}
}

func noise(n int, level float64) []float32 {
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(level * rng.NormFloat64())
	}
	return out
}

// TestMissingHalf: half of a sentence is not the sentence.
func TestMissingHalf(t *testing.T) {
	speech := short(t)
	heard := slices.Clone(speech)
	clear(heard[len(heard)/2:])
	if r := Compare(speech, heard); r.Similarity > 0.65 || r.Whole() {
		t.Errorf("half of the speech: similarity %.2f, whole %v", r.Similarity, r.Whole())
	}
}

// TestNoiseOrders: the more noise, the less similar.
func TestNoiseOrders(t *testing.T) {
	speech := short(t)[:2*SampleRate]
	last := 1.01
	for _, level := range []float64{0, 0.01, 0.1, 1} {
		heard := noise(len(speech), level)
		for i, v := range speech {
			heard[i] += v
		}
		_, e := Intelligibility(speech, heard)
		if e >= last {
			t.Errorf("noise of %v: ESTOI %.3f, with less noise it was %.3f", level, e, last)
		}
		last = e
	}
	if last > 0.2 {
		t.Errorf("speech drowned in noise has ESTOI %.2f", last)
	}
}

// TestAlign finds planted delays to the sample, also under noise, and says so.
func TestAlign(t *testing.T) {
	speech := short(t)[:2*SampleRate]
	for _, delay := range []int{-30000, 0, 1, 997, 150000} {
		heard := cut(speech, -delay, len(speech)+max(0, delay))
		for i, v := range noise(len(heard), 0.01) {
			heard[i] = 0.3*heard[i] + v
		}
		a := Align(speech, heard)
		if a.Delay != delay || a.Confidence < 0.5 || a.Stretch < -1 || a.Stretch > 1 {
			t.Errorf("planted %d, found %d, confidence %.2f, stretch %d", delay, a.Delay, a.Confidence, a.Stretch)
		}
	}
	if d := (Report{Delay: 4800}).MouthToEar(); d != 100*time.Millisecond {
		t.Errorf("4800 samples are %v", d)
	}
}

// TestEmpty: nothing to compare is no reason to panic.
func TestEmpty(t *testing.T) {
	speech := short(t)[:SampleRate]
	for _, c := range [][2][]float32{{nil, nil}, {speech, nil}, {nil, speech}, {speech[:10], speech}, {speech, speech[:10]}} {
		if r := Compare(c[0], c[1]); r.Similarity > 0.3 || math.IsNaN(r.Similarity) || math.IsNaN(r.Confidence) {
			t.Errorf("%d samples against %d: %+v", len(c[0]), len(c[1]), r)
		}
	}
}

// BenchmarkCompare is one comparison of eight seconds of speech.
func BenchmarkCompare(b *testing.B) {
	speech := load(b, assets.Speech())
	heard := later(code(b, cell.Interval40, speech, nil), 5000)
	for b.Loop() {
		Compare(speech, heard)
	}
}
