package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/profile"
)

// noneWord is no sound at all, for --in and --out.
const noneWord = "none"

// sounds is what --in, --out and --latency say.
type sounds struct {
	in, out string
	latency time.Duration // 0 is the least that is safe on an idle machine
}

func (s *sounds) flags(cmd *cobra.Command, in, out string) {
	cmd.Flags().StringVar(&s.in, "in", in, "what the other side hears: mic, `FILE.wav` or none")
	cmd.Flags().StringVar(&s.out, "out", out, "where you hear the other side: speaker, `FILE.wav` (is made or replaced) or none")
	cmd.Flags().DurationVar(&s.latency, "latency", 0,
		fmt.Sprintf("keep so much sound waiting at microphone and speaker, up to %v: helps where a busy machine makes it break off", sound.MaxLatency))
	for _, flag := range []string{"in", "out"} {
		if err := cmd.MarkFlagFilename(flag, "wav"); err != nil {
			panic(err) // The flag stands three lines above.
		}
	}
}

// check says what is wrong with the flags. A file must be called .wav, so that
// nobody makes one that is called "micro" by mistake.
func (s *sounds) check() error {
	return errors.Join(checkSound("--in", s.in, audio.Mic), checkSound("--out", s.out, audio.Speaker), checkLatency(s.latency))
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
		Sound: sound.Config{Choice: sound.Choice{MicName: c.Microphone, SpeakerName: c.Speaker, Latency: s.latency}},
	})
}
