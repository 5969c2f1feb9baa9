package node

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"undertone/transport/key"
	"undertone/transport/signal"
	"undertone/transport/simnet"
	"undertone/transport/uri"
)

// A user who joins gets one cell in every slot for as long as he is online, and
// his place is free again when he has gone.
func TestServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		id := newIdentity(t)
		u, err := w.online(id, w.invite())
		if err != nil {
			t.Fatal(err)
		}
		beat := keepAlive(u)
		time.Sleep(time.Second)
		before := u.cells.Load()
		time.Sleep(100 * w.node.folder.Settings.Interval.Duration())
		if got := u.cells.Load() - before; got < 99 || got > 101 || u.other.Load() != 0 {
			t.Errorf("%d cells in 100 slots, and %d other messages", got, u.other.Load())
		}
		s := w.node.Status()
		if s.Online != 1 || s.Slots < 100 || s.Skipped != 0 || s.Faults != 0 {
			t.Errorf("status is %+v", s)
		}
		u.Close()
		beat()
		time.Sleep(30 * time.Second) // The server cannot know that the client is gone before ICE says so.
		if s := w.node.Status(); s.Online != 0 {
			t.Errorf("status is %+v", s)
		}
	})
}

// What stops a user from coming online arrives as it was meant, through the
// registry, the gate and the wire.
func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(s *Settings) { s.MaxUsers = 1 })
		defer func() { w.stop() }()
		reg := w.node.folder.Registry
		refused := func(id *key.Identity, token uri.Token, want error) {
			t.Helper()
			if u, err := w.online(id, token); !errors.Is(err, want) {
				t.Errorf("error is %v, want %v", err, want)
				if err == nil {
					u.Close()
				}
			}
		}
		anna, berta := newIdentity(t), newIdentity(t)
		refused(anna, uri.Token{}, signal.ErrUserUnknown)
		refused(anna, uri.Token{1}, signal.ErrInviteUnknown)
		old, _, err := reg.CreateInvite(t.Context(), "", time.Now().Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		refused(anna, old, signal.ErrInviteExpired)
		taken, row, err := reg.CreateInvite(t.Context(), "", time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if err := reg.RevokeInvite(t.Context(), row); err != nil {
			t.Fatal(err)
		}
		refused(anna, taken, signal.ErrInviteRevoked)

		token := w.invite()
		u, err := w.online(anna, token)
		if err != nil {
			t.Fatal(err)
		}
		defer u.Close()
		refused(berta, token, signal.ErrInviteUsed)
		bertas := w.invite()
		refused(berta, bertas, signal.ErrServerFull)
		if err := reg.SetDisabled(t.Context(), anna.Account().Handle(), true); err != nil {
			t.Fatal(err)
		}
		if err := w.node.CheckUser(t.Context(), anna.Account().Handle()); err != nil {
			t.Fatal(err)
		}
		refused(anna, uri.Token{}, signal.ErrUserDisabled)
		// The refusal had used berta's invite up; she is known, and has a place now.
		b, err := w.online(berta, uri.Token{})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if s := w.node.Status(); s.Online != 1 || s.Faults != 0 {
			t.Errorf("status is %+v", s)
		}
	})
}

// A user who is disabled or removed loses his link at once; one who is not, not.
func TestCheckUser(t *testing.T) {
	for name, change := range map[string]func(*world, key.Handle) error{
		"disable": func(w *world, h key.Handle) error { return w.node.folder.Registry.SetDisabled(w.t.Context(), h, true) },
		"remove": func(w *world, h key.Handle) error {
			return w.node.folder.Registry.RemoveUser(w.t.Context(), h, time.Now())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer func() { w.stop() }()
				id := newIdentity(t)
				u, err := w.online(id, w.invite())
				if err != nil {
					t.Fatal(err)
				}
				defer u.Close()
				h := id.Account().Handle()
				if err := w.node.CheckUser(t.Context(), h); err != nil || w.node.Status().Online != 1 {
					t.Fatalf("checking a good user: %v, %+v", err, w.node.Status())
				}
				if err := change(w, h); err != nil {
					t.Fatal(err)
				}
				if err := w.node.CheckUser(t.Context(), h); err != nil || w.node.Status().Online != 0 {
					t.Fatalf("checking a bad user: %v, %+v", err, w.node.Status())
				}
				start := time.Now()
				<-u.Done()
				if took := time.Since(start); took > time.Second {
					t.Errorf("the link ended after %v", took)
				}
			})
		})
	}
}

// Who comes back before the server noticed that he was gone gets his place: the
// new link replaces the old one.
func TestComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(s *Settings) { s.MaxUsers = 1 })
		defer func() { w.stop() }()
		id := newIdentity(t)
		first, err := w.online(id, w.invite())
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		second, err := w.online(id, uri.Token{})
		if err != nil {
			t.Fatal(err)
		}
		defer second.Close()
		<-first.Done()
		time.Sleep(time.Second)
		if w.node.Status().Online != 1 || second.Err() != nil || second.cells.Load() == 0 {
			t.Errorf("the second link: %v, %+v", second.Err(), w.node.Status())
		}
	})
}

// A stopping server closes every link and gives the folder back. The log has
// nothing of any user in it, at any level.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := newIdentity(t)
		token := w.invite()
		u, err := w.online(id, token)
		if err != nil {
			t.Fatal(err)
		}
		w.stop()
		<-u.Done()
		u.Close()
		unlock, err := lock(w.node.config.Data)
		if err != nil {
			t.Fatal(err)
		}
		if err := unlock(); err != nil {
			t.Error(err)
		}
		text := w.log.String()
		if !strings.Contains(text, "serving") || !strings.Contains(text, "stopped") {
			t.Errorf("the log is %s", text)
		}
		for _, secret := range []string{id.Account().Handle().String(), id.Fingerprint().String(), token.String(), "somebody"} {
			if strings.Contains(text, secret) {
				t.Errorf("the log names a user (%s):\n%s", secret, text)
			}
		}
	})
}

// When a part of the server ends, the server does, and says why.
func TestPartEnds(t *testing.T) {
	s := DefaultSettings()
	s.Listen = "127.0.0.1:0"
	dir := filepath.Join(t.TempDir(), "data")
	if err := Init(t.Context(), dir, s); err != nil {
		t.Fatal(err)
	}
	n, err := New(t.Context(), Config{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.signal.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.Run(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("error is %v", err)
	}
	goleak.VerifyNone(t)
}

// An offer that makes no sense costs its sender only.
func TestBadOffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		host := w.star.User(simnet.Path{}, simnet.Path{})
		c := &signal.Client{Server: w.node.Server(), Identity: newIdentity(t), Token: w.invite(), Dial: host.DialContext}
		for _, offer := range []string{"\n", "v=0\r\n", "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 X 0\r\n"} {
			if _, err := c.Online(t.Context(), offer); !errors.Is(err, signal.ErrMalformed) {
				t.Errorf("%q: %v", offer, err)
			}
		}
		if s := w.node.Status(); s.Online != 0 {
			t.Errorf("status is %+v", s)
		}
	})
}

// A second server on the folder, a folder without a server, and a port in use
// are refused, and everything is given back.
func TestNewFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := New(t.Context(), Config{Data: dir}); !errors.Is(err, ErrNoServer) {
		t.Errorf("without a server: %v", err)
	}
	s := DefaultSettings()
	s.Listen = "127.0.0.1:0"
	if err := Init(t.Context(), dir, s); err != nil {
		t.Fatal(err)
	}
	n, err := New(t.Context(), Config{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), Config{Data: dir}); !errors.Is(err, ErrRunning) {
		t.Errorf("a second server: %v", err)
	}
	other := filepath.Join(t.TempDir(), "data")
	s.Listen = n.Addr().String()
	if err := Init(t.Context(), other, s); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), Config{Data: other}); err == nil || !strings.Contains(err.Error(), "undertone-server check") {
		t.Errorf("a port in use: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	third, err := New(t.Context(), Config{Data: other})
	if err != nil {
		t.Fatalf("something was not given back: %v", err)
	}
	if err := third.Close(); err != nil {
		t.Error(err)
	}
}

// The refusals of the registry are all known to the signalling.
func TestRefusalsAreTranslated(t *testing.T) {
	for _, r := range refusals {
		var e *signal.Error
		if !errors.As(refusal(fmt.Errorf("wrapped: %w", r.from)), &e) {
			t.Errorf("%v is not translated", r.from)
		}
	}
	if err := errors.New("x"); refusal(err) != err { //nolint:errorlint // exactly that one
		t.Error("another error was changed")
	}
}
