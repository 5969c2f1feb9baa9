package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	localhttp "undertone/server/internal/local"
	"undertone/server/internal/metrics"
	"undertone/server/node"
)

func (c *cli) dashboardCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "dashboard",
		Short: "Print a dashboard for Grafana, which draws the metrics of a server",
		Long: `Print a dashboard for Grafana, which draws the metrics of a server. To have any,
set metrics in server.toml and let Prometheus scrape that address; then import what
this prints into Grafana (Dashboards, New, Import).`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := c.stdout.Write(metrics.Dashboard())
			return err
		},
	}
}

// checkMetrics tries to listen where the server with these data would be measured.
func checkMetrics(s node.Settings, data string) []finding {
	if s.Metrics == "" {
		return nil
	}
	l, err := localhttp.Listen(s.Metrics)
	if err == nil {
		_ = l.Close()
	}
	return []finding{judgeMetrics(s.Metrics, data, err)}
}

// serviceRun is the folder for sockets that the unit has systemd make when the service
// starts, and remove when it ends.
const serviceRun = "/run/undertone"

// judgeMetrics says what it means that an address could or could not be had.
func judgeMetrics(address, data string, err error) finding {
	const what = "metrics"
	path, _ := strings.CutPrefix(address, "unix:")
	switch {
	case err == nil:
		return finding{fine, what, address + " is free"}
	case errors.Is(err, fs.ErrNotExist) && data == installedData && filepath.Dir(path) == serviceRun:
		return finding{fine, what, serviceRun + " is made when the service starts"}
	case errors.Is(err, fs.ErrNotExist):
		return finding{problem, what, fmt.Sprintf("%s cannot be used, since there is no folder %s; make it, or change the address in server.toml", address, filepath.Dir(path))}
	}
	return finding{problem, what, fmt.Sprintf("%s cannot be used (%v); stop what uses it, or change the address in server.toml", address, err)}
}
