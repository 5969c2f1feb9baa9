package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"undertone/server/internal/admin"
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
	s, err := node.ReadSettings(c.data)
	if err != nil {
		return []finding{{problem, "settings", err.Error()}}
	}
	list := []finding{{fine, "settings", filepath.Join(c.data, node.SettingsFile)}}
	list = append(list, checkPermissions(c.data))
	f, err := node.OpenFolder(ctx, c.data)
	if err != nil {
		return append(list, finding{problem, "data", err.Error()})
	}
	defer func() { _ = f.Close() }()
	list = append(list, checkRegistry(ctx, f), checkCertificate(f, time.Now()), checkMachine(s, runtime.NumCPU()), checkHost(ctx, s))
	return append(list, checkPorts(ctx, f)...)
}

// checkPermissions looks for what other users of the machine could read.
func checkPermissions(dir string) finding {
	var open []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // SQLite's side files come and go.
		}
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			open = append(open, path)
		}
		return err
	})
	if err != nil {
		return finding{problem, "permissions", err.Error()}
	}
	if len(open) > 0 {
		return finding{problem, "permissions", fmt.Sprintf("others can read %s; run: chmod -R go= %s", strings.Join(open, ", "), dir)}
	}
	return finding{fine, "permissions", "only the owner can read the data folder"}
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

func checkCertificate(f *node.Folder, now time.Time) finding {
	leaf, hasRoot, err := f.Certificate()
	const what = "certificate"
	switch {
	case err != nil && !hasRoot:
		return finding{problem, what, err.Error() + "; put the root key back into the data folder and restart the server, which makes a new one"}
	case err != nil:
		return finding{warning, what, err.Error() + "; the server makes a new one when it starts"}
	case now.Before(leaf.NotBefore):
		return finding{problem, what, fmt.Sprintf("the clock of this machine says %s, which is before the certificate was made; set the clock", now.Format(time.DateOnly))}
	case now.After(leaf.NotAfter.Add(-signal.RenewBefore)) && !hasRoot:
		return finding{problem, what, fmt.Sprintf("it ends on %s and the root key is not here to renew it; put it back for a moment and restart the server", leaf.NotAfter.Format(time.DateOnly))}
	}
	return finding{fine, what, fmt.Sprintf("valid until %s", leaf.NotAfter.Format(time.DateOnly))}
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

// checkHost looks at what invites say of the address.
func checkHost(ctx context.Context, s node.Settings) finding {
	const what = "public_host"
	if s.PublicHost == "" {
		return finding{warning, what, "it is empty, so invites can be made only while the server runs, and say where it listens"}
	}
	host, _, err := net.SplitHostPort(s.PublicHost)
	if err != nil {
		return finding{problem, what, err.Error()}
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return finding{problem, what, fmt.Sprintf("%s cannot be found (%v); enter the name in the DNS, or change it in server.toml", host, err)}
	}
	for _, a := range addrs {
		if a = a.Unmap(); !a.IsLoopback() && !a.IsPrivate() && !a.IsLinkLocalUnicast() {
			return finding{fine, what, s.PublicHost + " is " + a.String()}
		}
	}
	return finding{warning, what, fmt.Sprintf("%s is %s: users outside this network cannot reach it", s.PublicHost, join(addrs))}
}

func join(addrs []netip.Addr) string {
	texts := make([]string, 0, len(addrs))
	for _, a := range addrs {
		texts = append(texts, a.Unmap().String())
	}
	return strings.Join(texts, ", ")
}

// checkPorts tries to listen where the server would, unless it does already.
func checkPorts(ctx context.Context, f *node.Folder) []finding {
	status, err := admin.NewClient(f.Socket()).Status(ctx)
	if err == nil {
		return []finding{{fine, "ports", fmt.Sprintf("the server runs, at TCP %s and UDP %s", status.Signal, status.Cells)}}
	}
	if !errors.Is(err, admin.ErrNotRunning) {
		return []finding{{problem, "ports", err.Error()}}
	}
	return []finding{
		checkPort("TCP", f.Settings.Listen, func(addr string) (interface{ Close() error }, error) {
			return new(net.ListenConfig).Listen(ctx, "tcp", addr)
		}),
		checkPort("UDP", f.Settings.CellsAddress(), func(addr string) (interface{ Close() error }, error) {
			return new(net.ListenConfig).ListenPacket(ctx, "udp", addr)
		}),
	}
}

func checkPort(kind, addr string, listen func(string) (interface{ Close() error }, error)) finding {
	l, err := listen(addr)
	if err != nil {
		text := fmt.Sprintf("%s cannot be used (%v); stop what uses it, or change the address in server.toml", addr, err)
		if errors.Is(err, os.ErrPermission) {
			text = fmt.Sprintf("%s may not be used by this user; choose a port above 1023 in server.toml", addr)
		}
		return finding{problem, kind + " port", text}
	}
	_ = l.Close()
	return finding{fine, kind + " port", addr + " is free"}
}
