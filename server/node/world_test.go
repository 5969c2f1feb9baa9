package node

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/rtc"
	"undertone/transport/signal"
	"undertone/transport/simnet"
	"undertone/transport/uri"
	"undertone/transport/wire"
)

// oneWay is the delay of each direction in the simulated world.
const oneWay = 20 * time.Millisecond

// A world is a whole server in fake time.
type world struct {
	t    *testing.T
	star *simnet.Star
	node *Node
	log  bytes.Buffer
	stop func()
	// record is what users send along, size the length of what they get.
	record []byte
	size   int
}

// newWorld starts a server; it must be called in a synctest bubble, which fails
// by itself if the server leaves a goroutine behind.
func newWorld(t *testing.T, change ...func(*Settings)) *world {
	t.Helper()
	s := DefaultSettings()
	s.Listen = ":7443"
	for _, f := range change {
		f(&s)
	}
	dir := filepath.Join(t.TempDir(), "data")
	if err := Init(t.Context(), dir, s); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, star: simnet.New(simnet.Config{Seed: 1}), size: cell.Size}
	if s.Mode == cell.BMIX {
		w.record, w.size = bytes.Repeat([]byte{1}, key.ConnectionSize), wire.BroadcastSize
	}
	listener, err := w.star.Server().ListenStream(DefaultPort)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := w.star.Server().ListenUDP(DefaultPort)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.node, err = New(t.Context(), Config{Data: dir, Log: log, Signal: listener, Cells: socket, Embedded: true, Offset: third})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.node.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		w.star.Close()
	}
	return w
}

// third puts everybody at the same place of the window, in every run.
func third(below time.Duration) time.Duration { return below / 3 }

// A user is a client that counts the messages it gets.
type user struct {
	*rtc.Link
	cells atomic.Int64
	other atomic.Int64 // messages of another length
	quiet func()       // ends what he says
}

// online brings a user online who has an invite or not.
func (w *world) online(id *key.Identity, token uri.Token) (*user, error) {
	w.t.Helper()
	path := simnet.Path{Delay: oneWay}
	host := w.star.User(path, path)
	socket, err := host.ListenUDP(0)
	if err != nil {
		w.t.Fatal(err)
	}
	c := &signal.Client{Server: w.node.Server(), Identity: id, Token: token, Record: w.record, Dial: host.DialContext}
	u := &user{}
	u.Link, err = rtc.Dial(w.t.Context(), rtc.DialConfig{Conn: socket, Receive: func(b []byte, _ time.Time) {
		if len(b) == w.size {
			u.cells.Add(1)
		} else {
			u.other.Add(1)
		}
	}}, func(ctx context.Context, offer string) (string, error) {
		a, err := c.Online(ctx, offer)
		return a.SDP, err
	})
	return u, err
}

func (w *world) invite() uri.Token {
	w.t.Helper()
	i, err := w.node.CreateInvite(w.t.Context(), "somebody", time.Hour)
	if err != nil {
		w.t.Fatal(err)
	}
	return i.Token
}

func newIdentity(t *testing.T) *key.Identity {
	t.Helper()
	id, err := key.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// keepAlive sends something in every slot, as clients do; a silent user would be
// taken for gone.
func keepAlive(u *user) (stop func()) {
	return talk(u, func([]byte) {})
}

// talk sends what say makes in every slot.
func talk(u *user, say func(b []byte)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(cell.Interval40.Duration())
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				b := make([]byte, cell.Size)
				say(b)
				n := cell.Interval40.At(time.Now()) + 2
				binary.BigEndian.PutUint16(b, n.Low())
				u.Send(b)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
