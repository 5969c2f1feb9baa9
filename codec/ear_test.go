package codec

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"undertone/transport/cell"
)

// A scribe is a Decoder that writes down what is asked of it: R for a reset, D
// for a frame of its speaker, L for one of the loop, C for a guess, N for what the
// next frame tells of a lost one. Its sound is a constant: what the frame says, a
// quarter of what was said last, or half of what the next frame says.
type scribe struct {
	log  strings.Builder
	loop []string // the frames of the loop it was given
	last float32
}

func (s *scribe) Decode(f *Frame, pcm []float32) {
	s.last = mean(f)
	if s.last >= 0 {
		s.log.WriteByte('L')
		s.loop = append(s.loop, fmt.Sprint(s.last))
	} else {
		s.log.WriteByte('D')
	}
	fill(pcm, s.last)
}

func (s *scribe) Conceal(pcm []float32) {
	s.log.WriteByte('C')
	fill(pcm, s.last/4)
}

func (s *scribe) Recover(next *Frame, pcm []float32) {
	s.log.WriteByte('N')
	fill(pcm, mean(next)/2)
}

func (s *scribe) Reset() { s.log.WriteByte('R') }

// written returns what was written since the last call.
func (s *scribe) written() string {
	defer s.log.Reset()
	return s.log.String()
}

func fill(pcm []float32, v float32) {
	for i := range pcm {
		pcm[i] = v
	}
}

// voiceAt is a frame of a speaker; scribes know it from the loop by its sign.
func voiceAt(level float32) *Frame {
	f := new(Frame)
	toyEncoder{&toyCodec{}}.Encode(constant(8, level), f)
	return f
}

// fatal is what testing.T and rapid.T have in common.
type fatal interface {
	Helper()
	Fatal(args ...any)
}

// newGroup returns a Voice with so many decoders, and a loop that is louder in
// each of its slots.
func newGroup(t fatal, i cell.Interval, speakers int) (*Voice, []*scribe, *toySound) {
	t.Helper()
	var loop []float32
	for k := range 30 {
		loop = append(loop, constant(i.Samples(), float32(k+1)/64)...)
	}
	sound := &toySound{hears: micLevel, played: make([]float32, 0, i.Samples())}
	scribes, decoders := make([]*scribe, speakers), make([]Decoder, speakers)
	for k := range scribes {
		scribes[k] = &scribe{}
		decoders[k] = scribes[k]
	}
	v, err := NewVoice(VoiceConfig{Interval: i, Encoder: toyEncoder{&toyCodec{}}, Decoders: decoders, Sound: sound, Loop: loop})
	if err != nil {
		t.Fatal(err)
	}
	return v, scribes, sound
}

// said returns the frames of the first speakers of a group.
func said(speakers int) []*Frame {
	frames := make([]*Frame, MaxSpeakers)
	for k := range speakers {
		frames[k] = voiceAt(-0.05)
	}
	return frames
}

// TestEarWork: every decoder runs once in every slot, whether nobody, one or all
// speak, in a call and idle, when they come and when they go, and whether a lost
// frame is guessed or recovered.
func TestEarWork(t *testing.T) {
	for _, speakers := range []int{0, 1, MaxSpeakers} {
		v, scribes, sound := newGroup(t, cell.Interval40, MaxSpeakers)
		for n := range cell.Slot(120) {
			frames, next := said(speakers), []*Frame(nil)
			if n%7 == 3 || n > 50 && n < 90 { // lost, now and then and for long
				frames = nil
			}
			if n%2 == 0 { // the next is there already
				next = said(speakers)
			}
			var f Frame
			live := n >= 10 && n < 110
			v.Mouth(n, live, &f)
			v.Ear(n, live, frames, next, 0)
			for k, s := range scribes {
				if w := s.written(); len(strings.TrimLeft(w, "R")) != 1 {
					t.Fatalf("%d speak, slot %d: decoder %d did %q, want one run", speakers, n, k, w)
				}
			}
		}
		if sound.writes != 120 {
			t.Errorf("%d speak: %d slots of sound in 120", speakers, sound.writes)
		}
	}
}

// A tale is what happened to one speaker, for the oracle.
type tale struct{ live, came, next []bool }

// here reports whether the speaker is there in slot n: he was heard within the
// last second, in the call that still lasts.
func (a *tale) here(n int) bool {
	for m := n; m >= max(n-10, 0) && a.live[m]; m-- {
		if a.came[m] {
			return true
		}
	}
	return false
}

// want is what his decoder has to do in the newest slot.
func (a *tale) want() string {
	n := len(a.live) - 1
	was := n > 0 && a.here(n-1)
	switch {
	case a.here(n) && !was:
		return "RD"
	case a.here(n) && a.came[n]:
		return "D"
	case a.here(n) && a.next[n]:
		return "N"
	case a.here(n) || was:
		return "C"
	}
	return "L"
}

// TestEarSpeakers: each speaker is decoded, recovered, concealed and forgotten by
// what he alone said. The oracle looks through all of the past.
func TestEarSpeakers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		speakers := rapid.IntRange(1, 3).Draw(t, "speakers")
		v, scribes, _ := newGroup(t, cell.Interval100, speakers)
		tales := make([]tale, speakers)
		frames, next := make([]*Frame, speakers), make([]*Frame, speakers)
		live, talk := false, make([]bool, speakers)
		for n := range rapid.IntRange(1, 60).Draw(t, "slots") {
			if rapid.IntRange(0, 15).Draw(t, "call") == 0 {
				live = !live
			}
			for k := range frames {
				if rapid.IntRange(0, 7).Draw(t, "talk") == 0 {
					talk[k] = !talk[k]
				}
				frames[k], next[k] = nil, nil
				if talk[k] {
					frames[k] = voiceAt(-0.01)
				}
				early := rapid.Bool().Draw(t, "early")
				if early {
					next[k] = voiceAt(-0.02)
				}
				tales[k].next = append(tales[k].next, early)
				tales[k].live, tales[k].came = append(tales[k].live, live), append(tales[k].came, talk[k])
			}
			v.Ear(cell.Slot(n), live, frames, next, 0) //nolint:gosec // small
			for k, s := range scribes {
				if got, want := s.written(), tales[k].want(); got != want {
					t.Fatalf("slot %d: decoder %d did %q, want %q", n, k, got, want)
				}
			}
		}
	})
}

// TestEarQuiet: who brings nothing for a second is guessed at for so long, fades
// out, is silent, and comes back with nothing of what he said before; another
// goes on beside him.
func TestEarQuiet(t *testing.T) {
	const i = cell.Interval100
	v, scribes, sound := newGroup(t, i, 2)
	first, second := voiceAt(-0.25), voiceAt(-0.125)
	ends := func() (float32, float32) { return sound.played[0], sound.played[len(sound.played)-1] }
	step := func(what, want string, from, to float32, frames ...*Frame) {
		t.Helper()
		v.Ear(1, true, frames, nil, 0)
		got := scribes[0].written()
		scribes[1].written()
		if a, b := ends(); got != want || a-from > 1e-3 || from-a > 1e-3 || b != to {
			t.Errorf("%s: did %q and went from %v to %v, want %q and from %v to %v", what, got, a, b, want, from, to)
		}
	}
	step("one comes", "RD", 0, -0.25, first, nil)
	step("another comes", "D", -0.25, -0.375, first, second)
	for range 10 {
		step("the first is lost", "C", -0.125-0.25/4, -0.125-0.25/4, nil, second)
	}
	step("the first is quiet", "C", -0.125-0.25/4, -0.125, nil, second)
	for range 30 {
		step("the first is away", "L", -0.125, -0.125, nil, second)
	}
	step("he comes back", "RD", -0.125, -0.375, first, second)
	step("and stays", "D", -0.375, -0.375, first, second)
}

// TestEarFrames: fewer frames than decoders are as many who say nothing; more are
// not heard.
func TestEarFrames(t *testing.T) {
	v, scribes, sound := newGroup(t, cell.Interval20, 2)
	f := voiceAt(-0.25)
	v.Ear(1, true, []*Frame{f}, nil, 0)
	v.Ear(2, true, []*Frame{f, nil, f, f}, nil, 0)
	v.Ear(3, true, []*Frame{}, nil, 0)
	if a, b := scribes[0].written(), scribes[1].written(); a != "RDDC" || b != "LLL" {
		t.Errorf("decoders did %q and %q", a, b)
	}
	if sound.played[0] != -0.0625 {
		t.Errorf("heard %v, want the guess of one", sound.played[0])
	}
}

// TestEarLoop: a decoder that hears nobody is given speech of the loop, in a call
// too, and it goes on from slot to slot.
func TestEarLoop(t *testing.T) {
	const i = cell.Interval40
	v, scribes, _ := newGroup(t, i, MaxSpeakers)
	var f Frame
	for n := range cell.Slot(echoDepth) { // no silence is left
		v.Mouth(n, false, &f)
		v.Ear(n, false, nil, nil, 0)
	}
	for _, live := range []bool{false, true} {
		for _, s := range scribes {
			s.loop = s.loop[:0]
		}
		for n := range cell.Slot(echoDepth) {
			v.Mouth(n, live, &f)
			v.Ear(n, live, said(1), nil, 0)
		}
		for k, s := range scribes[1:] {
			if slices.Sort(s.loop); len(s.loop) != echoDepth || len(slices.Compact(s.loop)) != 30 {
				t.Errorf("live %v: decoder %d heard %d different slots of the loop's 30", live, k+1, len(slices.Compact(s.loop)))
			}
		}
	}
}

// TestEarAllocs: eight at once allocate nothing in a slot.
func TestEarAllocs(t *testing.T) {
	v, err := NewVoice(VoiceConfig{
		Interval: cell.Interval40, Encoder: toyEncoder{&toyCodec{}}, Loop: constant(1920, loopLevel),
		Decoders: slices.Repeat([]Decoder{toyDecoder{&toyCodec{}}}, MaxSpeakers),
		Sound:    &toySound{played: make([]float32, 0, 1920)},
	})
	if err != nil {
		t.Fatal(err)
	}
	all, live := said(MaxSpeakers), false
	if n := testing.AllocsPerRun(100, func() {
		v.Ear(1, live, all, nil, 0)
		v.Ear(2, live, nil, nil, 0)
		live = !live
	}); n != 0 {
		t.Errorf("%v allocations in a slot", n)
	}
}

// BenchmarkEar is the cost of a slot without that of the decoders: what eight
// cost more than one is theirs, and the mixer's.
func BenchmarkEar(b *testing.B) {
	for _, speakers := range []int{1, MaxSpeakers} {
		b.Run(fmt.Sprint(speakers), func(b *testing.B) {
			v, err := NewVoice(VoiceConfig{
				Interval: cell.Interval40, Encoder: toyEncoder{&toyCodec{}}, Loop: constant(1920, loopLevel),
				Decoders: slices.Repeat([]Decoder{deaf{}}, speakers), Sound: &toySound{played: make([]float32, 0, 1920)},
			})
			if err != nil {
				b.Fatal(err)
			}
			all := said(speakers)
			b.ReportAllocs()
			for b.Loop() {
				v.Ear(1, true, all, nil, 0)
			}
		})
	}
}

// deaf is a Decoder that does nothing.
type deaf struct{}

func (deaf) Decode(*Frame, []float32)  {}
func (deaf) Conceal([]float32)         {}
func (deaf) Recover(*Frame, []float32) {}
func (deaf) Reset()                    {}
