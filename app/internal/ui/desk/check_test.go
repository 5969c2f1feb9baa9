package desk

import (
	"math"
	"slices"
	"testing"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/profile"
	"undertone/transport/cell"
)

// tone is a sound of a length.
func tone(d time.Duration) []float32 {
	pcm := make([]float32, audio.Samples(d))
	for i := range pcm {
		pcm[i] = 0.3 * float32(math.Sin(2*math.Pi*440*float64(i)/cell.SampleRate))
	}
	return pcm
}

// What one hears in the check is what others hear: it has been through the codec, and
// one hears it once.
func TestEcho(t *testing.T) {
	for _, pace := range []cell.Interval{cell.Interval20, cell.Interval40, cell.Interval100} {
		c := &check{pace: pace, now: Hearing{Says: true}}
		said := tone(saysFor)
		n := audio.Samples(checkSlot)
		silence, played := make([]float32, n), make([]float32, n)
		for len(said) > 0 {
			c.slot(said[:n], played)
			said = said[n:]
			if slices.Max(played) != 0 && len(said) > 0 {
				t.Fatalf("%v: it is played while one speaks", pace)
			}
		}
		if h := c.hearing(); !h.Hears || h.Says {
			t.Errorf("%v: afterwards %+v", pace, h)
		}
		var heard []float32
		for c.hearing().Hears {
			c.slot(silence, played)
			heard = append(heard, played...)
		}
		said = tone(saysFor)
		if len(heard) != len(said) || math.Abs(float64(rms(heard[n:])-rms(said[n:]))) > 0.05 {
			t.Errorf("%v: heard %d samples, %.2f loud, of %d, %.2f loud", pace, len(heard), rms(heard), len(said), rms(said))
		}
		if slices.Equal(heard, said) {
			t.Errorf("%v: it did not go through the codec", pace)
		}
	}
}

// The check opens the devices that are chosen and closes them again, and says why they
// cannot be opened.
func TestCheck(t *testing.T) {
	r := newRig(t, t.TempDir())
	if h := r.Hearing(); h.On || !h.Trouble.IsZero() {
		t.Errorf("before it: %+v", h)
	}
	r.StartCheck("headset", "")
	r.until("the microphone is open", func() bool { return r.Hearing().On })
	r.HearMyself(cell.Interval40)
	r.until("it is recorded", func() bool { return r.Hearing().Says })
	r.StopCheck()
	closed := func() bool {
		r.room.mu.Lock()
		defer r.room.mu.Unlock()
		return slices.Contains(r.room.notes, "opened headset") && slices.Contains(r.room.notes, "closed headset")
	}
	r.until("it is closed", closed)
	opens := r.cfg.OpenSound
	r.cfg.OpenSound = func(profile.Settings) (audio.Device, error) { return nil, errBroken }
	r.StartCheck("", "")
	r.until("it says why not", func() bool { return r.Hearing().Trouble.Key() == "check.trouble" })
	r.cfg.OpenSound = opens
	r.StartCheck("", "")
	r.until("it is open", func() bool { h := r.Hearing(); return h.On && h.Trouble.IsZero() })
}
