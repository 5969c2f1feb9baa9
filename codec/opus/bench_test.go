package opus

import (
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

// BenchmarkDecode is one slot decoded, and one concealed after one decoded.
func BenchmarkDecode(b *testing.B) {
	speech := load(b, assets.Speech())
	for _, i := range cell.Intervals() {
		e, d := pair(b, i)
		var frames []codec.Frame
		for at := 0; at+i.Samples() <= len(speech); at += i.Samples() {
			var f codec.Frame
			e.Encode(speech[at:], &f)
			frames = append(frames, f)
		}
		pcm := make([]float32, i.Samples())
		b.Run(i.String()+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			for k := 0; b.Loop(); k++ {
				d.Decode(&frames[k%len(frames)], pcm)
			}
		})
		b.Run(i.String()+"/conceal", func(b *testing.B) {
			b.ReportAllocs()
			for k := 0; b.Loop(); k++ {
				if k%2 == 0 {
					d.Decode(&frames[k/2%len(frames)], pcm)
				}
				d.Conceal(pcm)
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
// speaker: idle, in a call, and muted in a call must cost the same.
func BenchmarkSlot(b *testing.B) {
	speech, loop := load(b, assets.Speech()), load(b, assets.Loop())
	for _, i := range cell.Intervals() {
		for _, mode := range []string{"idle", "call", "muted"} {
			b.Run(i.String()+"/"+mode, func(b *testing.B) {
				e, d := pair(b, i)
				v, err := codec.NewVoice(codec.VoiceConfig{
					Interval: i, Encoder: e, Decoders: []codec.Decoder{d}, Sound: &micSound{speech: speech}, Loop: loop,
				})
				if err != nil {
					b.Fatal(err)
				}
				peer, _ := pair(b, i)
				var frames []codec.Frame
				for at := 0; at+i.Samples() <= len(loop); at += i.Samples() {
					var f codec.Frame
					peer.Encode(loop[at:], &f)
					frames = append(frames, f)
				}
				v.SetMuted(mode == "muted")
				var f codec.Frame
				heard := make([]*codec.Frame, 1)
				b.ReportAllocs()
				for k := 0; b.Loop(); k++ {
					v.Mouth(cell.Slot(k), mode != "idle", &f)
					heard[0] = &frames[k%len(frames)]
					v.Ear(cell.Slot(k), mode != "idle", heard)
				}
			})
		}
	}
}
