package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"undertone/server/node"
)

func (c *cli) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Serve, until SIGTERM or Ctrl-C",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := node.ReadSettings(c.data, c.environ...)
			if err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: s.LogLevel}))
			return node.Run(cmd.Context(), node.Config{Data: c.data, Environ: c.environ, Log: log, Version: version()})
		},
	}
}
