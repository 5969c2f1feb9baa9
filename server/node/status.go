package node

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"undertone/server/internal/admin"
	"undertone/server/internal/mix"
	"undertone/transport/key"
	"undertone/transport/rtc"
	"undertone/transport/signal"
	"undertone/transport/throttle"
)

// compose makes the parts that need the folder and the listeners.
func (n *Node) compose() error {
	engine, err := mix.New(mix.Config{
		Mode:     n.folder.Settings.Mode,
		Interval: n.folder.Settings.Interval,
		Channels: n.folder.Settings.shared(),
		Pin:      n.Server().Pin,
		Seats:    n.folder.Settings.MaxUsers,
		Offset:   n.config.Offset,
	})
	if err != nil {
		return fmt.Errorf("max_users in %s: %w", SettingsFile, err)
	}
	n.engine = engine
	n.gate = &gate{registry: n.folder.Registry, links: n.links, engine: engine, interval: n.folder.Settings.Interval,
		accounts: throttle.NewTable[key.Handle](accountRate, remembered)}
	n.gate.up, n.gate.down = engine.Most()
	n.refused = make(map[signal.Code]*atomic.Uint64)
	for _, code := range signal.Codes() {
		n.refused[code] = new(atomic.Uint64)
	}
	return nil
}

// Status says how the server does, for admin and for tests.
func (n *Node) Status() admin.Status {
	m := n.engine.Metrics()
	s := n.folder.Settings
	guard, links := n.guard.Counts(), n.links.Stats()
	return admin.Status{
		Version:         n.config.Version,
		Started:         n.started,
		Signal:          n.Addr().String(),
		Cells:           n.CellsAddr().String(),
		Mode:            s.Mode.String(),
		Interval:        s.Interval.String(),
		Channels:        s.shared(),
		Online:          m.Online,
		Places:          n.engine.Limit(),
		Slots:           m.Slots,
		Skipped:         m.Skipped,
		Mixing:          admin.Lateness{Mean: milliseconds(m.MeanPassLateness), Max: milliseconds(m.MaxPassLateness)},
		Sending:         admin.Lateness{Mean: milliseconds(m.MeanSendLateness), Max: milliseconds(m.MaxSendLateness)},
		Late:            m.Late,
		Missing:         m.Missing,
		Unsent:          m.Unsent,
		Unreadable:      m.Refused + m.Odd,
		Faults:          m.Faults,
		Refused:         guard.Refused,
		Throttled:       guard.Throttled + guard.Cut,
		Unopened:        links.Unopened,
		CertificateEnds: n.cert.Load().Leaf.NotAfter,
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Strangers says what came to the server from who is no user, or pretends to be
// one.
func (n *Node) Strangers() (signal.GuardCounts, rtc.ListenerStats) {
	return n.guard.Counts(), n.links.Stats()
}

// CheckUser has a user leave who was disabled or removed in the registry.
func (n *Node) CheckUser(ctx context.Context, h key.Handle) error {
	err := n.gate.check(ctx, h)
	if errors.Is(err, signal.ErrUserDisabled) || errors.Is(err, signal.ErrUserUnknown) {
		return nil
	}
	return err
}
