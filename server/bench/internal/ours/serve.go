package ours

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"

	"undertone/server/bench/internal/child"
	"undertone/server/node"
)

// Serve is what a child does that serves a data folder and answers questions, until
// in ends: the same node as undertone-server's, in a program that can be profiled.
// If profiles names a folder, what took the processor's time is written there, and
// the memory and the goroutines when it is asked how many there are, for go tool pprof.
func Serve(ctx context.Context, in io.Reader, out, log io.Writer, data, profiles string) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if profiles != "" {
		end, failed := profile(profiles)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, end()) }()
	}
	served := make(chan error, 1)
	go func() {
		served <- node.Run(ctx, node.Config{
			Data: data, Environ: os.Environ(), Version: "bench", Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})),
		})
	}()
	asked := make(chan error, 1)
	go func() {
		asked <- child.Reply(in, out, func(q child.Question) (child.Answer, error) {
			if !q.Goroutines {
				return child.Answer{}, errors.New("this child has no such answer")
			}
			if profiles == "" {
				return child.Goroutines(), nil
			}
			return child.Goroutines(), errors.Join(snapshot(profiles, "heap"), snapshot(profiles, "goroutine"))
		})
	}()
	select {
	case err := <-served:
		return err // Nobody reads what comes in any more: the process ends.
	case err = <-asked:
	}
	cancel()
	return errors.Join(err, <-served)
}

// profile begins to note what takes the processor's time, and returns how to end.
func profile(folder string) (end func() error, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(folder, "cpu.pprof"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// snapshot writes a profile of this moment.
func snapshot(folder, name string) error {
	p := pprof.Lookup(name)
	if p == nil {
		return fmt.Errorf("there is no profile %q", name)
	}
	f, err := os.OpenFile(filepath.Join(folder, name+".pprof"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(p.WriteTo(f, 0), f.Close())
}
