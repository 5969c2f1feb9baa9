package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"undertone/server/bench/internal/bare"
	"undertone/server/bench/internal/child"
	"undertone/server/bench/internal/crowd"
	"undertone/server/bench/internal/ours"
	"undertone/server/bench/internal/report"
	"undertone/server/bench/internal/stock"
	"undertone/server/internal/mix"
	"undertone/transport/cell"
)

const (
	// sparse is how much garbage the crowd's own memory may have, in percent of what
	// is in use: the processors are the server's, and memory is there.
	sparse = 400
	// spare is how many more seats than users there are: a user who comes back may
	// be there before the server has noticed that he was gone.
	spare = 16
	// fillFor and restFor bound, for one subject, how long coming online takes for
	// each user, and all besides the measurement.
	fillFor, restFor = time.Second, 4 * time.Minute
)

// A subject is a running server that can be measured.
type subject interface {
	crowd.Service
	// Usage returns what its process has cost so far.
	Usage() (child.Usage, error)
	// Goroutines returns how many it has. It may not be used after that.
	Goroutines(ctx context.Context) (int, error)
	// Close ends it.
	Close()
}

// A bench is one run of the program.
type bench struct {
	o        *options
	progress io.Writer
	self     func(args ...string) (child.Program, error)
	// server is undertone-server with its arguments; asks says that it is this
	// program instead.
	server child.Program
	asks   bool
}

// newBench looks for the program to measure.
func newBench(o *options, progress io.Writer) (*bench, error) {
	b := &bench{o: o, progress: progress, self: itself}
	if o.profile != "" {
		return b, b.inside("--profile", o.profile)
	}
	path := o.server
	if path == "" {
		own, err := os.Executable()
		if err != nil {
			return nil, err
		}
		path = filepath.Join(filepath.Dir(own), "undertone-server")
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("the server to measure is not there (%w); build it with: make build, or name it with --server", err)
	}
	b.server = child.Program{Path: path, Args: []string{"run"}}
	return b, nil
}

// inside has the server run in a child of this program.
func (b *bench) inside(args ...string) (err error) {
	b.asks = true
	b.server, err = b.self(append([]string{nameOurs}, args...)...)
	return err
}

// measureAll measures one subject after the other.
func (b *bench) measureAll(ctx context.Context) (*report.Report, error) {
	names := b.o.subjects()
	bound := time.Duration(len(names)) * (time.Duration(b.o.users)*fillFor + b.o.settle + b.o.lasts + restFor)
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	defer debug.SetGCPercent(debug.SetGCPercent(sparse))
	r := &report.Report{Facts: b.facts()}
	for _, name := range names {
		s, err := b.measure(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", title(name), err)
		}
		r.Subjects = append(r.Subjects, *s)
	}
	return r, nil
}

func (b *bench) facts() report.Facts {
	o := b.o
	return report.Facts{
		Began: time.Now(), Mode: o.set.String(), Interval: o.pace.String(), Users: o.users, Seconds: o.lasts.Seconds(),
		Margin: float64(o.margin) / float64(time.Millisecond), Calls: o.calls, Churn: o.churn,
		Processors: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
	}
}

// start starts a subject.
func (b *bench) start(ctx context.Context, name string) (subject, error) {
	if name == nameOurs {
		return ours.Start(ctx, ours.Config{
			Mode: b.o.set, Interval: b.o.pace, Calls: b.o.calls, Program: b.server, Asks: b.asks,
			Seats: min(b.o.users+b.o.users/10+spare, mix.MaxSeats(b.o.set, b.o.pace, 0)),
		})
	}
	program, err := b.self(name)
	if err != nil {
		return nil, err
	}
	// The same messages as those of a set in which all are online.
	_, down := mix.Shapes(b.o.set, 0, b.o.users)
	what := child.Listen{Messages: down.Messages, Size: down.Size}
	if name == nameStock {
		return stock.Start(ctx, program, cell.Size, what)
	}
	return bare.Start(ctx, program, cell.Size, what)
}

// say tells how far it is.
func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.progress, format+"\n", args...)
}
