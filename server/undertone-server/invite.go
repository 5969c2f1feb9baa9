package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"undertone/server/internal/admin"
	"undertone/server/internal/registry"
	"undertone/server/node"
	"undertone/transport/uri"
)

func (c *cli) inviteCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "invite", Short: "Let new users in", Args: noSuch, RunE: needsCommand}
	cmd.AddCommand(c.inviteCreate(), c.inviteList(), c.inviteRevoke())
	return cmd
}

// noSuch refuses the words after a command that only has commands below it.
func noSuch(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("there is no command %q; see: %s --help", cmd.CommandPath()+" "+args[0], cmd.CommandPath())
	}
	return nil
}

func needsCommand(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// An inviteReport is an invite as JSON shows it.
type inviteReport struct {
	ID      string    `json:"id"`
	Label   string    `json:"label"`
	Expires time.Time `json:"expires"`
	State   string    `json:"state"`
	Link    string    `json:"link,omitempty"`
}

func newInvite(i uri.Invite, row registry.Invite) inviteReport {
	r := oldInvite(row, time.Now())
	r.Link = i.String()
	return r
}

func oldInvite(row registry.Invite, now time.Time) inviteReport {
	return inviteReport{ID: row.ID, Label: row.Label, Expires: row.Expires, State: string(row.State(now))}
}

// text shows the link and its QR code.
func (r inviteReport) text(w io.Writer) string {
	return r.Link + "\n\n" + qrText(r.Link, isTerminal(w))
}

// checkInvite refuses what no invite can be.
func checkInvite(label string, life time.Duration) error {
	if life < time.Minute || life > 10*365*24*time.Hour {
		return usageError{fmt.Errorf("--expires %s is not between a minute and ten years; use something like 48h", life)}
	}
	if err := registry.CheckLabel(label); err != nil {
		return usageError{err}
	}
	return nil
}

func (c *cli) inviteCreate() *cobra.Command {
	var expires time.Duration
	cmd := &cobra.Command{
		Use:   "create [LABEL]",
		Short: "Make an invite for one new user, as link and QR code",
		Long:  "Make an invite for one new user. The label helps to tell users apart in user list; users never see it.",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			label := strings.Join(args, "")
			if err := checkInvite(label, expires); err != nil {
				return err
			}
			return c.withFolder(cmd.Context(), func(f *node.Folder) error {
				host, err := c.inviteHost(cmd.Context(), f)
				if err != nil {
					return err
				}
				invite, row, err := f.CreateInvite(cmd.Context(), label, expires, host)
				if err != nil {
					return err
				}
				r := newInvite(invite, row)
				return c.report(r, fmt.Sprintf("For one user, until %s:\n\n%s",
					r.Expires.Local().Format("2 January 2006 15:04"), r.text(c.stdout)))
			})
		},
	}
	cmd.Flags().DurationVar(&expires, "expires", inviteLife, "how long the invite holds")
	return c.jsonFlag(cmd)
}

// inviteHost is what the invite says of the address: the settings' word, or
// else where the running server listens. It must be the same server as that of the
// settings: otherwise whoever gets the invite would be refused.
func (c *cli) inviteHost(ctx context.Context, f *node.Folder) (string, error) {
	host := f.Settings.PublicHost
	s, err := admin.NewClient(f.Socket()).Status(ctx)
	if errors.Is(err, admin.ErrNotRunning) || err != nil && host != "" {
		return host, nil
	}
	if err != nil {
		return "", err
	}
	if m, i := f.Settings.Mode.String(), f.Settings.Interval.String(); s.Mode != m || s.Interval != i {
		return "", fmt.Errorf("the running server has mode %s and interval %s, and the settings say %s and %s; restart it, or give this command the same variables %s… as the server",
			s.Mode, s.Interval, m, i, node.EnvPrefix)
	}
	if host == "" {
		host = s.Signal
	}
	return host, nil
}

func (c *cli) inviteList() *cobra.Command {
	return c.jsonFlag(&cobra.Command{
		Use:   "list",
		Short: "List all invites",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withFolder(cmd.Context(), func(f *node.Folder) error {
				rows, err := f.Registry.Invites(cmd.Context())
				if err != nil {
					return err
				}
				reports := make([]inviteReport, 0, len(rows))
				table := [][]string{{"INVITE", "STATE", "EXPIRES", "LABEL"}}
				for _, row := range rows {
					r := oldInvite(row, time.Now())
					reports = append(reports, r)
					table = append(table, []string{r.ID, r.State, r.Expires.Local().Format("2006-01-02 15:04"), r.Label})
				}
				return c.report(reports, tableText(table, "There are no invites; make one with: undertone-server invite create\n"))
			})
		},
	})
}

func (c *cli) inviteRevoke() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke INVITE",
		Short: "Take an invite back that was not used yet",
		Long:  "Take an invite back that was not used yet.\nINVITE is the first digits of what invite list shows, or the label of one open invite.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withFolder(cmd.Context(), func(f *node.Folder) error {
				i, err := f.Registry.FindInvite(cmd.Context(), args[0], time.Now())
				if err != nil {
					return fmt.Errorf("%w; see: undertone-server invite list", err)
				}
				err = f.Registry.RevokeInvite(cmd.Context(), i)
				if errors.Is(err, registry.ErrInviteUsed) {
					return fmt.Errorf("%w; to keep the user out: undertone-server user disable USER", err)
				}
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.stdout, "Invite %s is revoked.\n", i.ID)
				return err
			})
		},
	}
}

// tableText aligns rows; the first is the header. Without others it is empty.
func tableText(rows [][]string, empty string) string {
	if len(rows) == 1 {
		return empty
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // A Builder takes everything.
	return b.String()
}
