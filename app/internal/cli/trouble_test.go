package cli

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
)

// What is wrong with the sound is said once, and that it is over.
func TestTrouble(t *testing.T) {
	dir := dirWithBert(t)
	synctest.Test(t, func(t *testing.T) {
		f := newFakePhone(func(ctx context.Context, f *fakePhone) error {
			set := func(err error) {
				f.mu.Lock()
				f.state.Trouble = err
				f.mu.Unlock()
			}
			set(errors.New("no microphone"))
			time.Sleep(10 * time.Second)
			set(nil)
			return until(ctx)
		})
		p := newConsole(t)
		p.online(f, with(silent, "idle", "--for", "20s", "--profile", dir)...)
		if want := "The sound does not work: no microphone. A call goes on in silence meanwhile.\nThe sound works again.\n"; !strings.HasSuffix(p.err.String(), want) {
			t.Errorf("it says: %s", &p.err)
		}
	})
}

// What is missing for the sound is said at the start, as a sentence.
func TestMissingSound(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{errors.New("no device: is it plugged in?"), "There will be no sound in a call: no device: is it plugged in? «undertone devices»"},
		{errors.Join(errors.New("no microphone"), errors.New("no speaker")), "in a call: no microphone, and no speaker. «"},
		{sound.Caution("it is on Bluetooth"), "Beware: it is on Bluetooth.\n"},
		{errors.Join(sound.Caution("it is on Bluetooth"), errors.New("no speaker")), "Beware: it is on Bluetooth.\nThere will be no sound in a call: no speaker. «"},
	} {
		var out bytes.Buffer
		r := newReporter(Streams{Out: &out, Err: &out}, false, profile.AnswerAsk)
		if r.missing(c.err); !strings.Contains(out.String(), c.want) || c.err == nil && out.Len() > 0 {
			t.Errorf("it says %q", &out)
		}
	}
}

// A lackingMouth has no microphone behind it, for some looks.
type lackingMouth struct {
	audio.Silence
	looks int
}

func (m *lackingMouth) Missing(context.Context) error {
	if m.looks--; m.looks < 0 {
		return nil
	}
	return sound.Lack("no device was found")
}

// Who starts before the sound server does is not told that there is none.
func TestLackIsLookedAtTwice(t *testing.T) {
	for looks, want := range map[int]struct {
		said string
		took time.Duration
	}{0: {"", 0}, 1: {"", lookAgain}, 2: {"no device was found", lookAgain}} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			device := audio.NewDuplex(&lackingMouth{looks: looks}, audio.Silence{})
			got := text(<-lookFor(t.Context(), device, nil))
			if took := time.Since(start); got != want.said || took != want.took {
				t.Errorf("after %d looks without it says %q, after %v", looks, got, took)
			}
		})
	}
}

// What the bell lacks as well is said once, and what it alone lacks too.
func TestLackIsSaidOnce(t *testing.T) {
	for of, want := range map[error]string{
		sound.Lack("no device was found"):   "no device was found",
		sound.Lack("no device"):             "no device was found\nno device",
		sound.Caution("it is on Bluetooth"): "no device was found\nit is on Bluetooth",
	} {
		device := audio.NewDuplex(&lackingMouth{looks: 1}, audio.Silence{})
		if got := text(look(t.Context(), device, &bell{ringer: &fakeRinger{missing: of}})); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}

// When the system's choice becomes a device that others notice, whoever is online
// is told, once, and again when it comes back.
func TestCautionInACall(t *testing.T) {
	dir := dirWithBert(t)
	radio, far := sound.Caution("A headset is on Bluetooth"), sound.Caution("HDMI is reached by a network")
	for _, command := range []string{"idle", "echo", "call Bert"} {
		for _, asJSON := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				f := newFakePhone(func(ctx context.Context, f *fakePhone) error {
					f.say(phone.Event{Kind: phone.Online})
					for _, now := range []error{nil, radio, errors.Join(radio, far), far, nil, radio} {
						f.mu.Lock()
						f.state.Caution = now
						f.mu.Unlock()
						time.Sleep(5 * time.Second)
					}
					f.say(phone.Event{Kind: phone.Ended, Name: "Bert", Outgoing: true})
					return until(ctx)
				})
				p := newConsole(t)
				args := append(strings.Fields(command), "--profile", dir, "--for", "60s")
				before := `"event":"warning"`
				if asJSON {
					args = append(args, "--json")
				} else {
					before = "Beware: "
				}
				p.online(f, with(silent, args...)...)
				said := p.err.String()
				if asJSON {
					said = p.out.String()
				}
				var got []string
				for line := range strings.Lines(said) {
					for _, c := range []sound.Caution{radio, far} {
						if strings.Contains(line, before) && strings.Contains(line, c.Error()) {
							got = append(got, c.Error())
						}
					}
				}
				if want := []string{radio.Error(), far.Error(), radio.Error()}; !slices.Equal(got, want) {
					t.Errorf("%s: of %q it says %q", command, said, got)
				}
			})
		}
	}
}

// What was said at the start is not said again, until it was otherwise.
func TestCautionIsKnown(t *testing.T) {
	var out bytes.Buffer
	r := newReporter(Streams{Out: &out, Err: &out}, false, profile.AnswerAsk)
	radio := sound.Caution("A headset is on Bluetooth")
	for i, step := range []struct {
		do   func()
		want int // how often it is said by then
	}{
		{func() { r.missing(radio) }, 1},
		{func() { r.beware([]error{radio, radio}) }, 1},
		{func() { r.missing(radio) }, 1},
		{func() { r.beware(nil) }, 1},
		{func() { r.beware([]error{radio, radio}) }, 2},
	} {
		step.do()
		if got := strings.Count(out.String(), "Beware"); got != step.want {
			t.Errorf("after step %d it was said %d times, want %d", i, got, step.want)
		}
	}
}
