// Package node composes a server: it opens the data folder, listens, and joins
// the parts that know nothing of each other.
//
//	signalling ──▶ gate ──▶ registry        may this account come online?
//	                │ ────▶ rtc.Listener    the answer, and a link
//	                │ ────▶ mix.Engine      a place in the set
//	           not TLS ──▶ rtc.Listener    a link of who has no UDP
//	link ◀───────────────────▶ mix.Engine   the mode's messages up and down in each slot
//	admin socket ──▶ node                   status; a user was disabled
//	Prometheus ────▶ metrics ──▶ node       how it does, if the settings want that
//
// A data folder is made by Init and holds
//
//	server.toml   the settings
//	registry.db   users and invites (and SQLite's side files)
//	root.key      the root key; may be kept elsewhere, and brought to renew online.pem
//	root.crt      the root certificate, whose key every invite names
//	online.pem    the key and certificate that is used online, good for a year or less
//	format        the version of all this, so that an older program refuses it
//	lock          held by the process that serves the folder
//	admin.sock    where that process can be asked and told things
//
// Backup puts all that lasts of it into one file while the server runs, and Restore
// makes a data folder of such a file.
//
// The server's main uses it, and so may the demo of the app, which is the one
// package outside the server that does.
package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"undertone/server/internal/admin"
	"undertone/server/internal/local"
	"undertone/server/internal/mix"
	"undertone/transport/rtc"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

// spareLinks is for how many links there is room besides one for each seat: those
// that were replaced and take a moment to go.
const spareLinks = 64

// renewEvery is how often the online certificate is looked at.
const renewEvery = 12 * time.Hour

// Config says what to serve. Only Data is needed; the rest is for programs that
// run a server inside them, and for tests.
type Config struct {
	// Data is the data folder, made by Init.
	Data string
	// Environ are variables as those of os.Environ, which override settings.
	Environ []string
	// Version of the program, for status.
	Version string
	// Reload has the node read its settings again whenever something comes by it.
	// It is never closed.
	Reload <-chan os.Signal
	// Level is set to the settings' log_level, now and whenever that changes; nil
	// stands for a log that goes by something else.
	Level *slog.LevelVar
	// Log gets what an operator should know; nil stands for nowhere. Nothing
	// about calls is logged at any level, and nothing about single users at
	// the usual ones.
	Log *slog.Logger
	// Signal is where users come online, instead of the settings' listen.
	Signal net.Listener
	// Cells is the socket for all links, instead of the settings' listen_udp.
	Cells net.PacketConn
	// Limits bound what strangers can ask; zero stands for the usual ones. Users
	// is what the settings say.
	Limits signal.Limits
	// Embedded servers have no admin socket and no metrics: they are inside a
	// program that talks to the Node itself, or in fake time.
	Embedded bool
	// Offset draws a user's place in the window of a slot; nil draws it from
	// the system's randomness.
	Offset func(below time.Duration) time.Duration
}

// A Node is a server. New makes it, Run serves.
type Node struct {
	config  Config
	log     *slog.Logger
	folder  *Folder
	unlock  func() error
	signal  net.Listener
	admin   net.Listener
	metrics net.Listener // at the start; nil if nobody is to measure
	links   *rtc.Listener
	engine  *mix.Engine
	gate    *gate
	guard   *signal.Guard
	refused map[signal.Code]*atomic.Uint64 // the map itself is read only
	cert    atomic.Pointer[tls.Certificate]
	started time.Time
	machine func() time.Time // the machine's clock
	// renewing is held by whoever replaces cert.
	renewing sync.Mutex
	moved    chan net.Listener // by which metrics get a new place

	// Touched by keep only.
	applied Settings // those that are in use
}

// Run serves until the context ends, and then returns nil; or it returns why it
// cannot serve any longer, which is ErrClock if it would do to call it again.
func Run(ctx context.Context, c Config) error {
	n, err := New(ctx, c)
	if err != nil {
		return err
	}
	return n.Run(ctx)
}

// New opens the data folder and listens; users who come now wait for Run. The
// context is for opening only. The listeners of c are the node's from now on,
// whatever New returns.
func New(ctx context.Context, c Config) (_ *Node, err error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	n := &Node{
		config: c, log: c.Log, signal: c.Signal, started: time.Now(), machine: time.Now,
		moved: make(chan net.Listener),
	}
	defer func() {
		if err != nil {
			_ = n.Close()
		}
	}()
	if err := n.openFolder(ctx); err != nil {
		return nil, err
	}
	if err := n.listen(ctx); err != nil {
		return nil, err
	}
	return n, n.compose()
}

func (n *Node) openFolder(ctx context.Context) (err error) {
	// The settings first: without any there is no folder to lock.
	if _, err := ReadSettings(n.config.Data, n.config.Environ...); err != nil {
		return err
	}
	if n.unlock, err = lock(n.config.Data); err != nil {
		return err
	}
	if n.folder, err = OpenFolder(ctx, n.config.Data, n.config.Environ...); err != nil {
		return err
	}
	n.applied = n.folder.Settings
	n.setLevel(n.applied.LogLevel)
	// With another mode or interval every client would be refused.
	if err := n.folder.Registry.Settle(ctx, n.folder.Settings.terms(), time.Now()); err != nil {
		return n.folder.explainTerms(err)
	}
	return n.renew(time.Now())
}

// listen opens what the configuration did not bring along.
func (n *Node) listen(ctx context.Context) (err error) {
	s := n.folder.Settings
	if n.signal == nil {
		if n.signal, err = new(net.ListenConfig).Listen(ctx, "tcp", s.Listen); err != nil {
			return fmt.Errorf("cannot listen for users (%w); try: undertone-server check", err)
		}
	}
	n.links, err = rtc.NewListener(rtc.ListenConfig{
		Conn:       n.config.Cells,
		Address:    s.CellsAddress(),
		Public:     s.PublicAddresses,
		StreamPort: streamPort(n.host()),
		// All seats may be about to open, when the server comes back; more are those
		// of users who ask again.
		MaxPending: s.MaxUsers + spareLinks,
	})
	if err != nil {
		return fmt.Errorf("cannot listen for cells (%w); try: undertone-server check", err)
	}
	limits := n.config.Limits
	limits.Users = s.MaxUsers
	n.guard = signal.NewGuard(limits)
	n.guard.Divert(n.links.Adopt)
	if n.config.Embedded {
		return nil
	}
	if n.admin, err = admin.Listen(n.folder.Socket()); err != nil || s.Metrics == "" {
		return err
	}
	if n.metrics, err = local.Listen(s.Metrics); err != nil {
		return fmt.Errorf("cannot listen for those who measure (%w); change metrics in %s", err, SettingsFile)
	}
	return nil
}

// Close gives everything back. Run does so itself; Close is for a node that is
// not going to run.
func (n *Node) Close() error {
	var errs []error
	if n.signal != nil {
		_ = n.signal.Close() // Closed by its server already, most of the time.
	}
	if n.links != nil {
		errs = append(errs, n.links.Close())
	} else if n.config.Cells != nil {
		_ = n.config.Cells.Close()
	}
	if n.admin != nil {
		_ = n.admin.Close()
	}
	if n.metrics != nil {
		_ = n.metrics.Close()
	}
	if n.folder != nil {
		errs = append(errs, n.folder.Close())
	}
	if n.unlock != nil {
		errs = append(errs, n.unlock())
	}
	return errors.Join(errs...)
}

// Addr returns where users come online.
func (n *Node) Addr() net.Addr { return n.signal.Addr() }

// CellsAddr returns where the cells arrive.
func (n *Node) CellsAddr() net.Addr { return net.UDPAddrFromAddrPort(n.links.Addr()) }

// Server returns what an invite says of this server.
func (n *Node) Server() uri.Server { return n.folder.server(n.host()) }

// streamPort is where users of a host without UDP connect: where everybody comes online.
func streamPort(host string) uint16 {
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		return 0
	}
	p, _ := strconv.ParseUint(port, 10, 16) // 0, which stands for none, if it is a word.
	return uint16(p)
}

func (n *Node) host() string { return n.hostBy(n.folder.Settings) }

// hostBy is the settings' public_host, or else the address that is listened at.
func (n *Node) hostBy(s Settings) string {
	if s.PublicHost != "" {
		return s.PublicHost
	}
	return reachable(n.Addr().String())
}

// reachable turns an address to listen at into one to connect to.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

// CreateInvite makes an invite for one user, for programs that have a server
// inside them.
func (n *Node) CreateInvite(ctx context.Context, label string, holds time.Duration) (uri.Invite, error) {
	i, _, err := n.folder.CreateInvite(ctx, label, holds, n.host())
	return i, err
}

// Run serves until the context ends and all is given back.
func (n *Node) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts := []func(context.Context) error{
		func(ctx context.Context) error { n.engine.Run(ctx); return nil },
		n.serveSignal,
		n.keep,
		n.watchPort,
	}
	if n.admin != nil {
		// What a server is embedded in has its own idea of when to begin anew.
		parts = append(parts, func(ctx context.Context) error { return admin.Serve(ctx, n.admin, n) }, n.serveMetrics, n.watchClock)
	}
	n.log.Info("serving", "version", n.config.Version, "mode", n.folder.Settings.Mode.String(),
		"interval", n.folder.Settings.Interval.String(), "signal", n.Addr().String(), "cells", n.CellsAddr().String())
	results := make(chan error, len(parts))
	for _, part := range parts {
		go func() { results <- part(ctx) }()
	}
	var first error
	for range parts {
		if err := <-results; err != nil && first == nil && ctx.Err() == nil {
			first = err
		}
		// Each part serves until the context ends; so if one ends, all do.
		cancel()
	}
	n.gate.wait()
	if err := n.Close(); first == nil {
		first = err
	}
	n.log.Info("stopped")
	return first
}

func (n *Node) serveSignal(ctx context.Context) error {
	h := signal.NewHandler(signal.Config{
		Server: n.Server(), Channels: n.folder.Settings.shared(), Gate: n.gate,
		Refused: func(code signal.Code) { n.refused[code].Add(1) }, Log: n.log, Now: n.now,
	})
	return signal.Serve(ctx, n.signal, signal.TLSConfig(n.cert.Load), h, n.guard, n.log)
}

// watchPort returns why no cells can arrive any more, or nil when the context ends. The
// slots would go on, for nobody.
func (n *Node) watchPort(ctx context.Context) error {
	select {
	case <-n.links.Done():
		return n.links.Err()
	case <-ctx.Done():
		return nil
	}
}

// now is the time as the engine counts it: the machine's clock at the start, and
// from then on only what has passed since.
func (n *Node) now() time.Time { return n.started.Add(time.Since(n.started)) }

// renew puts the certificate in use that is right from now on.
func (n *Node) renew(now time.Time) error {
	n.renewing.Lock()
	defer n.renewing.Unlock()
	cert, err := n.folder.Online(now)
	if err != nil {
		return err
	}
	if old := n.cert.Swap(cert); old != nil && !old.Leaf.Equal(cert.Leaf) {
		n.log.Info("another online key is in use", "key", nameOf(cert.Leaf), "ends", cert.Leaf.NotAfter.Format(time.DateOnly))
	}
	if err := n.folder.lapse(cert.Leaf, now); err != nil {
		n.log.Warn("soon nobody can come online any more", "error", err)
	}
	return nil
}
