package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"undertone/server/bench/internal/crowd"
	"undertone/transport/cell"
)

// The names of what is measured.
const (
	nameOurs  = "undertone"
	nameStock = "pion"
	nameBare  = "udp"
)

// Bounds of the options: nothing here is without end.
const (
	maxUsers     = 10_000
	minFor       = time.Second
	maxFor       = 6 * time.Hour
	maxSettle    = 5 * time.Minute
	maxPerMinute = 6000
	maxMargin    = 100 * time.Millisecond
)

// options are what the command line says.
type options struct {
	users    int
	mode     string
	interval string
	lasts    time.Duration
	settle   time.Duration
	margin   time.Duration
	calls    int
	churn    crowd.Churn
	compare  []string
	server   string
	profile  string
	out      string
	json     bool

	// As check reads them.
	set  cell.Mode
	pace cell.Interval
}

func defaults() options {
	return options{
		users: 100, mode: cell.TMIX.String(), interval: cell.Interval100.String(),
		lasts: 30 * time.Second, settle: 10 * time.Second, margin: 6 * time.Millisecond,
		calls: 50, compare: []string{nameStock, nameBare},
	}
}

func (o *options) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&o.users, "users", o.users, "how many users are online")
	f.StringVar(&o.mode, "mode", o.mode, "`mode` of the set: tmix or bmix")
	f.StringVar(&o.interval, "interval", o.interval, "time between two cells: 20ms, 40ms or 100ms")
	f.DurationVar(&o.lasts, "for", o.lasts, "how long each server is measured")
	f.DurationVar(&o.settle, "settle", o.settle, "how long it is left alone before, when all are online")
	f.DurationVar(&o.margin, "margin", o.margin, "how early uploads shall come before their cut-off")
	f.IntVar(&o.calls, "calls", o.calls, "how many in a hundred users are in a call")
	f.IntVar(&o.churn.Joins, "joins", 0, "how many new users join in a minute, for those who left")
	f.IntVar(&o.churn.Leaves, "leaves", 0, "how many users leave for good in a minute")
	f.IntVar(&o.churn.Kills, "kills", 0, "how many users' programs die in a minute, and come back")
	f.IntVar(&o.churn.Moves, "moves", 0, "how many users come to have another address in a minute")
	f.StringSliceVar(&o.compare, "compare", o.compare, "what to measure besides, of pion and udp; empty for nothing")
	f.StringVar(&o.server, "server", o.server, "the `program` to measure; default: undertone-server beside this program")
	f.StringVar(&o.profile, "profile", o.profile, "have the same server run inside this program instead, and write its profiles into this `folder`")
	f.StringVar(&o.out, "out", o.out, "a `folder` for the report as CSV, JSON and HTML")
	f.BoolVar(&o.json, "json", o.json, "report as JSON")
}

// check says which option makes no sense, and reads the others.
func (o *options) check() (err error) {
	if o.set, err = cell.ParseMode(o.mode); err != nil {
		return fmt.Errorf("--%w", err)
	}
	if o.pace, err = cell.ParseInterval(o.interval); err != nil {
		return fmt.Errorf("--%w", err)
	}
	if o.set == cell.SMIX {
		return fmt.Errorf("--mode smix: its members need a whole client each, which this program does not have; use tmix or bmix")
	}
	for _, name := range o.compare {
		if !slices.Contains([]string{nameStock, nameBare}, name) {
			return fmt.Errorf("--compare %s: there are %s and %s", name, nameStock, nameBare)
		}
	}
	for _, c := range []struct {
		name             string
		value, low, high int64
		text             func(v int64) string
	}{
		{"users", int64(o.users), 1, maxUsers, whole},
		{"for", int64(o.lasts), int64(minFor), int64(maxFor), lasting},
		{"settle", int64(o.settle), 0, int64(maxSettle), lasting},
		{"margin", int64(o.margin), 0, int64(min(maxMargin, o.pace.Duration()/2)), lasting},
		{"calls", int64(o.calls), 0, 100, whole},
		{"joins", int64(o.churn.Joins), 0, maxPerMinute, whole},
		{"leaves", int64(o.churn.Leaves), 0, maxPerMinute, whole},
		{"kills", int64(o.churn.Kills), 0, maxPerMinute, whole},
		{"moves", int64(o.churn.Moves), 0, maxPerMinute, whole},
	} {
		if c.value < c.low || c.value > c.high {
			return fmt.Errorf("--%s %s is not between %s and %s", c.name, c.text(c.value), c.text(c.low), c.text(c.high))
		}
	}
	if o.server != "" && o.profile != "" {
		return fmt.Errorf("--profile runs the server inside this program, so it does not go with --server")
	}
	return nil
}

func whole(v int64) string   { return fmt.Sprint(v) }
func lasting(v int64) string { return time.Duration(v).String() }

// subjects lists what is measured, in order.
func (o *options) subjects() []string {
	return append([]string{nameOurs}, slices.Compact(slices.Clone(o.compare))...)
}

// title names a subject for a person who reads progress.
func title(name string) string {
	return map[string]string{nameOurs: "Undertone", nameStock: "a bare pion echo", nameBare: "raw UDP with AES-GCM"}[name]
}
