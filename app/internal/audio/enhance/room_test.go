package enhance

import (
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"undertone/app/internal/quality"
	"undertone/assets"
	"undertone/codec"
)

const second = codec.SampleRate

// What is said at the two ends, at the rate of calls.
var (
	far  = sync.OnceValue(func() []float32 { return load(assets.Loop())[:8*second] })
	near = sync.OnceValue(func() []float32 { return load(assets.Answer())[:5*second] })
)

func load(s assets.Sound) []float32 {
	pcm, err := codec.Convert(s.PCM(), assets.SampleRate, codec.SampleRate)
	if err != nil {
		panic(err) // The bundled sounds can be converted.
	}
	return pcm
}

func samples(d time.Duration) int { return int(d * second / time.Second) }

// A chance is a small generator of numbers that are the same every time.
type chance uint32

// next returns a number between -1 and 1.
func (c *chance) next() float64 {
	*c = *c*1664525 + 1013904223
	return float64(*c>>8)/(1<<23) - 1
}

// reverberate returns what a microphone hears of a loudspeaker that plays pcm: the
// straight way after delay, then reflections that decay by 60 dB in 0.35 s.
func reverberate(pcm []float32, delay time.Duration, gain float64) []float32 {
	c := chance(7)
	out := make([]float32, len(pcm))
	add := func(at int, g float64) {
		for i := at; i < len(out); i++ {
			out[i] += float32(g * float64(pcm[i-at]))
		}
	}
	first := samples(delay)
	add(first, gain)
	for range 15 {
		late := (c.next() + 1) / 2 * 0.15 // seconds
		add(first+samples(time.Millisecond)+int(late*second), gain*c.next()/2*math.Pow(10, -3*late/0.35))
	}
	return out
}

// A scene is what happens at one end of a call.
type scene struct {
	played []float32 // what the loudspeaker plays
	echo   []float32 // what the microphone hears of it
	near   []float32 // what it hears of the person who sits there
	heard  []float32 // both, and the noise of the room
}

// newScene has the far end talk for eight seconds, and nobody at this one.
func newScene(delay time.Duration) *scene {
	s := &scene{played: slices.Clone(far())}
	s.echo = reverberate(s.played, delay, 0.5)
	s.say(nil, 0)
	return s
}

// say has the near end say pcm from a time on.
func (s *scene) say(pcm []float32, from time.Duration) {
	s.near = make([]float32, len(s.played))
	copy(s.near[samples(from):], pcm)
	s.heard = make([]float32, len(s.played))
	c := chance(1)
	for i := range s.heard {
		s.heard[i] = s.echo[i] + s.near[i] + float32(3e-4*c.next())
	}
}

// hear runs a processor over the scene, slot by slot.
func (s *scene) hear(p *Processor, slot int) []float32 {
	out := make([]float32, len(s.heard)/slot*slot)
	copy(out, s.heard)
	for at := 0; at < len(out); at += slot {
		p.Play(s.played[at : at+slot])
		p.Hear(out[at : at+slot])
	}
	return out
}

func newProcessor(tb testing.TB, s Settings) *Processor {
	tb.Helper()
	p, err := New(s)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// reduction returns how much less power there is in after than in before, in dB.
func reduction(before, after []float32) float64 {
	return 10 * math.Log10(power(before)/power(after))
}

func power(pcm []float32) float64 {
	sum := 1e-12
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return sum / float64(len(pcm))
}

// kept returns how much of what was said is understood in what came out, which is
// late by what the library takes.
func kept(said, out []float32, on Settings) float64 {
	late := map[Settings]int{{Noise: true}: 334, {Gain: true}: 46, All: 670}[on]
	_, e := quality.Intelligibility(said, out[late:late+len(said)])
	return quality.Similarity(e)
}
