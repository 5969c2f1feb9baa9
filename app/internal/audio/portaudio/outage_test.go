package portaudio

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/pulsetest"
	"undertone/app/internal/audio/sound"
)

// A loop is a card whose microphone hears its loudspeaker, in a call.
type loop struct {
	t       *testing.T
	card    *sound.Card
	mic     *sound.Mic
	speaker *sound.Speaker
	slow    int // slots that waited for longer than a slot
}

func newLoop(t *testing.T, card *sound.Card) *loop {
	l := &loop{t: t, card: card, mic: card.Mic(), speaker: card.Speaker()}
	l.mic.Live(true)
	l.speaker.Live(true)
	return l
}

// until speaks until ok, which is told how loud the microphone is.
func (l *loop) until(what string, ok func(loud bool) bool) {
	l.t.Helper()
	in, out := make([]float32, audio.Samples(slot)), audio.Tone(toneHz, toneAmplitude, slot)
	defer func() {
		if l.t.Failed() {
			l.t.Logf("waited for %s; trouble: %v", what, l.card.Trouble())
		}
	}()
	eachSlot(l.t, 30*time.Second, func(int) bool {
		if pulsetest.Waited(func() {
			l.mic.Read(in)
			l.speaker.Write(out)
		}) > slot {
			l.slow++
		}
		return !ok(slices.Max(in) > toneAmplitude/4)
	})
}

func (l *loop) heard() {
	l.t.Helper()
	l.until("sound", func(loud bool) bool { return loud })
}

// TestSoundServerRestarts kills PulseAudio in a call and starts it again.
func TestSoundServerRestarts(t *testing.T) {
	s := pulsetest.Start(t)
	k := s.Sink(t, "loop")
	card := open(t, sound.Choice{Mic: true, Speaker: true}, s.Env(), k.MicEnv(), k.SpeakerEnv())
	l := newLoop(t, card)
	l.heard()
	began := time.Now()
	s.Kill(t)
	l.until("trouble", func(bool) bool { return card.Trouble() != nil })
	noticed := time.Since(began)
	l.until("silence", func(loud bool) bool { return !loud })
	s.Restart(t)
	s.Sink(t, "loop")
	began = time.Now()
	l.heard()
	t.Logf("noticed after %v, back %v after the restart; %d slots were slow", noticed, time.Since(began), l.slow)
	l.until("no trouble", func(bool) bool { return card.Trouble() == nil })
	if l.slow > 3 { // The garbage collector stops all now and then; who waits for sound does in every slot.
		t.Errorf("%d slots waited for longer than %v", l.slow, slot)
	}
}

// TestUnplugged takes away the loudspeaker and the microphone that were chosen,
// in a call, and brings them back.
func TestUnplugged(t *testing.T) {
	s := pulsetest.Start(t)
	s.Sink(t, "desk").Microphone(t, "desktalk")
	s.Pactl(t, "set-default-sink", "desk")
	s.Pactl(t, "set-default-source", "desktalk")
	k := s.Sink(t, "headset")
	k.Microphone(t, "headtalk")
	card := open(t, sound.Choice{Mic: true, Speaker: true, MicName: "headtalk", SpeakerName: "headset"}, s.Env())
	uses := func(want ...string) func(bool) bool {
		return func(loud bool) bool { return loud && slices.Equal(s.Uses(t, card.Stats().Process), want) }
	}
	l := newLoop(t, card)
	l.until("the headset", uses("headset", "headtalk"))
	k.Unplug(t) // And the microphone with it.
	l.until("the default", uses("desk", "desktalk"))
	var detour sound.Detour
	l.until("a word about it", func(bool) bool { return errors.As(card.Trouble(), &detour) })
	for _, name := range []string{"headset", "headtalk"} {
		if !strings.Contains(detour.Error(), fmt.Sprintf("%q", name)) {
			t.Errorf("it says %q, and nothing of %s", detour, name)
		}
	}
	s.Sink(t, "headset").Microphone(t, "headtalk")
	l.until("the headset again", uses("headset", "headtalk"))
	l.until("no trouble", func(bool) bool { return card.Trouble() == nil })
	t.Logf("%+v", card.Stats())
}

// TestDefaultIsFollowed changes the server's default in a call in which nobody
// chose, also to one of which to beware.
func TestDefaultIsFollowed(t *testing.T) {
	s := pulsetest.Start(t)
	set := func(name string) {
		s.Pactl(t, "set-default-sink", name)
		s.Pactl(t, "set-default-source", name+"talk")
	}
	s.Sink(t, "desk").Microphone(t, "desktalk")
	const radio = "device.bus=bluetooth"
	s.Sink(t, "headset", radio).Microphone(t, "headsettalk", radio)
	set("desk")
	card := open(t, sound.Choice{Mic: true, Speaker: true}, s.Env())
	l := newLoop(t, card)
	for _, name := range []string{"desk", "headset", "desk"} {
		set(name)
		l.until(name, func(loud bool) bool {
			return loud && slices.Equal(s.Uses(t, card.Stats().Process), []string{name, name + "talk"})
		})
		l.until("a word about it", func(bool) bool {
			var mic, speaker sound.Caution
			errors.As(l.mic.Caution(), &mic)
			errors.As(l.speaker.Caution(), &speaker)
			beware := name == "headset"
			return strings.Contains(string(mic), "Bluetooth") == beware && strings.Contains(string(speaker), "Bluetooth") == beware
		})
	}
	if err := card.Trouble(); err != nil || card.Stats().Helpers != 1 {
		t.Errorf("trouble %v; %+v", err, card.Stats())
	}
}
