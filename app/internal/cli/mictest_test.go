package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"undertone/app/internal/audio/sound"
	"undertone/app/internal/profile"
)

// A fakeCard hears the same in every slot, and remembers what was played.
type fakeCard struct {
	loud   float32
	slots  int
	opens  int // in which slot the devices are open
	err    error
	played []float32
}

func (f *fakeCard) test() voiceTest {
	level := func() sound.Level { return sound.Level{Peak: f.loud, RMS: f.loud / 2} }
	return voiceTest{
		read: func(pcm []float32) {
			f.slots++
			for i := range pcm {
				pcm[i] = f.loud
			}
		},
		write:    func(pcm []float32) { f.played = append(f.played, pcm...) },
		micLevel: level, speakerLevel: level,
		ready:   func() bool { return f.slots >= f.opens },
		trouble: func() error { return f.err },
	}
}

// What is said is played back, once, and how loud it was is said in words.
func TestVoiceIsPlayedBack(t *testing.T) {
	for loud, words := range map[float32]string{
		0:     "gave nothing at all",
		0.001: "very quiet",
		0.25:  "fine",
		1:     "too loud",
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newConsole(t)
			f := &fakeCard{loud: loud, opens: 5}
			began := time.Now()
			if err := p.app.tryVoice(t.Context(), f.test()); err != nil {
				t.Fatal(err)
			}
			says(t, p.out.String(), "Say something", "what was heard", words)
			back := len(f.played)
			if loud > 0 {
				back = slices.Index(f.played, loud)
			}
			if length := time.Duration(len(f.played)-back) * time.Second / 48000; loud > 0 && length != testLength {
				t.Errorf("%v were played back", length)
			}
			if took := time.Since(began); took > 2*testLength+testOpens/10 {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestDevicesThatDoNotOpen(t *testing.T) {
	for _, err := range []error{nil, errors.New("the device is in use")} {
		synctest.Test(t, func(t *testing.T) {
			p := newConsole(t)
			got := p.app.tryVoice(t.Context(), (&fakeCard{opens: 1e9, err: err}).test())
			if got == nil || err != nil && !errors.Is(got, err) {
				t.Errorf("error %v, want %v", got, err)
			}
		})
	}
}

// The devices of calls are tried, unless others are named.
func TestWhichDevicesAreTried(t *testing.T) {
	dir := makeProfile(t, "Anna", func(c *profile.Content) {
		c.Settings.Microphone, c.Settings.Speaker, c.Settings.Latency = "horn", "drum", time.Millisecond
	})
	p := newConsole(t)
	harp := "harp"
	for _, c := range []struct {
		dir          string
		chosen       choice
		mic, speaker string
		latency      time.Duration
	}{
		{dir, choice{}, "horn", "drum", time.Millisecond},
		{dir, choice{mic: &harp}, "harp", "drum", time.Millisecond},
		{dir, choice{speaker: &harp}, "horn", "harp", time.Millisecond},
		{t.TempDir(), choice{}, "", "", 0},
		{t.TempDir(), choice{mic: &harp}, "harp", "", 0},
	} {
		p.app.dir = c.dir
		want := sound.Choice{Mic: true, Speaker: true, MicName: c.mic, SpeakerName: c.speaker, Latency: c.latency}
		if got, err := p.app.toTest(t.Context(), c.chosen); err != nil || got != want {
			t.Errorf("%+v: %+v, %v", c, got, err)
		}
	}
}

func TestBar(t *testing.T) {
	for l, want := range map[sound.Level]string{
		{}:                        "[" + strings.Repeat(" ", 30) + "] -120 dB",
		{Peak: 1, RMS: 1}:         "[" + strings.Repeat("#", 30) + "]    0 dB",
		{Peak: 0.1, RMS: 0.03162}: "[" + strings.Repeat("#", 15) + strings.Repeat(" ", 15) + "]  -20 dB",
	} {
		if got := bar(l); got != want {
			t.Errorf("%+v is %q, want %q", l, got, want)
		}
	}
}
