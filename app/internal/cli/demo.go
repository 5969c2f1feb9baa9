package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"undertone/app/internal/demo"
	"undertone/transport/cell"
)

const demoText = `Show on this computer alone what Undertone does: a server and two softphones, a
call between them with recorded speech, and at the end what was heard, how late,
and what an eavesdropper on the line saw while it was idle and in the call. It
needs no server, no profile and no sound card, and leaves nothing behind but the
recording of --out.`

func (a *app) demoCommand() *cobra.Command {
	var mode, interval, out string
	var length time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "A server, two softphones and a call, all on this computer",
		Long:  demoText,
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			cfg, err := demoConfig(mode, interval, out, length)
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
	cmd.Flags().StringVar(&mode, "mode", cell.TMIX.String(), "protocol of the server: tmix")
	cmd.Flags().StringVar(&interval, "interval", cell.Interval40.String(), "time between two cells: 20ms, 40ms or 100ms")
	cmd.Flags().DurationVar(&length, "for", 8*time.Second, "how long the call lasts")
	cmd.Flags().StringVar(&out, "out", "heard.wav", "`FILE.wav` that gets what was heard, or none")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func demoConfig(mode, interval, out string, length time.Duration) (demo.Config, error) {
	cfg := demo.Config{For: length}
	var err error
	if cfg.Mode, err = cell.ParseMode(mode); err != nil {
		return cfg, fmt.Errorf("--mode: %w", err)
	}
	if cfg.Interval, err = cell.ParseInterval(interval); err != nil {
		return cfg, fmt.Errorf("--interval: %w", err)
	}
	switch {
	case isFile(out):
		cfg.Out = out
	case out != noneWord:
		return cfg, fmt.Errorf("--out %q: use %s, or a file whose name ends in .wav", out, noneWord)
	}
	return cfg, cfg.Validate()
}
