package portaudio

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/pulsetest"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/audio/wav"
)

func TestDevices(t *testing.T) {
	s := pulsetest.Start(t)
	s.Sink(t, "first")
	s.Sink(t, "second").Microphone(t, "talk")
	s.Pactl(t, "load-module", "module-null-sink", "sink_name=third", "rate=48000", "channels=1", "sink_properties=device.bus=bluetooth")
	s.Pactl(t, "set-default-sink", "second")
	s.Pactl(t, "set-default-source", "talk")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	list, err := sound.Devices(ctx, sound.Config{Env: s.Env()})
	if err != nil || len(list) != 4 {
		t.Fatalf("devices %+v, %v; want three sinks and a source", list, err)
	}
	for i, want := range []sound.Device{
		{Name: "first", Description: "Null Output", Outputs: 1},
		{Name: "second", Description: "Null Output", Outputs: 1, DefaultOutput: true},
		{Name: "third", Description: "Null Output", Outputs: 1, Leaves: sound.LeavesByRadio},
		{Name: "talk", Description: "Remapped Monitor of Null Output", Inputs: 1, DefaultInput: true},
	} {
		got := list[i]
		if max(got.InputLatency, got.OutputLatency) <= 0 {
			t.Errorf("no latency: %+v", got)
		}
		want.System, want.Rate = "PulseAudio", 48000
		got.InputLatency, got.OutputLatency = 0, 0
		if got != want {
			t.Errorf("device %+v, want %+v", got, want)
		}
	}
}

// TestDevicesWithoutServer lists ALSA's devices where no sound server answers.
func TestDevicesWithoutServer(t *testing.T) {
	s := pulsetest.Start(t)
	s.Sink(t, "any")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	// ALSA's configuration leads to the server, and nothing else does.
	s.ServeALSAOnly(t)
	list, err := sound.Devices(ctx, sound.Config{Env: append(s.Env(), "PULSE_SERVER=unix:"+filepath.Join(t.TempDir(), "none"))})
	if err != nil || len(list) != 1 {
		t.Fatalf("devices %+v, %v", list, err)
	}
	d := list[0]
	if d.Name != "default" || d.System != "ALSA" || !d.DefaultInput || !d.DefaultOutput || d.Inputs < 1 ||
		d.Outputs < 1 || d.Rate < wav.MinRate || d.InputLatency <= 0 || d.OutputLatency <= 0 {
		t.Errorf("device %+v", d)
	}
}

// TestNoDevice runs a helper where ALSA knows PulseAudio alone and that is away.
func TestNoDevice(t *testing.T) {
	s := pulsetest.Start(t)
	s.Kill(t)
	env := s.Env()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := sound.Devices(ctx, sound.Config{Env: env}); err == nil || err.Error() != ErrNoDevice.Error() {
		t.Errorf("error %v, want that nothing was found", err)
	}
	card := open(t, sound.Choice{Mic: true}, env)
	mic := card.Mic()
	mic.Live(true)
	pcm := make([]float32, audio.Samples(slot))
	eachSlot(t, 20*time.Second, func(int) bool {
		mic.Read(pcm)
		return card.Trouble() == nil
	})
	if err := card.Trouble(); !strings.Contains(err.Error(), "no microphone") {
		t.Errorf("trouble %v, want one about the microphone", err)
	}
}

// TestChosenDevices chooses each of two loudspeakers and two microphones, and
// sees at the server that they are used.
func TestChosenDevices(t *testing.T) {
	s := pulsetest.Start(t)
	s.Sink(t, "left").Microphone(t, "lefttalk")
	s.Sink(t, "right").Microphone(t, "righttalk")
	for _, side := range []string{"left", "right"} {
		card := open(t, sound.Choice{Mic: true, Speaker: true, MicName: side + "talk", SpeakerName: side}, s.Env())
		mic, speaker := card.Mic(), card.Speaker()
		mic.Live(true)
		speaker.Live(true)
		pcm := make([]float32, audio.Samples(slot))
		eachSlot(t, 30*time.Second, func(int) bool {
			mic.Read(pcm)
			speaker.Write(pcm)
			return !card.Playing()
		})
		if err := card.Trouble(); err != nil {
			t.Errorf("trouble: %v", err)
		}
		pid := card.Stats().Process
		if got := s.Uses(t, pid); !slices.Equal(got, []string{side, side + "talk"}) {
			t.Errorf("%s: used are %q", side, got)
		}
		if err := card.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestUnknownDevice is the default instead, and a person is told.
func TestUnknownDevice(t *testing.T) {
	s := pulsetest.Start(t)
	s.Sink(t, "any")
	card := open(t, sound.Choice{Speaker: true, SpeakerName: "Gramophone"}, s.Env())
	speaker := card.Speaker()
	speaker.Live(true)
	eachSlot(t, 20*time.Second, func(int) bool { return !card.Playing() })
	var detour sound.Detour
	if err := card.Trouble(); !errors.As(err, &detour) || !strings.Contains(err.Error(), `there is no loudspeaker "Gramophone" now`) {
		t.Errorf("trouble %v", err)
	}
	if got := s.Uses(t, card.Stats().Process); !slices.Equal(got, []string{"any"}) {
		t.Errorf("used are %q", got)
	}
}
