package node

import (
	"context"
	"fmt"
	"time"

	"undertone/server/internal/metrics"
	"undertone/transport/signal"
)

// stuck is after how long without a slot the clock is taken for stopped. It is
// longer than any pause of a machine that still serves.
const stuck = 5 * time.Second

// Facts says how the server does, for metrics.
func (n *Node) Facts() metrics.Facts {
	s := n.folder.Settings
	f := metrics.Facts{
		Version:         n.config.Version,
		Mode:            s.Mode.String(),
		Interval:        s.Interval.String(),
		Places:          n.engine.Limit(),
		Mix:             n.engine.Metrics(),
		Refused:         make(map[signal.Code]uint64, len(n.refused)),
		Throttled:       n.gate.throttled.Load(),
		CertificateEnds: n.cert.Load().Leaf.NotAfter,
	}
	f.Guard, f.Links = n.Strangers()
	for code, count := range n.refused {
		f.Refused[code] = count.Load()
	}
	return f
}

// Healthy says why users are not served, or cannot come online, or soon cannot.
func (n *Node) Healthy(ctx context.Context) error {
	if since := time.Since(n.engine.Metrics().Passed); since > stuck {
		return fmt.Errorf("no slot was mixed for %s", since.Round(time.Second))
	}
	leaf := n.cert.Load().Leaf
	if n.now().After(leaf.NotAfter) {
		return fmt.Errorf("the online certificate ran out on %s; run: undertone-server keys rotate, with --root FILE if the root key is kept elsewhere",
			leaf.NotAfter.Format(time.DateOnly))
	}
	if err := n.folder.Registry.Ping(ctx); err != nil {
		return fmt.Errorf("the registry cannot be read: %w", err)
	}
	if err := n.folder.lapse(leaf, n.now()); err != nil {
		return &metrics.Warning{Cause: err}
	}
	return nil
}
