package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"undertone/server/internal/registry"
	"undertone/server/node"
)

func (c *cli) userCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "See and manage who may come online", Args: noSuch, RunE: needsCommand}
	cmd.AddCommand(c.userList(),
		c.userChange("disable", "Keep a user out until he is enabled again", "disabled",
			func(ctx context.Context, r *registry.Registry, u registry.User) error {
				return r.SetDisabled(ctx, u.Handle(), true)
			}),
		c.userChange("enable", "Let a disabled user in again", "enabled",
			func(ctx context.Context, r *registry.Registry, u registry.User) error {
				return r.SetDisabled(ctx, u.Handle(), false)
			}),
		c.userChange("remove", "Forget a user, who needs a new invite to come back", "removed",
			func(ctx context.Context, r *registry.Registry, u registry.User) error {
				return r.RemoveUser(ctx, u.Handle(), time.Now())
			}))
	return cmd
}

// A userReport is a user as JSON shows him.
type userReport struct {
	Handle string `json:"handle"`
	Label  string `json:"label"`
	Joined string `json:"joined"`
	State  string `json:"state"`
}

func newUser(u registry.User) userReport {
	r := userReport{Handle: u.Handle().String(), Label: u.Label, Joined: u.Joined.Format(time.DateOnly), State: "enabled"}
	if u.Disabled {
		r.State = "disabled"
	}
	return r
}

func (c *cli) userList() *cobra.Command {
	return c.jsonFlag(&cobra.Command{
		Use:   "list",
		Short: "List all users",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withFolder(cmd.Context(), func(f *node.Folder) error {
				rows, err := f.Registry.Users(cmd.Context())
				if err != nil {
					return err
				}
				reports := make([]userReport, 0, len(rows))
				table := [][]string{{"USER", "STATE", "JOINED", "LABEL"}}
				for _, row := range rows {
					r := newUser(row)
					reports = append(reports, r)
					table = append(table, []string{r.Handle[:12], r.State, r.Joined, r.Label})
				}
				return c.report(reports, tableText(table, "There are no users; invite one with: undertone-server invite create\n"))
			})
		},
	})
}

// userChange is a command that does one thing to one user, and has a running
// server act on it.
func (c *cli) userChange(verb, short, done string, change func(context.Context, *registry.Registry, registry.User) error) *cobra.Command {
	return &cobra.Command{
		Use:   verb + " USER",
		Short: short,
		Long:  short + ".\nUSER is the first digits of what user list shows, or the label of the invite.\nA running server takes it up at once.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withFolder(cmd.Context(), func(f *node.Folder) error {
				u, err := f.Registry.FindUser(cmd.Context(), args[0])
				if err != nil {
					return fmt.Errorf("%w; see: undertone-server user list", err)
				}
				if err := change(cmd.Context(), f.Registry, u); err != nil {
					return err
				}
				if err := c.tell(cmd.Context(), u.Handle()); err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.stdout, "User %s is %s.\n", describe(u), done)
				return err
			})
		},
	}
}

func describe(u registry.User) string {
	short := u.Handle().String()[:12]
	if u.Label == "" {
		return short
	}
	return fmt.Sprintf("%s (%s)", short, u.Label)
}
