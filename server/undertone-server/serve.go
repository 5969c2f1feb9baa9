package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"undertone/server/node"
)

// runName is the name of the command that serves, the only one to which SIGHUP means
// something else than the end.
const runName = "run"

func (c *cli) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   runName,
		Short: "Serve, until SIGTERM or Ctrl-C",
		Long: `Serve, until SIGTERM or Ctrl-C. SIGHUP has the server read its settings and its
certificate again; the log says what took effect, and what needs a restart.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.serve(cmd.Context())
		},
	}
}

func (c *cli) serve(ctx context.Context) error {
	reload := make(chan os.Signal, 1) // One that comes meanwhile reads what is there then.
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	level := new(slog.LevelVar)
	log := slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: level}))
	return byClock(log, func() error {
		return node.Run(ctx, node.Config{Data: c.data, Environ: c.environ, Reload: reload, Level: level, Log: log, Version: version()})
	})
}

// byClock serves until that ends for another reason than that the machine's clock was
// set.
func byClock(log *slog.Logger, serve func() error) error {
	for {
		err := serve()
		if !errors.Is(err, node.ErrClock) {
			return err
		}
		log.Warn("the server starts anew, by the machine's clock", "because", err)
	}
}
