package main

import (
	"fmt"

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

// checkMetrics tries to listen where the server would be measured.
func checkMetrics(s node.Settings) []finding {
	const what = "metrics"
	if s.Metrics == "" {
		return nil
	}
	l, err := localhttp.Listen(s.Metrics)
	if err != nil {
		return []finding{{problem, what, fmt.Sprintf("%s cannot be used (%v); stop what uses it, or change the address in server.toml", s.Metrics, err)}}
	}
	_ = l.Close()
	return []finding{{fine, what, s.Metrics + " is free"}}
}
