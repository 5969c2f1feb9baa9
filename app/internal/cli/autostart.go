package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

const autostartText = `Have the window start when you log in, hidden where there is a tray. Being online
all the time is what hides calls: whoever comes online only to call shows when he
calls. Each profile starts by itself: for another than the usual, give --profile.`

func (a *app) autostartCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "autostart",
		Short: "Start with the computer, or not",
		Long:  autostartText,
		Args:  cobra.NoArgs,
		RunE: a.do(func(*cobra.Command, []string) error {
			f, err := a.starter()
			if err != nil {
				return err
			}
			fmt.Fprintln(a.Out, autostartWords[f.On()])
			return nil
		}),
	}
	for _, c := range []struct {
		on         bool
		use, short string
	}{{true, "on", "Start when you log in"}, {false, "off", "Do not start by itself"}} {
		cmd.AddCommand(&cobra.Command{
			Use: c.use, Short: c.short, Args: cobra.NoArgs,
			RunE: a.do(func(*cobra.Command, []string) error {
				f, err := a.starter()
				if err != nil {
					return err
				}
				if err := f.Set(c.on); err != nil {
					return err
				}
				fmt.Fprintln(a.Out, autostartWords[c.on])
				return nil
			}),
		})
	}
	return cmd
}

var autostartWords = map[bool]string{
	true:  "Undertone starts when you log in.",
	false: "Undertone does not start by itself.",
}
