package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"undertone/server/internal/admin"
	"undertone/server/node"
)

// A statusReport is what status prints as JSON.
type statusReport struct {
	Running    bool `json:"running"`
	Registered int  `json:"registered"`
	*admin.Status
}

func (c *cli) statusCommand() *cobra.Command {
	return c.jsonFlag(&cobra.Command{
		Use:   "status",
		Short: "Say how the running server does",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withFolder(cmd.Context(), func(f *node.Folder) error {
				return c.status(cmd.Context(), f)
			})
		},
	})
}

func (c *cli) status(ctx context.Context, f *node.Folder) error {
	users, err := f.Registry.Users(ctx)
	if err != nil {
		return err
	}
	r := statusReport{Registered: len(users)}
	s, err := admin.NewClient(f.Socket()).Status(ctx)
	if errors.Is(err, admin.ErrNotRunning) {
		if err := c.report(r, fmt.Sprintf("registered   %d users\n", r.Registered)); err != nil {
			return err
		}
		return fmt.Errorf("%w; start it with: %s", err, c.startCommand())
	}
	if err != nil {
		return err
	}
	r.Running, r.Status = true, &s
	return c.report(r, statusText(s, r.Registered))
}

// channelsText says how many channels are shared, if any.
func channelsText(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d channels", n)
}

func statusText(s admin.Status, registered int) string {
	return fmt.Sprintf(`running      since %s, for %s
version      %s
set          %s, %s%s
listens      TCP %s, UDP %s
users        %d online of %d places, %d registered
slots        %d mixed, %d skipped
lateness     mixing %.2f ms (worst %.1f ms), sending %.2f ms (worst %.1f ms)
cells        %d late, %d missing, %d not sent, %d unreadable
refused      %d requests, %d connections, %d links not opened
faults       %d
certificate  until %s
`,
		s.Started.Local().Format("2 January 2006 15:04"), time.Since(s.Started).Round(time.Second),
		s.Version, s.Mode, s.Interval, channelsText(s.Channels), s.Signal, s.Cells,
		s.Online, s.Places, registered, s.Slots, s.Skipped,
		s.Mixing.Mean, s.Mixing.Max, s.Sending.Mean, s.Sending.Max, s.Late, s.Missing, s.Unsent, s.Unreadable,
		s.Refused, s.Throttled, s.Unopened, s.Faults,
		s.CertificateEnds.Format("2 January 2006"))
}
