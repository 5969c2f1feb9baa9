package codec

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"undertone/transport/cell"
)

// A toyCodec is an Encoder and a Decoder that counts what is asked of it. A
// frame holds the first and the last sample and the sum of all of its slot.
type toyCodec struct {
	encodes, decodes, conceals, encResets, decResets int
}

type toyEncoder struct{ *toyCodec }
type toyDecoder struct{ *toyCodec }

func (c toyEncoder) Encode(pcm []float32, f *Frame) {
	c.encodes++
	var sum float32
	for _, v := range pcm {
		sum += v
	}
	for i, v := range []float32{pcm[0], pcm[len(pcm)-1], sum / float32(len(pcm))} {
		binary.BigEndian.PutUint32(f[4*i:], math.Float32bits(v))
	}
}

func (c toyEncoder) Reset() { c.encResets++ }

// mean is the mean sample of the slot that f was made of.
func mean(f *Frame) float32 { return math.Float32frombits(binary.BigEndian.Uint32(f[8:])) }

// first is the first sample of the slot that f was made of, last the last.
func first(f *Frame) float32 { return math.Float32frombits(binary.BigEndian.Uint32(f[:])) }
func last(f *Frame) float32  { return math.Float32frombits(binary.BigEndian.Uint32(f[4:])) }

func (c toyDecoder) Decode(f *Frame, pcm []float32) {
	c.decodes++
	for i := range pcm {
		pcm[i] = mean(f)
	}
}

func (c toyDecoder) Conceal(pcm []float32) {
	c.conceals++
	for i := range pcm {
		pcm[i] = 0.125
	}
}

func (c toyDecoder) Recover(_ *Frame, pcm []float32) { c.Conceal(pcm) }

func (c toyDecoder) Reset() { c.decResets++ }

// A toySound hears a constant and remembers what it played.
type toySound struct {
	hears  float32
	played []float32
	reads  int
	writes int
	live   []bool
}

func (s *toySound) Live(on bool) { s.live = append(s.live, on) }

func (s *toySound) Read(pcm []float32) {
	s.reads++
	for i := range pcm {
		pcm[i] = s.hears
	}
}

func (s *toySound) Write(pcm []float32) {
	s.writes++
	s.played = append(s.played[:0], pcm...)
}

const (
	loopLevel = 0.25
	micLevel  = 0.5
	peerLevel = -0.5
)

// constant is n samples of v.
func constant(n int, v float32) []float32 {
	pcm := make([]float32, n)
	for i := range pcm {
		pcm[i] = v
	}
	return pcm
}

func newToyVoice(t testing.TB) (*Voice, *toyCodec, *toySound) {
	t.Helper()
	c, s := &toyCodec{}, &toySound{hears: micLevel}
	v, err := NewVoice(VoiceConfig{
		Interval: cell.Interval40, Encoder: toyEncoder{c}, Decoders: []Decoder{toyDecoder{c}}, Sound: s,
		Loop: constant(5000, loopLevel), // no multiple of a slot
	})
	if err != nil {
		t.Fatal(err)
	}
	*c = toyCodec{}
	return v, c, s
}

func peerFrame() *Frame {
	f := new(Frame)
	toyEncoder{&toyCodec{}}.Encode(constant(1920, peerLevel), f)
	return f
}

// TestVoiceOneEach: whatever happens, a slot is one Read, one Encode, one
// decode (or its guess), one Write.
func TestVoiceOneEach(t *testing.T) {
	v, c, s := newToyVoice(t)
	script := []struct {
		what              string
		live, muted, lost bool
	}{
		{"idle", false, false, false},
		{"idle", false, false, true},
		{"start", true, false, true},
		{"talk", true, false, false},
		{"lost", true, false, true},
		{"mute", true, true, false},
		{"muted", true, true, false},
		{"unmute", true, false, false},
		{"end", false, false, false},
		{"idle", false, false, false},
		{"muted before", true, true, false},
		{"end muted", false, true, true},
	}
	for n, step := range script {
		*c, s.reads, s.writes = toyCodec{}, 0, 0
		v.SetMuted(step.muted)
		peer := peerFrame()
		if step.lost {
			peer = nil
		}
		var f Frame
		v.Mouth(cell.Slot(n), step.live, &f)
		v.Ear(cell.Slot(n), step.live, []*Frame{peer}, nil, 0)
		if c.encodes != 1 || c.decodes+c.conceals != 1 || s.reads != 1 || s.writes != 1 {
			t.Errorf("step %d, %s: %d encodes, %d+%d decodes, %d reads, %d writes, want one each",
				n, step.what, c.encodes, c.decodes, c.conceals, s.reads, s.writes)
		}
	}
	want := []bool{true, false, true, false}
	if len(s.live) != len(want) {
		t.Fatalf("devices were switched %v, want %v", s.live, want)
	}
	for i := range want {
		if s.live[i] != want[i] {
			t.Fatalf("devices were switched %v, want %v", s.live, want)
		}
	}
}

// TestVoiceMouth follows what is sent.
func TestVoiceMouth(t *testing.T) {
	v, c, _ := newToyVoice(t)
	var f, silence Frame
	toyEncoder{&toyCodec{}}.Encode(constant(1920, 0), &silence)

	for n := range 10 {
		v.Mouth(cell.Slot(n), false, &f)
		if mean(&f) != loopLevel {
			t.Fatalf("idle slot %d encoded %v, want the loop at %v", n, mean(&f), loopLevel)
		}
	}
	if c.encResets != 0 {
		t.Errorf("idle reset the encoder %d times", c.encResets)
	}
	v.Mouth(10, true, &f)
	if c.encResets != 1 {
		t.Error("the call began without a reset of the encoder: the loop would be heard")
	}
	if first(&f) > 0.01 || last(&f) != micLevel {
		t.Errorf("the first slot goes from %v to %v, want a rise from silence to %v", first(&f), last(&f), micLevel)
	}
	v.Mouth(11, true, &f)
	if first(&f) != micLevel || mean(&f) != micLevel {
		t.Errorf("the second slot is %v, want the microphone at %v", mean(&f), micLevel)
	}
	v.SetMuted(true)
	v.Mouth(12, true, &f)
	if first(&f) < 0.99*micLevel || last(&f) != 0 {
		t.Errorf("muting goes from %v to %v, want a fall from %v to silence", first(&f), last(&f), micLevel)
	}
	for n := range 5 {
		v.Mouth(cell.Slot(13+n), true, &f)
		if f != silence {
			t.Fatalf("muted slot %d sends %v, want the frame of silence", n, mean(&f))
		}
	}
	v.SetMuted(false)
	v.Mouth(18, true, &f)
	if c.encResets != 2 || first(&f) > 0.01 || last(&f) != micLevel {
		t.Errorf("unmuting goes from %v to %v after %d resets, want a rise after a second reset", first(&f), last(&f), c.encResets)
	}
	v.Mouth(19, false, &f)
	if mean(&f) != loopLevel {
		t.Errorf("after the call %v is encoded, want the loop", mean(&f))
	}
}

// TestVoiceHushed: a microphone that hears nothing costs what a loop of speech costs,
// and the peer is sent silence; the first sound is heard from its beginning.
func TestVoiceHushed(t *testing.T) {
	v, c, s := newToyVoice(t)
	const slot, hold = 1920, calmTime / 1920
	var f, silence Frame
	toyEncoder{&toyCodec{}}.Encode(constant(slot, 0), &silence)
	n := cell.Slot(0)
	mouth := func(heard float32) *Frame {
		s.hears = heard
		v.Mouth(n, true, &f)
		n++
		return &f
	}
	mouth(micLevel)
	for k := range hold - 1 {
		if mouth(faintest); c.encResets != 1 || last(&f) != faintest {
			t.Fatalf("the pause is cut after %d slots: %v, %d resets", k, mean(&f), c.encResets)
		}
	}
	at := v.mouth.at
	for k := range 20 {
		if *mouth(-faintest) != silence {
			t.Fatalf("hushed slot %d sends %v, want the frame of silence", k, mean(&f))
		}
	}
	if want := (at + 20*slot) % len(v.mouth.loop); v.mouth.at != want {
		t.Errorf("the loop is at %d, want %d: it was not encoded", v.mouth.at, want)
	}
	if mouth(micLevel); c.encResets != 2 || first(&f) > 0.01 || last(&f) != micLevel {
		t.Errorf("a sound goes from %v to %v after %d resets, want a rise after a second reset", first(&f), last(&f), c.encResets)
	}
	if c.encodes != int(n) {
		t.Errorf("%d runs of the encoder in %d slots", c.encodes, n)
	}
	// Muted and hushed are the same to the peer, whichever ends first.
	v.SetMuted(true)
	mouth(micLevel) // It fades out.
	for range hold + 1 {
		mouth(0)
	}
	v.SetMuted(false)
	if *mouth(0) != silence || c.encResets != 2 {
		t.Errorf("unmuted in silence: %v, %d resets", mean(&f), c.encResets)
	}
	if mouth(micLevel); last(&f) != micLevel || c.encResets != 3 {
		t.Errorf("the first sound after that: %v, %d resets", last(&f), c.encResets)
	}
}

// TestVoiceEar follows what is heard.
func TestVoiceEar(t *testing.T) {
	v, c, s := newToyVoice(t)
	var f Frame
	silent := func(what string) {
		t.Helper()
		for _, x := range s.played {
			if x != 0 {
				t.Fatalf("%s: heard %v, want silence", what, x)
			}
		}
	}
	v.Mouth(0, false, &f)
	v.Ear(0, false, []*Frame{peerFrame()}, nil, 0)
	silent("idle")
	v.Ear(1, true, nil, nil, 0)
	silent("before the first frame")
	v.Ear(2, true, []*Frame{peerFrame()}, nil, 0)
	if c.decResets != 1 {
		t.Error("the voice began without a reset of the decoder: the loop would be heard")
	}
	if s.played[0] < -0.01 || s.played[len(s.played)-1] != peerLevel {
		t.Errorf("the first frame goes from %v to %v, want a rise from silence", s.played[0], s.played[len(s.played)-1])
	}
	v.Ear(3, true, []*Frame{peerFrame()}, nil, 0)
	if s.played[0] != peerLevel {
		t.Errorf("the second frame begins at %v, want %v", s.played[0], peerLevel)
	}
	v.Ear(4, true, nil, nil, 0)
	if c.conceals != 1 || s.played[7] != 0.125 {
		t.Errorf("a lost frame plays %v after %d guesses, want the decoder's guess", s.played[7], c.conceals)
	}
	v.Ear(5, false, nil, nil, 0)
	if s.played[0] == 0 || s.played[len(s.played)-1] != 0 || s.played[fadeSamples] != 0 {
		t.Errorf("the end goes from %v to %v, want a fall to silence", s.played[0], s.played[len(s.played)-1])
	}
	v.Ear(6, false, nil, nil, 0)
	silent("after the call")
}

// TestVoiceConfig: what is missing is refused with a reason.
func TestVoiceConfig(t *testing.T) {
	good := VoiceConfig{
		Interval: cell.Interval20, Encoder: toyEncoder{&toyCodec{}}, Decoders: []Decoder{toyDecoder{&toyCodec{}}},
		Sound: &toySound{}, Loop: constant(960, 0),
	}
	if _, err := NewVoice(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*VoiceConfig){
		"no encoder":  func(c *VoiceConfig) { c.Encoder = nil },
		"no decoder":  func(c *VoiceConfig) { c.Decoders = nil },
		"nil decoder": func(c *VoiceConfig) { c.Decoders = []Decoder{toyDecoder{&toyCodec{}}, nil} },
		"nine":        func(c *VoiceConfig) { c.Decoders = slices.Repeat(c.Decoders, MaxSpeakers+1) },
		"no sound":    func(c *VoiceConfig) { c.Sound = nil },
		"short loop":  func(c *VoiceConfig) { c.Loop = c.Loop[1:] },
		"no interval": func(c *VoiceConfig) { c.Interval = 0 },
	} {
		c := good
		spoil(&c)
		if _, err := NewVoice(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestVoiceAllocs: a slot allocates nothing, in a call or not.
func TestVoiceAllocs(t *testing.T) {
	v, _, s := newToyVoice(t)
	s.played = make([]float32, 0, 1920)
	peer := []*Frame{peerFrame()}
	var f Frame
	for _, live := range []bool{false, true} {
		v.Mouth(0, live, &f)
		v.Ear(0, live, peer, nil, 0)
		if n := testing.AllocsPerRun(100, func() {
			v.Mouth(1, live, &f)
			v.Ear(1, live, peer, nil, 0)
			v.Ear(2, live, nil, nil, 0)
		}); n != 0 {
			t.Errorf("live %v: %v allocations in a slot", live, n)
		}
	}
}
