package attack

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"undertone/server/internal/admin"
	"undertone/server/node"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/rtc"
	"undertone/transport/signal"
	"undertone/transport/simnet"
	"undertone/transport/uri"
)

const (
	interval = cell.Interval40
	oneWay   = 20 * time.Millisecond
)

// A world is a whole server in fake time.
type world struct {
	t    *testing.T
	star *simnet.Star
	node *node.Node
	dir  string
	port net.PacketConn // the server's: what is written to it comes from the server
}

// inWorld runs a test with a server. It fails if the server leaves a goroutine
// behind, or has caught a bug.
func inWorld(t *testing.T, mode cell.Mode, seats int, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := node.DefaultSettingsFor(mode)
		s.Listen, s.Interval = ":7443", interval
		if seats > 0 {
			s.MaxUsers = seats
		}
		w := &world{t: t, dir: filepath.Join(t.TempDir(), "data"), star: simnet.New(simnet.Config{Seed: 1})}
		defer w.star.Close()
		if err := node.Init(t.Context(), w.dir, s); err != nil {
			t.Fatal(err)
		}
		stop := w.serve()
		defer stop()
		test(t, w)
		if s := w.node.Status(); s.Faults != 0 || s.Skipped != 0 || s.Unsent != 0 {
			t.Errorf("the server has taken harm: %+v", s)
		}
	})
}

// serve starts the server.
func (w *world) serve() (stop func()) {
	w.t.Helper()
	listener, err := w.star.Server().ListenStream(node.DefaultPort)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.port, err = w.star.Server().ListenUDP(node.DefaultPort); err != nil {
		w.t.Fatal(err)
	}
	w.node, err = node.New(w.t.Context(), node.Config{
		Data: w.dir, Signal: listener, Cells: w.port, Embedded: true,
		Offset: func(below time.Duration) time.Duration { return below / 3 },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.node.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	}
}

func (w *world) status() admin.Status { return w.node.Status() }

// strangers returns what the server has counted of strangers when all that is on
// its way to it at this moment has arrived.
func (w *world) strangers() (signal.GuardCounts, rtc.ListenerStats) {
	synctest.Wait()
	return w.node.Strangers()
}

// host adds a machine with an address of its own.
func (w *world) host() *simnet.Host {
	path := simnet.Path{Delay: oneWay}
	return w.star.User(path, path)
}

// socket opens a socket on a machine.
func (w *world) socket(h *simnet.Host) net.PacketConn {
	w.t.Helper()
	c, err := h.ListenUDP(0)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// cells is where the server takes datagrams.
func (w *world) cells() net.Addr { return w.node.CellsAddr() }

func (w *world) invite() uri.Token {
	w.t.Helper()
	i, err := w.node.CreateInvite(w.t.Context(), "somebody", time.Hour)
	if err != nil {
		w.t.Fatal(err)
	}
	return i.Token
}

func (w *world) identity() *key.Identity {
	w.t.Helper()
	return newIdentity(w.t)
}

// member registers somebody, who does not go on to open a link.
func (w *world) member() *key.Identity {
	w.t.Helper()
	id := w.identity()
	if _, err := w.client(id, w.invite()).Online(w.t.Context(), w.offer()); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// client is the signalling half of somebody at an address of his own.
func (w *world) client(id *key.Identity, token uri.Token) *signal.Client {
	return &signal.Client{Server: w.node.Server(), Identity: id, Token: token, Dial: w.host().DialContext}
}

// offer returns an offer that is good, of a link that nobody opens.
func (w *world) offer() (offer string) {
	w.t.Helper()
	enough := errors.New("that is all")
	_, err := rtc.Dial(w.t.Context(), rtc.DialConfig{Conn: w.socket(w.host())}, func(_ context.Context, o string) (string, error) {
		offer = o
		return "", enough
	})
	if !errors.Is(err, enough) {
		w.t.Fatal(err)
	}
	return offer
}

// refused counts the errors that are of a kind.
func refused(want error, errs ...error) (n int) {
	for _, err := range errs {
		if errors.Is(err, want) {
			n++
		}
	}
	return n
}
