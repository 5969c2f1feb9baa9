package quality

import (
	"math"
	"testing"

	"undertone/assets"
	"undertone/codec"
	"undertone/codec/opus"
	"undertone/transport/cell"
)

// A tape is a codec.Sound: its microphone plays a recording from the moment it
// is live, and what is written while live is recorded.
type tape struct {
	live  bool
	mic   []float32
	heard []float32
}

func (s *tape) Live(on bool) { s.live = on }

func (s *tape) Read(pcm []float32) {
	clear(pcm)
	if s.live {
		n := copy(pcm, s.mic)
		s.mic = s.mic[n:]
	}
}

func (s *tape) Write(pcm []float32) {
	if s.live {
		s.heard = append(s.heard, pcm...)
	}
}

// newVoice returns a whole media chain on a tape.
func newVoice(tb testing.TB, i cell.Interval, mic []float32) (*codec.Voice, *tape) {
	tb.Helper()
	e, err := opus.NewEncoder(i)
	if err != nil {
		tb.Fatal(err)
	}
	d, err := opus.NewDecoder(i)
	if err != nil {
		tb.Fatal(err)
	}
	s := &tape{mic: mic}
	loop := load(tb, assets.Loop()[:100_000]) // three seconds are enough here
	v, err := codec.NewVoice(codec.VoiceConfig{Interval: i, Encoder: e, Decoders: []codec.Decoder{d}, Sound: s, Loop: loop})
	if err != nil {
		tb.Fatal(err)
	}
	return v, s
}

// A pairOfVoices is a call with nothing between the two.
type pairOfVoices struct {
	a, b *codec.Voice
	n    cell.Slot
}

// run goes on for some slots; lose says which frames are lost.
func (p *pairOfVoices) run(slots int, live bool, lose func(n cell.Slot) bool) {
	var fa, fb codec.Frame
	for range slots {
		p.a.Mouth(p.n, live, &fa)
		p.b.Mouth(p.n, live, &fb)
		if lose != nil && lose(p.n) {
			p.a.Ear(p.n, live, nil, nil, 0)
			p.b.Ear(p.n, live, nil, nil, 0)
		} else {
			p.a.Ear(p.n, live, []*codec.Frame{&fb}, nil, 0)
			p.b.Ear(p.n, live, []*codec.Frame{&fa}, nil, 0)
		}
		p.n++
	}
}

// TestVoice: idle, a call with both talking from its first sample on, idle
// again. Each hears all of the other, nothing of the loop, and no fault.
func TestVoice(t *testing.T) {
	speech, answer := short(t)[:9*SampleRate/4], load(t, assets.Answer())[:5*SampleRate/4]
	for _, i := range cell.Intervals() {
		t.Run(i.String(), func(t *testing.T) {
			a, tapeA := newVoice(t, i, speech[5000:]) // the word begins at once
			b, tapeB := newVoice(t, i, answer)
			p := &pairOfVoices{a: a, b: b}
			p.run(40, false, nil)
			slots := len(speech)/i.Samples() + 2
			p.run(slots, true, nil)
			p.run(40, false, nil)
			for name, c := range map[string]struct{ said, heard []float32 }{
				"callee": {speech[5000:], tapeB.heard},
				"caller": {answer, tapeA.heard},
			} {
				al := Align(c.said, c.heard)
				_, e := Intelligibility(c.said, cut(c.heard, al.Delay, len(c.said)))
				if e < 0.8 || al.Delay < opus.Delay-8 || al.Delay > opus.Delay+8 {
					t.Errorf("%s hears with ESTOI %.2f after %d samples, want 0.8 after %d", name, e, al.Delay, opus.Delay)
				}
				checkFaults(t, name, c.said, c.heard)
				if want := (slots + 1) * i.Samples(); len(c.heard) != want {
					t.Errorf("%s: %d samples came while live, want %d: the call and its end", name, len(c.heard), want)
				}
			}
			if at := len(answer) + SampleRate/2; meanSquare(tapeA.heard[at:]) > 1e-5 {
				t.Error("the caller hears something after the answer: the loop?")
			}
		})
	}
}

// TestVoiceEndsInWord: hanging up in the middle of a vowel does not click, and
// neither does muting and unmuting there, nor a frame lost here and there.
func TestVoiceEndsInWord(t *testing.T) {
	speech := load(t, assets.Speech())
	for _, i := range cell.Intervals() {
		t.Run(i.String(), func(t *testing.T) {
			a, _ := newVoice(t, i, speech[vowels[0]:]) // starts in a vowel, too
			b, tapeB := newVoice(t, i, nil)
			p := &pairOfVoices{a: a, b: b}
			p.run(10, false, nil)
			second := int(i.Slots(1e9))
			for k := range 5 { // ends talking
				a.SetMuted(k%2 == 1)
				p.run(second/3, true, func(n cell.Slot) bool { return n%11 == 7 })
			}
			p.run(5, false, nil)
			if f := Clicks(speech, append(tapeB.heard, make([]float32, 4800)...), -vowels[0]+opus.Delay); len(f) > 0 {
				t.Errorf("clicks at %v", f)
			}
			muted := tapeB.heard[(second/3+2)*i.Samples() : 2*(second/3)*i.Samples()]
			if m := math.Sqrt(meanSquare(muted)); m > 0.01 {
				t.Errorf("muted, the peer hears a level of %.4f", m)
			}
		})
	}
}
