package node

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"undertone/server/internal/metrics"
	"undertone/server/internal/mix"
	"undertone/server/internal/mix/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/rtc"
	"undertone/transport/signal"
	"undertone/transport/simnet"
	"undertone/transport/superpose"
	"undertone/transport/uri"
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
	done chan error
	// socket is the one of all links.
	socket net.PacketConn
	// reload has the server read its settings again, and level is how much it
	// would log if the log were not for the tests.
	reload chan os.Signal
	level  slog.LevelVar
	// record makes what a user sends along, up and down are what he sends and
	// gets in a slot.
	record   func(id *key.Identity) []byte
	up, down half.Shape
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
	w := &world{t: t, star: simnet.New(simnet.Config{Seed: 1}), reload: make(chan os.Signal)}
	w.up, w.down = mix.Shapes(s.Mode, s.shared(), 1)
	w.record = w.recordOf(s.Mode)
	listener, err := w.star.Server().ListenStream(DefaultPort)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := w.star.Server().ListenUDP(DefaultPort)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.socket = socket
	w.node, err = New(t.Context(), Config{Data: dir, Log: log, Signal: listener, Cells: socket, Embedded: true, Offset: third, Reload: w.reload, Level: &w.level})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.done = make(chan error, 1)
	go func() { w.done <- w.node.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-w.done; err != nil {
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
	w        *world
	channels int // that the server says there are
	cells    atomic.Int64
	other    atomic.Int64 // messages of another length
	quiet    func()       // ends what he says
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
	c := &signal.Client{Server: w.node.Server(), Identity: id, Token: token, Record: w.record(id), Dial: host.DialContext}
	u := &user{w: w}
	u.Link, err = rtc.Dial(w.t.Context(), rtc.DialConfig{Conn: socket, Receive: func(b []byte, _ time.Time) {
		if len(b) == w.down.Size {
			u.cells.Add(1)
		} else {
			u.other.Add(1)
		}
	}}, func(ctx context.Context, offer string) (string, error) {
		a, err := c.Online(ctx, offer)
		u.channels = a.Channels
		return a.SDP, err
	})
	return u, err
}

// recordOf makes records for a mode.
func (w *world) recordOf(m cell.Mode) func(id *key.Identity) []byte {
	return func(id *key.Identity) []byte {
		conn := key.Connection{1}
		switch m {
		case cell.BMIX:
			return conn[:]
		case cell.SMIX:
			record, _, err := superpose.NewRecord(id, w.node.Server().Pin, conn)
			if err != nil {
				w.t.Error(err)
			}
			return record
		case cell.TMIX:
		}
		return nil
	}
}

// ends is the line about the certificate, whose time is that of the machine.
var ends = regexp.MustCompile(`(?m)^undertone_certificate_end_time_seconds .*$`)

// metrics returns what can be measured of the server; not of the process, which
// is that of the test.
func (w *world) metrics() string {
	w.t.Helper()
	_, text, ok := strings.Cut(w.ask("/metrics", http.StatusOK), "# HELP undertone_") // Those of the process come before.
	if !ok || !strings.Contains(text, "\nundertone_users_online ") {
		w.t.Errorf("this is no list of metrics: %s", text)
	}
	return ends.ReplaceAllString(text, "")
}

// ask asks as Prometheus does.
func (w *world) ask(path string, want int) string {
	w.t.Helper()
	rec := httptest.NewRecorder()
	metrics.Handler(w.node).ServeHTTP(rec, httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, path, nil))
	if rec.Code != want {
		w.t.Errorf("%s: %d, %s", path, rec.Code, rec.Body)
	}
	return rec.Body.String()
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

// talk sends what say makes in every slot, part by part.
func talk(u *user, say func(b []byte)) (stop func()) {
	s := u.w.up
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(cell.Interval40.Duration() / time.Duration(s.Parts))
		defer ticker.Stop()
		for part := 0; ; part = (part + 1) % s.Parts {
			select {
			case <-ticker.C:
				b := make([]byte, s.Size)
				say(b)
				n := cell.Interval40.At(time.Now()) + 2
				binary.BigEndian.PutUint16(b, n.Low())
				if s.Placed() {
					b[cell.PlaceAt] = cell.Place(part, 0)
				}
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
