package cli

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/profile"
)

func TestSoundFlags(t *testing.T) {
	for _, c := range []struct {
		in, out string
		ok      bool
	}{
		{"mic", "speaker", true},
		{"none", "none", true},
		{"a.wav", "b.WAV", true},
		{"./mic", "none", false},
		{"speaker", "none", false},
		{"none", "mic", false},
		{"", "none", false},
		{"none", "", false},
		{"a.mp3", "none", false},
		{"none", "heard", false},
	} {
		if err := (&sounds{in: c.in, out: c.out}).check(); (err == nil) != c.ok {
			t.Errorf("--in %q --out %q: %v", c.in, c.out, err)
		}
	}
	for latency, ok := range map[time.Duration]bool{
		0: true, 100 * time.Millisecond: true, sound.MaxLatency: true,
		-time.Millisecond: false, sound.MaxLatency + 1: false,
	} {
		if err := (&sounds{in: "mic", out: "speaker", latency: latency}).check(); (err == nil) != ok {
			t.Errorf("--latency %v: %v", latency, err)
		}
	}
}

// With a microphone all is done that makes it better, with a file nothing, and
// either can be had otherwise.
func TestEnhanceFlags(t *testing.T) {
	var usual profile.Settings
	for _, c := range []struct {
		s        sounds
		settings profile.Settings
		want     string
	}{
		{sounds{in: "mic", out: "speaker"}, usual, "echo+noise+gain"},
		{sounds{in: "mic", out: "heard.wav"}, usual, "noise+gain"},
		{sounds{in: "said.wav", out: "speaker"}, usual, "none"},
		{sounds{in: "none", out: "none"}, usual, "none"},
		{sounds{in: "mic", out: "speaker", echo: "off"}, usual, "noise+gain"},
		{sounds{in: "mic", out: "speaker", noise: "off"}, usual, "echo+gain"},
		{sounds{in: "mic", out: "speaker", gain: "off"}, usual, "echo+noise"},
		{sounds{in: "mic", out: "none", echo: "on", noise: "off", gain: "off"}, usual, "echo"},
		{sounds{in: "said.wav", out: "none", echo: "on", gain: "on"}, usual, "echo+gain"},
		{sounds{in: "mic", out: "speaker"}, profile.Settings{NoEcho: true}, "noise+gain"},
		{sounds{in: "mic", out: "speaker"}, profile.Settings{NoNoise: true, NoGain: true}, "echo"},
		{sounds{in: "mic", out: "speaker", gain: "on", echo: "off"}, profile.Settings{NoNoise: true, NoGain: true}, "gain"},
	} {
		if err := c.s.check(); err != nil {
			t.Error(err)
		}
		if got := c.s.enhance(c.settings).String(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.s, got, c.want)
		}
	}
	p := newConsole(t)
	for _, flag := range []string{"--echo-cancellation", "--noise-suppression", "--gain-control"} {
		p.run(exitUsage, "call", "bert", flag, "yes")
		says(t, p.err.String(), flag, "use on or off")
	}
	p.run(exitDone, "idle", "--help")
	says(t, p.out.String(), "--echo-cancellation on|off", "--noise-suppression on|off", "--gain-control on|off")
}

// What is wrong with a file is said before anything goes online or is written.
func TestBadSounds(t *testing.T) {
	dir := dirWithBert(t)
	folder := t.TempDir()
	text, good := filepath.Join(folder, "text.wav"), filepath.Join(folder, "good.wav")
	if err := os.WriteFile(text, []byte("this is no sound at all, but a line of text"), 0o600); err != nil {
		t.Fatal(err)
	}
	writeWAV(t, good, time.Second)
	before, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ in, out, words string }{
		{filepath.Join(folder, "none.wav"), "none", "none.wav"},
		{text, "none", "text.wav"},
		{"none", filepath.Join(folder, "no", "folder.wav"), "folder.wav"},
		{good, good, "overwritten"},
		{good, filepath.Join(folder, ".", "good.wav"), "overwritten"},
	} {
		p := newConsole(t)
		p.run(exitFailed, "call", "bert", "--profile", dir, "--in", c.in, "--out", c.out)
		says(t, p.err.String(), c.words)
	}
	after, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("the file to play was changed")
	}
}

// newTestEcho returns an echo and what its sink heard.
func newTestEcho(source audio.Source) (*echo, *audio.Tape) {
	tape := audio.NewTape(time.Minute)
	return newEcho(audio.NewDuplex(source, tape), echoDelay), tape
}

// What is heard comes back a delay later, sample by sample, whichever of ear and
// mouth comes first in a slot.
func TestEcho(t *testing.T) {
	const n = 1920
	for _, earFirst := range []bool{true, false} {
		e, tape := newTestEcho(audio.Silence{})
		for round := range 2 { // The second call hears nothing of the first.
			e.Live(true)
			heard, said := make([]float32, 100*n), make([]float32, 100*n)
			for i := range heard {
				heard[i] = float32(i+1+round) / 1e6
			}
			for at := 0; at < len(heard); at += n {
				if earFirst {
					e.Write(heard[at : at+n])
				}
				e.Read(said[at : at+n])
				if !earFirst {
					e.Write(heard[at : at+n])
				}
			}
			e.Live(false)
			delay := audio.Samples(echoDelay)
			for i, v := range said {
				want := float32(0)
				if i >= delay {
					want = heard[i-delay]
				}
				if v != want {
					t.Fatalf("ear first %t, round %d: sample %d is %g, want %g", earFirst, round, i, v, want)
				}
			}
		}
		if got := len(tape.Samples()); got != 200*n {
			t.Errorf("--out heard %d samples", got)
		}
	}
}

// A stall of either half does not shift the echo for the rest of the call.
func TestEchoAfterStall(t *testing.T) {
	const n = 1920
	for _, stalled := range []string{"mouth", "ear"} {
		e, _ := newTestEcho(audio.Silence{})
		e.Live(true)
		pcm := make([]float32, n)
		count := 0
		for slot := range 200 {
			for i := range pcm {
				pcm[i] = float32(count+i) / 1e6
			}
			stall := slot >= 50 && slot < 90
			if !stall || stalled != "ear" {
				e.Write(pcm)
				count += n
			}
			if !stall || stalled != "mouth" {
				e.Read(pcm)
			}
		}
		// The newest sample heard is count-1; the newest said is a delay older.
		got, want := pcm[n-1], float32(count-1-audio.Samples(echoDelay))/1e6
		if diff := (got - want) * 1e6; diff > float32(e.delay)/2+n || diff < -float32(e.delay)/2-n {
			t.Errorf("after a stall of the %s the echo is %g samples off", stalled, diff)
		}
	}
}

func TestEchoMixes(t *testing.T) {
	e, _ := newTestEcho(audio.NewClip([]float32{0.25, 0.25, 1, 1}))
	e.Live(true)
	pcm := make([]float32, 4)
	e.Read(pcm)
	if pcm[0] < 0.24 || pcm[0] > 0.26 {
		t.Errorf("what --in gives is heard as %v", pcm)
	}
}

func TestEchoAllocatesNothing(t *testing.T) {
	e := newEcho(audio.NewDuplex(audio.Silence{}, audio.Silence{}), echoDelay)
	e.Live(true)
	pcm := make([]float32, 960)
	if n := testing.AllocsPerRun(200, func() {
		e.Write(pcm)
		e.Read(pcm)
	}); n != 0 {
		t.Errorf("a slot allocates %v times", n)
	}
}

// No sound needs no sound card, so nothing can be wrong with it.
func TestNoSound(t *testing.T) {
	d, err := (&sounds{in: noneWord, out: noneWord}).open(profile.Settings{Microphone: "x", Speaker: "y"})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Trouble(), d.Close()); err != nil {
		t.Error(err)
	}
}
