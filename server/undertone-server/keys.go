package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"undertone/server/internal/admin"
	"undertone/server/node"
	"undertone/transport/signal"
)

func (c *cli) keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "See and renew the keys of the server",
		Long: `See and renew the keys of the server.

The root key is what invites name: it cannot be replaced, and signs the online key. The
online key is what users are shown when they come online. It is renewed by itself while
the root key is in the data folder, and by keys rotate.`,
		Args: noSuch, RunE: needsCommand,
	}
	cmd.AddCommand(c.keysShow(), c.keysRotate(), c.keysOffline())
	return cmd
}

// A keysReport is what keys show prints as JSON.
type keysReport struct {
	node.Keys
	// Running is the online key that the running server uses, if one runs.
	Running *admin.OnlineKey `json:"running"`
}

func (c *cli) keysShow() *cobra.Command {
	return c.jsonFlag(&cobra.Command{
		Use:   "show",
		Short: "Say which keys there are, and until when they hold",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withFolder(cmd.Context(), func(f *node.Folder) error {
				keys, err := f.Keys()
				if err != nil {
					return fmt.Errorf("%w; make a new one with: %s", err, c.command("keys rotate"))
				}
				r := keysReport{Keys: keys}
				switch k, err := admin.NewClient(f.Socket()).OnlineKey(cmd.Context()); {
				case err == nil:
					r.Running = &k
				case !errors.Is(err, admin.ErrNotRunning):
					return err
				}
				return c.report(r, c.keysText(r, time.Now()))
			})
		},
	})
}

// day is a date as people read it.
func day(t time.Time) string { return t.Local().Format("2 January 2006") }

// renewCommand is how the operator makes a new online key where the root key is away.
func (c *cli) renewCommand() string { return c.command("keys rotate --root FILE") }

func (c *cli) keysText(r keysReport, now time.Time) string {
	place, renewal := "in the data folder", "by itself, from "+day(r.Renews)+" on"
	switch {
	case !r.HasRoot:
		place, renewal = "kept elsewhere", "by you, before "+day(r.Ends)+", with: "+c.renewCommand()
	case !now.Before(r.Renews):
		renewal = "by itself, when the server starts, or within half a day"
	}
	text := fmt.Sprintf("root key     %s, %s\nonline key   %s, made on %s, valid until %s\nrenewal      %s\n",
		r.Root, place, r.Online, day(r.Made), day(r.Ends), renewal)
	if r.Running != nil && r.Running.Name != r.Online {
		text += fmt.Sprintf("running      the server still uses the key %s, until %s; have it read the folder again (SIGHUP)\n", r.Running.Name, day(r.Running.Ends))
	}
	return text
}

func (c *cli) keysRotate() *cobra.Command {
	var root string
	var valid time.Duration
	cmd := &cobra.Command{
		Annotations: map[string]string{withFiles: "yes"}, // --root may be one that only the caller can read.

		Use:   "rotate",
		Short: "Make a new online key, and have a running server use it",
		Long: `Make a new online key, signed by the root key, and have a running server use it.
Nobody is cut off, and programs of users accept it by themselves, however long they were
away. Whoever has the old one can pretend to be this server until that runs out: do it
at once if it was stolen, and make keys that hold for less if the root key is elsewhere.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := readRootFile(root)
			if err != nil {
				return err
			}
			if err := actAsOwner(c.data); err != nil {
				return err
			}
			return c.withFolder(cmd.Context(), func(f *node.Folder) error { return c.rotate(cmd.Context(), f, valid, text) })
		},
	}
	cmd.Flags().StringVar(&root, "root", "", "the `file` with the root key, if it is not in the data folder")
	cmd.Flags().DurationVar(&valid, "valid", 0, fmt.Sprintf("how long the new key holds, %dh to %dh; default: as long as the one before",
		signal.MinOnlineLife/time.Hour, signal.OnlineLife/time.Hour))
	return c.jsonFlag(cmd)
}

// readRootFile reads the root key that the operator brings along, if he does.
func readRootFile(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the file that the operator named
	if err != nil {
		return nil, fmt.Errorf("the root key cannot be read: %w", err)
	}
	return text, nil
}

// A rotation is what keys rotate prints as JSON.
type rotation struct {
	keysReport
	// Old is the key that was used before, and OldEnds until when it can be misused.
	Old     string     `json:"old,omitempty"`
	OldEnds *time.Time `json:"old_ends,omitempty"`
}

func (c *cli) rotate(ctx context.Context, f *node.Folder, valid time.Duration, root []byte) error {
	if valid != 0 && (valid < signal.MinOnlineLife || valid > signal.OnlineLife) {
		return usageError{fmt.Errorf("--valid %s is not between %dh and %dh", valid, signal.MinOnlineLife/time.Hour, signal.OnlineLife/time.Hour)}
	}
	old, oldErr := f.Keys()
	now := time.Now()
	if err := f.Rotate(now, valid, root); err != nil {
		return err
	}
	keys, err := f.Keys()
	if err != nil {
		return err
	}
	r := rotation{keysReport: keysReport{Keys: keys}}
	if oldErr == nil {
		r.Old, r.OldEnds = old.Online, &old.Ends
	}
	used, err := admin.NewClient(f.Socket()).CheckKeys(ctx)
	switch {
	case err == nil:
		r.Running = &used
	case !errors.Is(err, admin.ErrNotRunning):
		return fmt.Errorf("the new key is in the data folder, but the running server has not taken it up (%w); restart it", err)
	}
	return c.report(r, c.rotationText(r, now))
}

func (c *cli) rotationText(r rotation, now time.Time) string {
	use := "The server uses it when it starts.\n"
	if r.Running != nil {
		use = "The running server shows it to everybody who comes online from now on; nobody was cut off.\n"
	}
	old := ""
	if r.OldEnds != nil {
		old = fmt.Sprintf("Whoever has the old one, %s, can pretend to be this server until %s.\n", r.Old, day(*r.OldEnds))
	}
	return use + old + c.keysText(r.keysReport, now)
}

func (c *cli) keysOffline() *cobra.Command {
	return &cobra.Command{
		Annotations: map[string]string{withFiles: "yes"},

		Use:   "offline FILE",
		Short: "Move the root key out of the data folder, into FILE",
		Long: `Move the root key out of the data folder, into FILE on a disk that is then kept where
no intruder on this machine can reach it. The server goes on with its online key; before
that runs out, bring the file back for: undertone-server keys rotate --root FILE.
Make a copy of FILE: without it the server ends with its online key, for good.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			kept, err := node.CopyRootKey(c.data, args[0])
			if err != nil {
				return err
			}
			if err := actAsOwner(c.data); err != nil {
				return err
			}
			if err := node.ForgetRootKey(c.data, kept, time.Now()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.stdout, `The root key is in %s, and not in %s any more. Keep that file, and a copy of it:
without it the server ends with its online key. What was deleted can linger on the disk
of this machine, and the key is in backups that were made before.
Until when the online key holds, and how to renew it, says: %s
`, args[0], c.data, c.command("keys show"))
			return err
		},
	}
}
