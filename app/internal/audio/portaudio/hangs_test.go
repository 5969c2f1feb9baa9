package portaudio

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"undertone/app/internal/audio/pulsetest"
	"undertone/app/internal/audio/sound"
)

// TestSoundServerHangs stops PulseAudio in a call, as if it hung: a person is told
// why there is no sound, also one who asks for the devices, and the sound is back
// when it goes on.
func TestSoundServerHangs(t *testing.T) {
	s := pulsetest.Start(t)
	k := s.Sink(t, "loop")
	card := open(t, sound.Choice{Mic: true, Speaker: true}, s.Env(), k.MicEnv(), k.SpeakerEnv())
	l := newLoop(t, card)
	l.heard()
	s.Freeze(t)
	hangs := func(err error) bool { return err != nil && strings.Contains(err.Error(), errHangs.Error()) }
	l.until("what is wrong", func(bool) bool { return hangs(card.Trouble()) })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := sound.Devices(ctx, sound.Config{Env: s.Env()}); !hangs(err) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who asks for the devices is told: %v", err)
	}
	s.Thaw(t)
	began := time.Now()
	l.heard()
	t.Logf("back %v after it went on", time.Since(began))
	l.until("no trouble", func(bool) bool { return card.Trouble() == nil })
	if l.slow > 3 {
		t.Errorf("%d slots took longer than %v", l.slow, slot)
	}
}
