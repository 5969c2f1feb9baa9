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

// sounds is what the flags about sound say.
type sounds struct {
	in, out            string
	mic, speaker, ring string        // what devices are called
	latency            time.Duration // 0 is the least that is safe on an idle machine
	// What is done to what is heard: onWord, offWord, or "" for what was chosen
	// once and suits --in and --out.
	echo, noise, gain string

	changed func(flag string) bool // tells which flags were given; nil for none
}

const (
	onWord  = "on"
	offWord = "off"
)

func (s *sounds) flags(cmd *cobra.Command, in, out string) {
	cmd.Flags().StringVar(&s.in, "in", in, "what the other side hears: mic, `FILE.wav` or none")
	cmd.Flags().StringVar(&s.out, "out", out, "where you hear the other side: speaker, `FILE.wav` (is made or replaced) or none")
	s.changed = cmd.Flags().Changed
	cmd.Flags().StringVar(&s.mic, micSetting, "", "use the microphone of this `name` this time (default: the one of your settings, else the system's choice)")
	cmd.Flags().StringVar(&s.speaker, speakerSetting, "", "the same for the loudspeaker of this `name`")
	cmd.Flags().DurationVar(&s.latency, latencySetting, 0,
		fmt.Sprintf("keep so much sound waiting at microphone and speaker, up to %v: helps where a busy machine makes it break off (default: that of your settings, else the least)", sound.MaxLatency))
	cmd.Flags().StringVar(&s.echo, echoSetting, "",
		"take what your loudspeaker plays out of what your microphone hears, `on|off`; with a headset it is not needed (default: as in your settings with mic and speaker)")
	cmd.Flags().StringVar(&s.noise, noiseSetting, "", "make steady noise quieter, `on|off` (default: as in your settings with mic)")
	cmd.Flags().StringVar(&s.gain, gainSetting, "", "bring your voice to an even loudness, `on|off` (default: as in your settings with mic)")
	for _, flag := range []string{echoSetting, noiseSetting, gainSetting} {
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
	return errors.Join(checkSound("--in", s.in, audio.Mic), checkSound("--out", s.out, audio.Speaker), checkLatency("--latency", s.latency),
		checkSwitch("--echo-cancellation", s.echo), checkSwitch("--noise-suppression", s.noise), checkSwitch("--gain-control", s.gain))
}

func checkSwitch(flag, value string) error {
	if value == "" {
		return nil
	}
	_, err := parseSwitch(flag, value)
	return err
}

// parseSwitch tells whether a value is onWord; flag is what it is the value of.
func parseSwitch(flag, value string) (on bool, err error) {
	if value != onWord && value != offWord {
		return false, fmt.Errorf("%s %q: use %s or %s", flag, value, onWord, offWord)
	}
	return value == onWord, nil
}

// over returns the settings with what the flags say for this time.
func (s *sounds) over(c profile.Settings) profile.Settings {
	if s.changed == nil {
		return c
	}
	for flag, name := range map[string]struct{ to, from *string }{
		micSetting: {&c.Microphone, &s.mic}, speakerSetting: {&c.Speaker, &s.speaker}, ringSetting: {&c.RingDevice, &s.ring},
	} {
		if s.changed(flag) {
			*name.to = *name.from
		}
	}
	if s.changed(latencySetting) {
		c.Latency = s.latency
	}
	return c
}

// enhance returns what is to be done to what is heard. What comes from a file is
// taken as it is, whatever the settings, unless a flag says something else.
func (s *sounds) enhance(c profile.Settings) enhance.Settings {
	choose := func(value string, unsaid bool) bool { return value == onWord || value == "" && unsaid }
	mic := s.in == audio.Mic
	return enhance.Settings{
		Echo:  choose(s.echo, mic && s.out == audio.Speaker && !c.NoEcho),
		Noise: choose(s.noise, mic && !c.NoNoise),
		Gain:  choose(s.gain, mic && !c.NoGain),
	}
}

func checkLatency(flag string, d time.Duration) error {
	if d < 0 || d > sound.MaxLatency {
		return fmt.Errorf("%s %v: use at most %v", flag, d, sound.MaxLatency)
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

// open opens what the flags say, and where they say nothing the settings.
func (s *sounds) open(c profile.Settings) (*audio.Duplex, error) {
	c = s.over(c)
	null := func(value string) string {
		if value == noneWord {
			return audio.Null
		}
		return value
	}
	return audio.Open(audio.Options{
		In: null(s.in), Out: null(s.out),
		Enhance: s.enhance(c),
		Sound:   sound.Config{Choice: sound.Choice{MicName: c.Microphone, SpeakerName: c.Speaker, Latency: c.Latency}},
	})
}
