package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"undertone/app/internal/audio/sound"
	"undertone/app/internal/profile"
)

// Settings are called as the flags that say the same for one time.
const (
	micSetting     = "mic"
	speakerSetting = "speaker"
	ringSetting    = "ring-device"
	echoSetting    = "echo-cancellation"
	noiseSetting   = "noise-suppression"
	gainSetting    = "gain-control"
	latencySetting = "latency"
)

const settingsText = `Show what you have chosen for all calls. Choose with «undertone settings set»,
and go back to what is usual with «undertone settings reset». The flags of the
same names say something else for one time.

Settings are encrypted with the rest of the profile. They count from the next
time you go online.`

// A setting is one choice of a user.
type setting struct {
	name, values, meaning string
	// device is whether it is one, and then which kind: a microphone if input.
	device, input bool
	get           func(*profile.Settings) string
	// set reads a value. A device's was looked up before.
	set func(*profile.Content, string) error
}

// settings are all there are, in the order in which a person may want them.
func settings() []setting { return slices.Concat(callSettings(), windowSettings()) }

// callSettings are those of calls, however they are made.
func callSettings() []setting {
	return []setting{
		deviceSetting(micSetting, "the microphone of your calls", true, func(s *profile.Settings) *string { return &s.Microphone }),
		deviceSetting(speakerSetting, "the loudspeaker of your calls", false, func(s *profile.Settings) *string { return &s.Speaker }),
		deviceSetting(ringSetting, "the loudspeaker on which it rings", false, func(s *profile.Settings) *string { return &s.RingDevice }),
		switchSetting(echoSetting, "takes what your loudspeaker plays out of what others hear", true, func(s *profile.Settings) *bool { return &s.NoEcho }),
		switchSetting(noiseSetting, "makes steady noise quieter", true, func(s *profile.Settings) *bool { return &s.NoNoise }),
		switchSetting(gainSetting, "brings your voice to an even loudness", true, func(s *profile.Settings) *bool { return &s.NoGain }),
		{
			name: latencySetting, values: "0s to " + sound.MaxLatency.String(), meaning: "how much sound waits at microphone and loudspeaker",
			get: func(s *profile.Settings) string { return s.Latency.String() },
			set: setLatency,
		},
		{
			name: "answer", values: "ask, auto or never", meaning: "what idle does when somebody calls",
			get: func(s *profile.Settings) string { return s.Answer.String() },
			set: func(c *profile.Content, value string) (err error) {
				c.Settings.Answer, err = profile.ParseAnswerMode(value)
				return err
			},
		},
		switchSetting("tell-busy", "lets callers know that you are in a call or decline", false, func(s *profile.Settings) *bool { return &s.TellBusy }),
		{
			name: "history", values: "on or off", meaning: "remembers calls; off also forgets those there are",
			get: func(s *profile.Settings) string { return switchWord(!s.NoHistory) },
			set: func(c *profile.Content, value string) error {
				on, err := parseSwitch("history", value)
				if c.Settings.NoHistory = !on; !on && err == nil {
					c.Calls = nil
				}
				return err
			},
		},
	}
}

func deviceSetting(name, meaning string, input bool, of func(*profile.Settings) *string) setting {
	return setting{
		name: name, values: "a device, or \"\"", meaning: meaning, device: true, input: input,
		get: func(s *profile.Settings) string { return *of(s) },
		set: func(c *profile.Content, value string) error {
			*of(&c.Settings) = value
			return nil
		},
	}
}

// switchSetting is one that is on or off. Where negated, what is stored is that it
// is off, since the zero value of all settings is the usual.
func switchSetting(name, meaning string, negated bool, of func(*profile.Settings) *bool) setting {
	return setting{
		name: name, values: "on or off", meaning: meaning,
		get: func(s *profile.Settings) string { return switchWord(*of(s) != negated) },
		set: func(c *profile.Content, value string) error {
			on, err := parseSwitch(name, value)
			*of(&c.Settings) = on != negated
			return err
		},
	}
}

func switchWord(on bool) string {
	if on {
		return onWord
	}
	return offWord
}

func setLatency(c *profile.Content, value string) error {
	d, err := time.ParseDuration(value)
	if err != nil {
		return fmt.Errorf("%s %q: use a time such as 60ms", latencySetting, value)
	}
	c.Settings.Latency = d
	return checkLatency(latencySetting, d)
}

// settingOf finds a setting by its name.
func settingOf(name string) (*setting, error) {
	all := settings()
	i := slices.IndexFunc(all, func(s setting) bool { return s.name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no setting %q; there are: %s", name, strings.Join(settingNames(), ", "))
	}
	return &all[i], nil
}

func settingNames() (names []string) {
	for _, s := range settings() {
		names = append(names, s.name)
	}
	return names
}

func (a *app) settingsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "settings",
		Short: "Show and choose what holds for all calls",
		Long:  settingsText,
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			return a.look(cmd.Context(), func(c *profile.Content) error {
				if asJSON {
					return writeJSON(a.Out, settingValues(&c.Settings))
				}
				return a.printSettings(&c.Settings)
			})
		}),
	}
	jsonFlag(cmd, &asJSON)
	cmd.AddCommand(
		&cobra.Command{
			Use:   "set NAME VALUE",
			Short: "Choose for all calls from now on",
			Long:  "Choose for all calls from now on. «undertone settings» lists names and values.",
			Args: func(_ *cobra.Command, args []string) error {
				if len(args) != 2 {
					return errors.New("what is needed is the name of a setting, and one value, in quotes if it has spaces")
				}
				return nil
			},
			ValidArgsFunction: cobra.FixedCompletions(settingNames(), cobra.ShellCompDirectiveNoFileComp),
			RunE: a.do(func(cmd *cobra.Command, args []string) error {
				return a.set(cmd.Context(), args[0], args[1])
			}),
		},
		&cobra.Command{
			Use:               "reset NAME...",
			Short:             "Go back to what is usual",
			Args:              needsSome("the name of a setting"),
			ValidArgsFunction: cobra.FixedCompletions(settingNames(), cobra.ShellCompDirectiveNoFileComp),
			RunE: a.do(func(cmd *cobra.Command, args []string) error {
				return a.reset(cmd.Context(), args)
			}),
		})
	return cmd
}

// set changes a setting.
func (a *app) set(ctx context.Context, name, value string) error {
	s, err := settingOf(name)
	if err != nil {
		return a.misused("%w", err)
	}
	if err := s.set(new(profile.Content), value); err != nil {
		return a.misused("%w", err) // Before anybody is asked for a passphrase.
	}
	if s.device && value != "" {
		if value, err = a.deviceName(ctx, value, s.input); err != nil {
			return err
		}
	}
	return a.changeSettings(ctx, func(c *profile.Content) error { return s.set(c, value) })
}

// deviceName returns the own name of the device that a person means.
func (a *app) deviceName(ctx context.Context, called string, input bool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, listFor)
	defer cancel()
	devices, err := a.listDevices(ctx)
	if err != nil {
		return "", err
	}
	d, err := sound.Pick(devices, called, input)
	if err != nil {
		return "", err
	}
	return d.Name, nil
}

// reset gives settings the values that they have in a new profile.
func (a *app) reset(ctx context.Context, names []string) error {
	var all []*setting
	for _, name := range names {
		s, err := settingOf(name)
		if err != nil {
			return a.misused("%w", err)
		}
		all = append(all, s)
	}
	return a.changeSettings(ctx, func(c *profile.Content) error {
		for _, s := range all {
			if err := s.set(c, s.get(new(profile.Settings))); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *app) changeSettings(ctx context.Context, change func(*profile.Content) error) error {
	err := a.edit(ctx, change)
	if err == nil {
		fmt.Fprintln(a.Out, "Remembered for the next time you go online.")
	}
	return err
}

// settingValues is what settings --json shows.
func settingValues(s *profile.Settings) map[string]string {
	values := make(map[string]string)
	for _, o := range settings() {
		values[o.name] = o.get(s)
	}
	return values
}

func (a *app) printSettings(s *profile.Settings) error {
	t := table(a.Out)
	fmt.Fprintln(t, "SETTING\tIS\tCAN BE\tWHAT IT DOES")
	for _, o := range settings() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", o.name, cmp.Or(o.get(s), "the system's choice"), o.values, o.meaning)
	}
	return t.Flush()
}
