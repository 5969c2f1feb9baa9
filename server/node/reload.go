package node

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"strings"
	"time"

	"undertone/server/internal/local"
	"undertone/server/internal/metrics"
)

// keep renews the certificate in time, and reads the settings again when it is
// told to, until the context ends.
func (n *Node) keep(ctx context.Context) error {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			n.renewOrSay(now)
		case <-n.config.Reload:
			n.renewOrSay(time.Now())
			n.reload(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// renewOrSay renews the certificate, if it is time to, or if the one in use is not
// on the disk any more.
func (n *Node) renewOrSay(now time.Time) {
	err := n.renew(now)
	if err == nil {
		return
	}
	if ends := n.cert.Load().Leaf.NotAfter; now.Before(ends) {
		n.log.Error("the online certificate stays as it is", "ends", ends.Format(time.DateOnly), "error", err)
		return
	}
	n.log.Error("nobody can come online any more", "error", err)
}

// reload reads the settings again. What can be changed while users are online is;
// the rest is named, at each reload until the server is restarted. If the new
// settings make no sense, everything stays as it was.
func (n *Node) reload(ctx context.Context) {
	next, err := ReadSettings(n.config.Data, n.config.Environ...)
	if err != nil {
		n.log.Error("the settings cannot be read again, and stay as they were", "error", err)
		return
	}
	if err := n.folder.Registry.CheckTerms(ctx, next.terms(), time.Now()); err != nil {
		n.log.Error("with these settings the server would not start again", "error", n.folder.explainTerms(err))
	}
	var done, restart []string
	for _, name := range differences(n.applied, next) {
		took, err := n.apply(ctx, name, next)
		switch {
		case err != nil:
			n.log.Error("a setting stays as it was", "setting", name, "error", err)
		case took:
			done = append(done, name)
		default:
			restart = append(restart, name)
		}
	}
	n.log.Info("the settings were read again", "changed", listed(done))
	n.setLevel(n.applied.LogLevel) // Only now, so that the line above can be seen before there are fewer.
	if len(restart) > 0 {
		n.log.Warn("some settings change only when the server is restarted", "settings", listed(restart))
	}
}

func listed(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, " ")
}

// apply changes one setting, and reports false if that takes a restart.
func (n *Node) apply(ctx context.Context, name string, next Settings) (took bool, err error) {
	switch name {
	case "log_level":
		n.setLevel(min(n.applied.LogLevel, next.LogLevel))
		n.applied.LogLevel = next.LogLevel
	case "public_host":
		// Invites are made by commands, which read it anew. Who has no UDP is sent to
		// the port of the start.
		if streamPort(n.hostBy(next)) != streamPort(n.host()) {
			return false, nil
		}
		n.applied.PublicHost = next.PublicHost
	case "max_users":
		if !n.engine.SetLimit(next.MaxUsers) {
			return false, nil // There are only so many seats.
		}
		n.applied.MaxUsers = next.MaxUsers
	case "metrics":
		if err := n.moveMetrics(ctx, next.Metrics); err != nil {
			return false, err
		}
		n.applied.Metrics = next.Metrics
	default:
		return false, nil
	}
	return true, nil
}

func (n *Node) setLevel(l slog.Level) {
	if n.config.Level != nil {
		n.config.Level.Set(l)
	}
}

// differences lists the settings in which a and b differ.
func differences(a, b Settings) (names []string) {
	was, is := reflect.ValueOf(newFile(a)), reflect.ValueOf(newFile(b))
	for field := range was.Type().Fields() {
		if !reflect.DeepEqual(was.FieldByIndex(field.Index).Interface(), is.FieldByIndex(field.Index).Interface()) {
			names = append(names, field.Tag.Get("toml"))
		}
	}
	return names
}

// moveMetrics has serveMetrics answer at another address, or at none. If that
// cannot be, it stays at the old one.
func (n *Node) moveMetrics(ctx context.Context, address string) error {
	if n.config.Embedded {
		return nil
	}
	var l net.Listener
	if address != "" {
		var err error
		if l, err = local.Listen(address); err != nil {
			return fmt.Errorf("cannot listen there: %w", err)
		}
	}
	select {
	case n.moved <- l:
		return nil
	case <-ctx.Done():
		if l != nil {
			_ = l.Close()
		}
		return ctx.Err()
	}
}

// serveMetrics answers those who measure until the context ends.
func (n *Node) serveMetrics(ctx context.Context) error {
	h := metrics.Handler(n)
	l := n.metrics
	for ctx.Err() == nil {
		l = n.serveMetricsAt(ctx, l, h)
	}
	if l != nil {
		_ = l.Close()
	}
	return nil
}

// serveMetricsAt answers on l, or nowhere if that is nil, until the context ends
// or there is another listener, which it returns. That it cannot do so any longer
// is no reason to end calls.
func (n *Node) serveMetricsAt(ctx context.Context, l net.Listener, h http.Handler) (next net.Listener) {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if l == nil {
			return
		}
		n.log.Info("metrics can be read", "at", l.Addr().String())
		if err := local.Serve(ctx, l, h); err != nil {
			n.log.Error("metrics cannot be read any longer", "error", err)
		}
	}()
	defer func() {
		stop()
		<-done
	}()
	select {
	case next = <-n.moved:
	case <-ctx.Done():
	}
	return next
}
