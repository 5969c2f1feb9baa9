package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/enhance"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/profile"
)

// noneWord is no sound at all, for --in and --out.
const noneWord = "none"

// sounds is what --in, --out, --latency and the three that follow say.
type sounds struct {
	in, out string
	latency time.Duration // 0 is the least that is safe on an idle machine
	// What is done to what is heard: onWord, offWord, or "" for what suits --in
	// and --out.
	echo, noise, gain string
}

const (
	onWord  = "on"
	offWord = "off"
)

func (s *sounds) flags(cmd *cobra.Command, in, out string) {
	cmd.Flags().StringVar(&s.in, "in", in, "what the other side hears: mic, `FILE.wav` or none")
	cmd.Flags().StringVar(&s.out, "out", out, "where you hear the other side: speaker, `FILE.wav` (is made or replaced) or none")
	cmd.Flags().DurationVar(&s.latency, "latency", 0,
		fmt.Sprintf("keep so much sound waiting at microphone and speaker, up to %v: helps where a busy machine makes it break off", sound.MaxLatency))
	cmd.Flags().StringVar(&s.echo, "echo-cancellation", "",
		"take what your loudspeaker plays out of what your microphone hears, `on|off`; with a headset it is not needed (default: on with mic and speaker)")
	cmd.Flags().StringVar(&s.noise, "noise-suppression", "", "make steady noise quieter, `on|off` (default: on with mic)")
	cmd.Flags().StringVar(&s.gain, "gain-control", "", "bring your voice to an even loudness, `on|off` (default: on with mic)")
	for _, flag := range []string{"echo-cancellation", "noise-suppression", "gain-control"} {
		complete := cobra.FixedCompletions([]string{onWord, offWord}, cobra.ShellCompDirectiveNoFileComp)
		if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
			panic(err) // The flag stands a few lines above.
		}
	}
	for _, flag := range []string{"in", "out"} {
		if err := cmd.MarkFlagFilename(flag, "wav"); err != nil {
			panic(err) // The flag stands at the top.
		}
	}
}

// check says what is wrong with the flags. A file must be called .wav, so that
// nobody makes one that is called "micro" by mistake.
func (s *sounds) check() error {
	return errors.Join(checkSound("--in", s.in, audio.Mic), checkSound("--out", s.out, audio.Speaker), checkLatency(s.latency),
		checkSwitch("--echo-cancellation", s.echo), checkSwitch("--noise-suppression", s.noise), checkSwitch("--gain-control", s.gain))
}

func checkSwitch(flag, value string) error {
	if value == "" || value == onWord || value == offWord {
		return nil
	}
	return fmt.Errorf("%s %q: use %s or %s", flag, value, onWord, offWord)
}

// enhance returns what is to be done to what is heard. What comes from a file is
// taken as it is, unless the user wants something else.
func (s *sounds) enhance() enhance.Settings {
	choose := func(value string, unsaid bool) bool { return value == onWord || value == "" && unsaid }
	mic := s.in == audio.Mic
	return enhance.Settings{
		Echo:  choose(s.echo, mic && s.out == audio.Speaker),
		Noise: choose(s.noise, mic),
		Gain:  choose(s.gain, mic),
	}
}

func checkLatency(d time.Duration) error {
	if d < 0 || d > sound.MaxLatency {
		return fmt.Errorf("--latency %v: use at most %v", d, sound.MaxLatency)
	}
	return nil
}

func checkSound(flag, value, device string) error {
	if value == device || value == noneWord || isFile(value) {
		return nil
	}
	return fmt.Errorf("%s %q: use %s, %s, or a file whose name ends in .wav", flag, value, device, noneWord)
}

func isFile(value string) bool { return strings.EqualFold(filepath.Ext(value), ".wav") }

// open opens what the flags say, with the devices of the settings.
func (s *sounds) open(c profile.Settings) (*audio.Duplex, error) {
	null := func(value string) string {
		if value == noneWord {
			return audio.Null
		}
		return value
	}
	return audio.Open(audio.Options{
		In: null(s.in), Out: null(s.out),
		Enhance: s.enhance(),
		Sound:   sound.Config{Choice: sound.Choice{MicName: c.Microphone, SpeakerName: c.Speaker, Latency: s.latency}},
	})
}
