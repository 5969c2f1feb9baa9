package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"undertone/app/internal/audio/sound"
	"undertone/app/internal/profile"
)

// listFor is how long looking for sound devices may take: some drivers need
// seconds for it.
const listFor = 15 * time.Second

const devicesText = `List the microphones and loudspeakers that can be used. The system's choice is
marked, and followed when it changes. To use others for your calls, name them
with --mic and --speaker, and one to ring on with --ring-device: by name, by what
the first column says, or by any part that only one has. It is remembered (""
goes back to the system's choice), and «undertone settings» shows it. While a
device that you chose is not plugged in, calls use the system's choice.

--test lets you hear yourself, by the devices of your calls or by those that you
name, which are not remembered then.

What plays and records by Bluetooth or a network is pointed out: it shows to
others when a call begins. A cable does not.`

func (a *app) devicesCommand() *cobra.Command {
	var asJSON, test bool
	var mic, speaker, ringDevice string
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "List and choose microphones and loudspeakers",
		Long:  devicesText,
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			var chosen choice
			if cmd.Flags().Changed(micSetting) {
				chosen.mic = &mic
			}
			if cmd.Flags().Changed(speakerSetting) {
				chosen.speaker = &speaker
			}
			if cmd.Flags().Changed(ringSetting) {
				chosen.ring = &ringDevice
			}
			if test {
				return a.testDevices(cmd.Context(), chosen)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), listFor)
			defer cancel()
			devices, err := a.listDevices(ctx)
			if err != nil {
				return err
			}
			if chosen != (choice{}) {
				return a.choose(cmd.Context(), devices, chosen)
			}
			if asJSON {
				return writeJSON(a.Out, devices)
			}
			return a.printDevices(devices)
		}),
	}
	cmd.Flags().StringVar(&mic, micSetting, "", "use the microphone of this `name`, and remember it")
	cmd.Flags().StringVar(&speaker, speakerSetting, "", "use the loudspeaker of this `name`, and remember it")
	cmd.Flags().StringVar(&ringDevice, ringSetting, "", "ring on the loudspeaker of this `name`, and remember it")
	cmd.Flags().BoolVar(&test, "test", false, "record for three seconds, play it back, and show how loud it is")
	jsonFlag(cmd, &asJSON)
	cmd.MarkFlagsMutuallyExclusive("test", "json")
	cmd.MarkFlagsMutuallyExclusive("test", ringSetting)
	return cmd
}

// A choice is which devices to use from now on; nil leaves what is.
type choice struct{ mic, speaker, ring *string }

func (a *app) choose(ctx context.Context, devices []sound.Device, c choice) error {
	if err := c.find(devices); err != nil {
		return err
	}
	return a.changeSettings(ctx, func(p *profile.Content) error {
		if c.mic != nil {
			p.Settings.Microphone = *c.mic
		}
		if c.speaker != nil {
			p.Settings.Speaker = *c.speaker
		}
		if c.ring != nil {
			p.Settings.RingDevice = *c.ring
		}
		return nil
	})
}

// find puts the devices' own names in the place of what the user called them.
func (c *choice) find(devices []sound.Device) error {
	return errors.Join(find(devices, &c.mic, true), find(devices, &c.speaker, false), find(devices, &c.ring, false))
}

func find(devices []sound.Device, name **string, input bool) error {
	if *name == nil || **name == "" {
		return nil
	}
	d, err := sound.Pick(devices, **name, input)
	if err == nil {
		*name = &d.Name
	}
	return err
}

func (a *app) printDevices(devices []sound.Device) error {
	t := table(a.Out)
	fmt.Fprintln(t, "DEVICE\tMICROPHONE\tLOUDSPEAKER\tSYSTEM\tNAME")
	for i := range devices {
		d := &devices[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", d.Title(), use(d.Inputs, d.DefaultInput), use(d.Outputs, d.DefaultOutput), d.System, d.Name)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range devices {
		if c := devices[i].Caution(); c != "" {
			fmt.Fprintln(a.Out, "Beware:", sentence(c))
		}
	}
	return nil
}

func use(channels int, chosen bool) string {
	switch {
	case channels == 0:
		return "-"
	case chosen:
		return "yes (default)"
	}
	return "yes"
}
