package portaudio

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"undertone/app/internal/audio/pulsetest"
	"undertone/app/internal/audio/sound"
)

// TestPipeWire does in one call what the other tests do with PulseAudio: it lists
// the devices, follows the default, says of what to beware, and outlives the
// server.
func TestPipeWire(t *testing.T) {
	s := pulsetest.StartPipeWire(t)
	const radio = "device.bus=bluetooth"
	plug := func() {
		s.Sink(t, "desk").Microphone(t, "desktalk")
		s.Sink(t, "headset", radio).Microphone(t, "headsettalk", radio)
	}
	set := func(name string) {
		s.Pactl(t, "set-default-sink", name)
		s.Pactl(t, "set-default-source", name+"talk")
	}
	plug()
	set("desk")
	card := open(t, sound.Choice{Mic: true, Speaker: true, MicName: "headset"}, s.Env())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	devices, err := card.Devices(ctx)
	var all []string
	for i := range devices {
		all = append(all, devices[i].System+" "+devices[i].Name)
	}
	if want := []string{"PipeWire desk", "PipeWire headset", "PipeWire desktalk", "PipeWire headsettalk"}; err != nil || !slices.Equal(all, want) {
		t.Fatalf("devices %q, %v", all, err)
	}

	l := newLoop(t, card)
	uses := func(want ...string) {
		l.until(want[0], func(bool) bool { return slices.Equal(s.Uses(t, card.Stats().Process), want) })
	}
	uses("desk", "headsettalk")
	set("headset")
	uses("headset", "headsettalk")
	l.heard()
	l.until("a word about it", func(bool) bool {
		err := l.speaker.Caution()
		return err != nil && strings.Contains(err.Error(), "Bluetooth")
	})

	s.Kill(t)
	l.until("trouble", func(bool) bool { return card.Trouble() != nil })
	s.Restart(t)
	plug()
	set("headset")
	l.heard()
	l.until("no trouble", func(bool) bool { return card.Trouble() == nil })
	uses("headset", "headsettalk")
	if l.slow > 3 {
		t.Errorf("%d slots took longer than %v", l.slow, slot)
	}
}
