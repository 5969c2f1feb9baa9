package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"undertone/server/bench/internal/bare"
	"undertone/server/bench/internal/child"
	"undertone/server/bench/internal/ours"
	"undertone/server/bench/internal/report"
	"undertone/server/bench/internal/stock"
)

// What the process returns to the shell.
const (
	exitDone   = 0
	exitFailed = 1
)

// run runs one command and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o := defaults()
	root := &cobra.Command{
		Use:   "undertone-bench",
		Short: "Load an Undertone server with simulated users",
		Long: `Load an Undertone server with simulated users, who come online on this machine
and stay for a while, and say what a user costs and how late the server is. The same
is done with a bare WebRTC echo server and with raw UDP and AES-GCM, for comparison.`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return load(cmd.Context(), &o, stdout, stderr)
		},
	}
	o.flags(root)
	root.AddCommand(childCommand(stdin, stdout, stderr))
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		_, _ = fmt.Fprintf(stderr, "undertone-bench: %v\n", err)
		return exitFailed
	}
	return exitDone
}

// childCommand is what this program runs itself as.
func childCommand(in io.Reader, out, log io.Writer) *cobra.Command {
	var data, profiles string
	cmd := &cobra.Command{
		Use:    "child " + strings.Join([]string{nameOurs, nameStock, nameBare}, "|"),
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch args[0] {
			case nameOurs:
				return ours.Serve(cmd.Context(), in, out, log, data, profiles)
			case nameStock:
				return stock.Serve(in, out)
			case nameBare:
				return bare.Serve(in, out)
			}
			return fmt.Errorf("there is no child %q", args[0])
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "the server's data `folder`")
	cmd.Flags().StringVar(&profiles, "profile", "", "a `folder` for profiles")
	return cmd
}

// load measures, and shows what was measured.
func load(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	b, err := newBench(o, stderr)
	if err != nil {
		return err
	}
	r, err := b.measureAll(ctx)
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := keep(o.out, r); err != nil {
			return err
		}
	}
	if o.json {
		return r.JSON(stdout)
	}
	return r.Text(stdout)
}

// The files that a report is kept in.
const (
	jsonFile    = "load.json"
	summaryFile = "load.csv"
	secondsFile = "seconds.csv"
	pageFile    = "load.html"
)

// keep writes a report into a folder.
func keep(folder string, r *report.Report) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for _, f := range []struct {
		name  string
		write func(w io.Writer) error
	}{{jsonFile, r.JSON}, {summaryFile, r.Summary}, {secondsFile, r.Seconds}, {pageFile, r.HTML}} {
		file, err := os.OpenFile(filepath.Join(folder, f.name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		if err := errors.Join(f.write(file), file.Close()); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// itself is this program, to be run as a child.
func itself(args ...string) (child.Program, error) {
	path, err := os.Executable()
	return child.Program{Path: path, Args: append([]string{"child"}, args...)}, err
}
