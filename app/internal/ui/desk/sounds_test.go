package desk

import (
	"errors"
	"slices"
	"testing"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

// Another microphone is opened at once and the one before closed; another bell too.
func TestDevicesFollowTheSettings(t *testing.T) {
	r := newRig(t, makeProfile(t))
	r.home()
	r.Choose(func(s *profile.Settings) { s.Microphone, s.RingDevice, s.RingSofter = "headset", "hall", 20 })
	noted := func(all ...string) func() bool {
		return func() bool {
			r.room.mu.Lock()
			defer r.room.mu.Unlock()
			return !slices.ContainsFunc(all, func(s string) bool { return !slices.Contains(r.room.notes, s) })
		}
	}
	r.until("the devices follow", noted("opened headset", "closed ", "closed bell ", "softer hall"))
	r.Close()
	if !noted("closed headset", "closed bell hall")() {
		t.Errorf("left open: %v", r.room.notes)
	}
}

// That there is no microphone is said before the first call.
func TestNoMicrophone(t *testing.T) {
	r := newRig(t, makeProfile(t))
	r.home()
	says := func() bool {
		return slices.ContainsFunc(r.View(time.Now()).Beware, func(m words.Message) bool { return m.Key() == "sound.none" })
	}
	r.Choose(func(s *profile.Settings) { s.Microphone = "gone" })
	r.until("it says so", says)
	r.Choose(func(s *profile.Settings) { s.Microphone = "back" })
	r.until("it is fine again", func() bool { return !says() })
}

// Of what shows a call to others it is warned before the first one, at every device.
func TestCautions(t *testing.T) {
	r := newRig(t, makeProfile(t))
	r.home()
	says := func(why string) bool {
		return slices.Contains(r.View(time.Now()).Beware, words.M("sound.caution", "why", why))
	}
	r.Choose(func(s *profile.Settings) { s.Microphone, s.RingDevice = "radio", "radio" })
	r.until("it says so", func() bool { return says("it is on Bluetooth") && says("the bell is on Bluetooth") })
	r.Choose(func(s *profile.Settings) { s.Microphone, s.RingDevice = "", "" })
	r.until("it is fine again", func() bool { return !says("it is on Bluetooth") && !says("the bell is on Bluetooth") })
}

func TestDevices(t *testing.T) {
	r := newRig(t, makeProfile(t))
	got := make(chan []sound.Device, 1)
	r.Devices(func(all []sound.Device, err error) {
		if err != nil {
			t.Error(err)
		}
		got <- all
	})
	if all := <-got; len(all) != 1 || all[0].Name != "mic" {
		t.Errorf("%v", all)
	}
}

var errBroken = errors.New("broken")

func TestSoundThatCannotBeOpened(t *testing.T) {
	r := newRig(t, makeProfile(t))
	r.cfg.OpenSound = func(profile.Settings) (audio.Device, error) { return nil, errBroken }
	r.Open()
	r.page(model.Stuck)
	if v := r.View(time.Now()); v.Problem.Key() != "error.other" {
		t.Errorf("says %v", v.Problem)
	}
}
