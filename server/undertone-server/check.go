package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"undertone/server/node"
	"undertone/transport/signal"
)

// A level says how bad a finding is.
type level string

const (
	fine    level = "ok"
	warning level = "warning"
	problem level = "problem"
)

// A finding is one thing that check looked at.
type finding struct {
	Level level  `json:"level"`
	What  string `json:"what"`
	Text  string `json:"text"`
}

func (c *cli) checkCommand() *cobra.Command {
	return c.jsonFlag(&cobra.Command{
		Use:   "check",
		Short: "Check the settings, the data folder and the ports",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings := c.check(cmd.Context())
			var b strings.Builder
			failed := false
			for _, f := range findings {
				_, _ = fmt.Fprintf(&b, "%-8s %s: %s\n", f.Level, f.What, f.Text)
				failed = failed || f.Level == problem
			}
			if err := c.report(findings, b.String()); err != nil {
				return err
			}
			if failed {
				return errReported
			}
			return nil
		},
	})
}

// check looks at everything that it can without disturbing a running server.
func (c *cli) check(ctx context.Context) []finding {
	s, err := node.ReadSettings(c.data, c.environ...)
	if err != nil {
		list := []finding{{problem, "settings", err.Error()}}
		if errors.Is(err, fs.ErrPermission) {
			list = append(list, checkPermissions(c.data))
		}
		return list
	}
	list := []finding{{fine, "settings", c.whereSettings()}}
	list = append(list, checkPermissions(c.data))
	if room, ok := diskRoom(c.data); ok { // Without any, the registry cannot be opened.
		list = append(list, checkDisk(c.data, room))
	}
	f, err := node.OpenFolder(ctx, c.data, c.environ...)
	if err != nil {
		return append(list, finding{problem, "data", err.Error()})
	}
	defer func() { _ = f.Close() }()
	now := time.Now()
	list = append(list, checkRegistry(ctx, f), checkCertificate(f, c.renewCommand(), now), checkClock(c.data, now, systemClock()),
		checkMachine(s, runtime.NumCPU()))
	if room, ok := socketRoom(); ok {
		list = append(list, checkRoom(s, room))
	}
	at, host := checkHost(ctx, s)
	return append(append(list, host), checkPorts(ctx, f, at)...)
}

// whereSettings says where the settings come from, which can be read.
func (c *cli) whereSettings() string {
	where := []string{filepath.Join(c.data, node.SettingsFile)}
	if e, err := node.ParseEnvironment(c.environ); err == nil && len(e) > 0 {
		where = append(append(where, "overridden by the environment:"), e.Variables()...)
	}
	return strings.Join(where, " ")
}

func checkRegistry(ctx context.Context, f *node.Folder) finding {
	users, err := f.Registry.Users(ctx)
	if err != nil {
		return finding{problem, "registry", err.Error()}
	}
	if err := f.CheckTerms(ctx); err != nil {
		return finding{problem, "registry", err.Error()}
	}
	return finding{fine, "registry", fmt.Sprintf("%d users", len(users))}
}

// checkCertificate looks at the online key; renew is how to make another where the
// root key is away.
func checkCertificate(f *node.Folder, renew string, now time.Time) finding {
	leaf, hasRoot, err := f.Certificate()
	const what = "certificate"
	switch {
	case err != nil && !hasRoot:
		return finding{problem, what, err.Error() + "; where the root key is, run: " + renew}
	case err != nil:
		return finding{warning, what, err.Error() + "; the server makes a new one when it starts"}
	case now.Before(leaf.NotBefore):
		if hasRoot {
			renew = strings.Replace(renew, " --root FILE", "", 1)
		}
		return finding{problem, what, fmt.Sprintf("it is good from %s on, and the clock of this machine says %s: if that is wrong, set the clock; if it is right, it was wrong when the certificate was made, so run: %s",
			leaf.NotBefore.Format(time.DateOnly), now.Format(time.DateOnly), renew)}
	}
	ends, renews := leaf.NotAfter.Format(time.DateOnly), signal.RenewAt(leaf)
	switch {
	case !hasRoot && !now.Before(renews):
		return finding{problem, what, fmt.Sprintf("after %s nobody can come online, and the root key is not here to renew it; where that is, run: %s", ends, renew)}
	case !hasRoot && !now.Before(renews.Add(-signal.LifeOf(leaf)/10)):
		return finding{warning, what, fmt.Sprintf("valid until %s, and the root key is not here to renew it; where that is, run, soon: %s", ends, renew)}
	case !hasRoot:
		return finding{fine, what, fmt.Sprintf("valid until %s; before that, run where the root key is: %s", ends, renew)}
	}
	return finding{fine, what, fmt.Sprintf("valid until %s, and renewed by itself from %s on", ends, renews.Format(time.DateOnly))}
}

// checkMachine compares what the set takes when all places are taken with the
// processors that there are.
func checkMachine(s node.Settings, processors int) finding {
	const what = "machine"
	need := s.Processors(s.MaxUsers)
	text := fmt.Sprintf("%d users online (max_users) take about %.1f processors in mode %s at %s, and this machine has %d",
		s.MaxUsers, need, s.Mode, s.Interval, processors)
	if need > float64(processors) {
		return finding{warning, what, text + "; serve fewer, choose a longer interval for a new server, or a larger machine"}
	}
	return finding{fine, what, text}
}

const (
	// standstill is for how long a machine may be held up without losing anything:
	// longer than a busy one often is.
	standstill = 200 * time.Millisecond
	// datagramRoom is what the system counts for one of ours, in bytes (measured with
	// Linux 6: 1,283 for one of 225), of twice the room that was asked for.
	datagramRoom = 1300
	// wantedRoom is what the server asks for, in bytes.
	wantedRoom = 8 << 20
)

// checkRoom looks at how many bytes the system keeps for a socket while nobody reads.
func checkRoom(s node.Settings, room int) finding {
	const what = "socket"
	holds := float64(2*min(room, wantedRoom)/datagramRoom) / s.Datagrams(s.MaxUsers)
	text := fmt.Sprintf("the system keeps what comes in %s when %d users are online (max_users)",
		time.Duration(holds*float64(time.Second)).Round(time.Millisecond), s.MaxUsers)
	if room < wantedRoom && holds < standstill.Seconds() {
		return finding{warning, what, text + "; what comes while the machine is held up for longer is lost. " +
			fmt.Sprintf("Put net.core.rmem_max = %d into /etc/sysctl.d/60-undertone-server.conf, run: sudo sysctl --system, and restart the server", wantedRoom)}
	}
	return finding{fine, what, text}
}
