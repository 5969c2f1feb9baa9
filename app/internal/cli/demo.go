package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"undertone/app/internal/demo"
	"undertone/transport/cell"
)

const demoText = `Show on this computer alone what Undertone does: a server and softphones, a call
between two of them or more with recorded speech, and at the end what was heard,
how late, and what an eavesdropper on the line saw while it was idle and in the
call. It needs no server, no profile and no sound card, and leaves nothing behind
but the recording of --out.`

func (a *app) demoCommand() *cobra.Command {
	var f demoFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "A server, softphones and a call, all on this computer",
		Long:  demoText,
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.config()
			if err != nil {
				return a.misused("%w", err)
			}
			if !asJSON {
				cfg.Log = a.Out
			}
			report, err := demo.Run(cmd.Context(), cfg)
			switch {
			case err != nil && cmd.Context().Err() != nil:
				return errors.New("stopped")
			case err != nil:
				return err
			}
			if asJSON {
				return writeJSON(a.Out, report)
			}
			fmt.Fprintln(a.Out)
			report.Print(a.Out)
			return nil
		}),
	}
	cmd.Flags().StringVar(&f.mode, "mode", cell.TMIX.String(), "protocol of the server: tmix, bmix or smix")
	cmd.Flags().StringVar(&f.interval, "interval", cell.Interval40.String(), "time between two cells: 20ms, 40ms or 100ms")
	cmd.Flags().DurationVar(&f.length, "for", 8*time.Second, "how long the call lasts; in a group, how long each speaks")
	cmd.Flags().IntVar(&f.members, "members", 0, "how many softphones are online (default: 2 in tmix, 5 in bmix and smix)")
	cmd.Flags().IntVar(&f.group, "group", 2, "how many are in the call; more than 2 in bmix and smix only")
	cmd.Flags().StringVar(&f.out, "out", "heard.wav", "`FILE.wav` that gets what was heard, or none")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// demoFlags are what the user said.
type demoFlags struct {
	mode, interval, out string
	length              time.Duration
	members, group      int
}

func (f *demoFlags) config() (demo.Config, error) {
	cfg := demo.Config{For: f.length, Members: f.members, Group: f.group}
	var err error
	if cfg.Mode, err = cell.ParseMode(f.mode); err != nil {
		return cfg, fmt.Errorf("--mode: %w", err)
	}
	if cfg.Interval, err = cell.ParseInterval(f.interval); err != nil {
		return cfg, fmt.Errorf("--interval: %w", err)
	}
	switch {
	case isFile(f.out):
		cfg.Out = f.out
	case f.out != noneWord:
		return cfg, fmt.Errorf("--out %q: use %s, or a file whose name ends in .wav", f.out, noneWord)
	}
	return cfg, cfg.Validate()
}
