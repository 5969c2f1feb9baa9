package opus

import (
	"fmt"
	"testing"

	"undertone/assets"
	"undertone/codec"
	"undertone/transport/cell"
)

// BenchmarkEncode is one slot of speech, of silence and of noise: the cost
// depends on the sound, which is why idle feeds the encoder with speech.
func BenchmarkEncode(b *testing.B) {
	all := sounds(b)
	for _, i := range cell.Intervals() {
		for _, name := range []string{"speech", "silence", "noise"} {
			b.Run(i.String()+"/"+name, func(b *testing.B) {
				e, _ := pair(b, i)
				var f codec.Frame
				pcm, n, at := all[name], i.Samples(), 0
				b.ReportAllocs()
				for b.Loop() {
					e.Encode(pcm[at:at+n], &f)
					if at += n; at+n > len(pcm) {
						at = 0
					}
				}
			})
		}
	}
}

// BenchmarkDecode is one slot decoded, one concealed after one decoded, and one
// recovered after one decoded: none costs more than the first.
func BenchmarkDecode(b *testing.B) {
	speech := load(b, assets.Speech())
	for _, i := range cell.Intervals() {
		_, d := pair(b, i)
		frames := framesOf(b, i, speech)
		pcm := make([]float32, i.Samples())
		b.Run(i.String()+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			for k := 0; b.Loop(); k++ {
				d.Decode(frames[k%len(frames)], pcm)
			}
		})
		b.Run(i.String()+"/decode,conceal", func(b *testing.B) {
			b.ReportAllocs()
			for k := 0; b.Loop(); k += 2 {
				d.Decode(frames[k%len(frames)], pcm)
				d.Conceal(pcm)
			}
		})
		b.Run(i.String()+"/decode,recover", func(b *testing.B) {
			b.ReportAllocs()
			for k := 0; b.Loop(); k += 2 {
				d.Decode(frames[k%len(frames)], pcm)
				d.Recover(frames[(k+2)%len(frames)], pcm)
			}
		})
		b.Run(i.String()+"/decode,reset", func(b *testing.B) {
			b.ReportAllocs()
			for k := 0; b.Loop(); k++ {
				d.Reset()
				d.Decode(frames[k%len(frames)], pcm)
			}
		})
	}
}

// micSound is a codec.Sound whose microphone hears speech.
type micSound struct {
	speech []float32
	at     int
}

func (*micSound) Live(bool)       {}
func (*micSound) Write([]float32) {}

func (s *micSound) Read(pcm []float32) {
	for n := 0; n < len(pcm); {
		k := copy(pcm[n:], s.speech[s.at:])
		n += k
		s.at = (s.at + k) % len(s.speech)
	}
}

// BenchmarkSlot is all the work of one slot between microphone, frame and
// speaker, with one decoder and with those of a group: idle, in a call of two, in
// one of all, and muted in a call must cost the same.
func BenchmarkSlot(b *testing.B) {
	for _, i := range cell.Intervals() {
		for _, decoders := range []int{1, codec.MaxSpeakers} {
			for _, c := range []struct {
				what     string
				speakers int
				muted    bool
			}{{"idle", 0, false}, {"call", 1, false}, {"group", decoders, false}, {"muted", 1, true}} {
				b.Run(fmt.Sprintf("%v/%d/%s", i, decoders, c.what), func(b *testing.B) {
					benchmarkSlot(b, i, decoders, c.speakers, c.muted)
				})
			}
		}
	}
}

func benchmarkSlot(b *testing.B, i cell.Interval, decoders, speakers int, muted bool) {
	e, _ := pair(b, i)
	all := make([]codec.Decoder, decoders)
	for k := range all {
		_, all[k] = pair(b, i)
	}
	loop := load(b, assets.Loop())
	v, err := codec.NewVoice(codec.VoiceConfig{
		Interval: i, Encoder: e, Decoders: all, Sound: &micSound{speech: load(b, assets.Speech())}, Loop: loop,
	})
	if err != nil {
		b.Fatal(err)
	}
	frames, heard := framesOf(b, i, loop), make([]*codec.Frame, speakers)
	v.SetMuted(muted)
	var f codec.Frame
	slot := func(n int, live bool) {
		for k := range heard {
			heard[k] = frames[(n+k*len(frames)/decoders)%len(frames)]
		}
		v.Mouth(cell.Slot(n), live, &f)          //nolint:gosec // not negative
		v.Ear(cell.Slot(n), live, heard, nil, 0) //nolint:gosec // not negative
	}
	for n := range len(frames) { // what idle was like before
		slot(n, false)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		slot(n, speakers > 0)
	}
}
