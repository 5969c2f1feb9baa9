package cli

import (
	"fmt"
	"strconv"
	"strings"

	"undertone/app/internal/profile"
	"undertone/app/internal/ui/words"
)

// loudestRing is the ring volume of who chose none, in percent.
const loudestRing = 100

// windowSettings are those of the bell and of the window.
func windowSettings() []setting {
	return []setting{
		{
			name: "ring-volume", values: "0 to 100", meaning: "how loud it rings, in percent",
			get: func(s *profile.Settings) string { return strconv.Itoa(loudestRing - s.RingSofter) },
			set: func(c *profile.Content, value string) error {
				n, err := strconv.Atoi(strings.TrimSuffix(value, "%"))
				if err != nil || n < 0 || n > loudestRing {
					return fmt.Errorf("ring-volume %q: use a number from 0 to 100", value)
				}
				c.Settings.RingSofter = loudestRing - n
				return nil
			},
		},
		{
			name: "language", values: strings.Join(words.Languages(), ", ") + " or \"\"", meaning: "the language of the window",
			get: func(s *profile.Settings) string { return s.Language },
			set: func(c *profile.Content, value string) error {
				if value != "" && !words.Known(value) {
					return fmt.Errorf("language %q: there are %s", value, strings.Join(words.Languages(), ", "))
				}
				c.Settings.Language = value
				return nil
			},
		},
		{
			name: "theme", values: "system, light or dark", meaning: "what the window looks like",
			get: func(s *profile.Settings) string { return s.Theme.String() },
			set: func(c *profile.Content, value string) (err error) {
				c.Settings.Theme, err = profile.ParseTheme(value)
				return err
			},
		},
		switchSetting("notifications", "shows who calls in a notification of the desktop, which other programs see and may pass on", false,
			func(s *profile.Settings) *bool { return &s.Notify }),
		switchSetting("push-to-talk", "keeps you muted in the window, but for as long as the right Ctrl key is held", false,
			func(s *profile.Settings) *bool { return &s.PushToTalk }),
		switchSetting("push-to-talk-anywhere", "has a key of the desktop do the same while another window is in front; other programs may see when it is held", false,
			func(s *profile.Settings) *bool { return &s.TalkAnywhere }),
		switchSetting("only-verified", "has only verified contacts ring in the window", false,
			func(s *profile.Settings) *bool { return &s.OnlyVerified }),
		switchSetting("start-hidden", "opens no window at first where there is a tray", false,
			func(s *profile.Settings) *bool { return &s.StartHidden }),
	}
}
