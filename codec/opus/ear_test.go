package opus

import (
	"math"
	"testing"

	"undertone/assets"
	"undertone/codec"
	"undertone/transport/cell"
)

// A listener is a codec.Sound that remembers the slot it was given last.
type listener struct{ heard []float32 }

func (*listener) Live(bool)           {}
func (*listener) Read(pcm []float32)  { clear(pcm) }
func (l *listener) Write(p []float32) { l.heard = append(l.heard[:0], p...) }

// newListener returns a Voice that hears up to so many.
func newListener(tb testing.TB, i cell.Interval, speakers int) (*codec.Voice, *listener) {
	tb.Helper()
	e, _ := pair(tb, i)
	decoders, l := make([]codec.Decoder, speakers), &listener{}
	for k := range decoders {
		_, decoders[k] = pair(tb, i)
	}
	v, err := codec.NewVoice(codec.VoiceConfig{
		Interval: i, Encoder: e, Decoders: decoders, Sound: l, Loop: load(tb, assets.Loop()[:2*assets.SampleRate]), // one second
	})
	if err != nil {
		tb.Fatal(err)
	}
	return v, l
}

// framesOf encodes a sound.
func framesOf(tb testing.TB, i cell.Interval, pcm []float32) []*codec.Frame {
	tb.Helper()
	e, _ := pair(tb, i)
	var frames []*codec.Frame
	for n := i.Samples(); len(pcm) >= n; pcm = pcm[n:] {
		f := new(codec.Frame)
		e.Encode(pcm[:n], f)
		frames = append(frames, f)
	}
	return frames
}

// lost says of which slots nothing comes: the first ones, one here and there, and
// some in a row, but never a second.
func lost(k int) bool { return k < 3 || k%11 == 7 || k%50 > 45 }

// TestOneSpeaker: one speaker is heard to the bit as a decoder gives him, in his
// place among eight as well as alone: neither the mixer nor the decoders of the
// others add to his sound, and what his own decoder did before he came is
// forgotten. Only the first samples differ, which fade in.
func TestOneSpeaker(t *testing.T) {
	speech := load(t, assets.Speech()[:4*assets.SampleRate]) // two seconds
	for _, i := range cell.Intervals() {
		frames := framesOf(t, i, speech)
		for _, speakers := range []int{1, codec.MaxSpeakers} {
			v, l := newListener(t, i, speakers)
			_, d := pair(t, i)
			want, heard := make([]float32, i.Samples()), make([]*codec.Frame, speakers)
			var f codec.Frame
			for n := range cell.Slot(20) {
				v.Mouth(n, false, &f)
				v.Ear(n, false, nil, nil, 0)
			}
			for k, frame := range frames {
				heard[speakers/2] = frame
				if lost(k) {
					heard[speakers/2] = nil
					d.Conceal(want)
				} else {
					d.Decode(frame, want)
				}
				v.Mouth(cell.Slot(20+k), true, &f)
				v.Ear(cell.Slot(20+k), true, heard, nil, 0)
				from := 0
				if k == 3 {
					from = codec.SampleRate / 200
				}
				for s := from; s < len(want); s++ {
					if l.heard[s] != want[s] {
						t.Fatalf("%v, %d decoders: sample %d of slot %d is %v, want %v", i, speakers, s, k, l.heard[s], want[s])
					}
				}
			}
		}
	}
}

// TestQuiet: when a speaker counts as gone, the guess at what he says has been
// silent for long: leaving him out is not heard.
func TestQuiet(t *testing.T) {
	speech := load(t, assets.Speech())
	for _, i := range cell.Intervals() {
		frames, pcm := framesOf(t, i, speech), make([]float32, i.Samples())
		second, worst := codec.SampleRate/i.Samples(), 0.0
		for end := second / 2; end < len(frames); end += second / 2 { // in all kinds of sound
			_, d := pair(t, i)
			for _, f := range frames[max(0, end-second/2):end] {
				d.Decode(f, pcm)
			}
			for range second + 1 {
				d.Conceal(pcm)
			}
			worst = max(worst, rms(pcm))
		}
		if t.Logf("%v: %.6f", i, worst); worst > 1e-3 {
			t.Errorf("%v: a second after the last frame the guess still has a level of %.5f", i, worst)
		}
	}
}

func rms(pcm []float32) float64 {
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}

// TestSpeakersAtOnce: two at an ordinary level are heard as their sum, to 30 dB
// below it; eight who all shout are within full scale.
func TestSpeakersAtOnce(t *testing.T) {
	const i = cell.Interval40
	all := [][]float32{load(t, assets.Speech()), load(t, assets.Answer())}
	for _, c := range []struct {
		what     string
		speakers int
		gain     float32
		snr      float64
	}{{"two talk", 2, 1, 30}, {"all shout", codec.MaxSpeakers, 20, 0}} {
		v, l := newListener(t, i, codec.MaxSpeakers)
		var said [][]*codec.Frame
		decoders := make([]*Decoder, c.speakers)
		for k := range c.speakers {
			pcm := append([]float32(nil), all[k%2][k*4801:][:codec.SampleRate]...)
			for s := range pcm {
				pcm[s] *= c.gain
			}
			said = append(said, framesOf(t, i, pcm))
			_, decoders[k] = pair(t, i)
		}
		var signal, noise, peak float64
		heard, one := make([]*codec.Frame, c.speakers), make([]float32, i.Samples())
		for n := range said[0] {
			sum := make([]float32, i.Samples())
			for k, d := range decoders {
				heard[k] = said[k][n]
				d.Decode(heard[k], one)
				for s, x := range one {
					sum[s] += x
				}
			}
			if v.Ear(cell.Slot(n), true, heard, nil, 0); n == 0 { //nolint:gosec // small
				continue // fades in
			}
			for s, x := range l.heard {
				signal += float64(sum[s]) * float64(sum[s])
				noise += float64(sum[s]-x) * float64(sum[s]-x)
				peak = max(peak, math.Abs(float64(x)))
			}
		}
		snr := 10 * math.Log10(signal/(noise+1e-12))
		t.Logf("%s: signal to noise %.0f dB, peak %.3f", c.what, snr, peak)
		if peak > 1 || snr < c.snr {
			t.Errorf("%s: signal to noise %.0f dB, want %v at least; peak %.3f", c.what, snr, c.snr, peak)
		}
	}
}
