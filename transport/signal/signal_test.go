package signal

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/simnet"
	"undertone/transport/uri"
)

const (
	host   = "calls.example.org:7443"
	port   = 7443
	offer  = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\n"
	answer = "v=0\r\no=- 3 4 IN IP4 0.0.0.0\r\n"
)

// oneWay is the delay of each direction in the simulated world.
const oneWay = 20 * time.Millisecond

// gateFunc is a gate made of a function.
type gateFunc func(ctx context.Context, r Request) (string, error)

func (f gateFunc) Admit(ctx context.Context, r Request) (string, error) { return f(ctx, r) }

// open lets everybody in.
func open(context.Context, Request) (string, error) { return answer, nil }

// refuse lets nobody in.
func refuse(err error) gateFunc {
	return func(context.Context, Request) (string, error) { return "", err }
}

// A world is a server and a user on a simulated network.
type world struct {
	t    *testing.T
	star *simnet.Star
	user *simnet.Host
	root *Root
	uri  uri.Server
	stop func()
	// guard is the server's; nil stands for one with the usual limits.
	guard *Guard
}

// newWorld starts a server; it must be called in a synctest bubble. The bubble
// itself fails if the server leaves a goroutine behind.
func newWorld(t *testing.T, gate Gate, change ...func(*Config)) *world {
	t.Helper()
	root, err := NewRoot()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, root: root, star: simnet.New(simnet.Config{Seed: 1})}
	path := simnet.Path{Delay: oneWay}
	w.user = w.star.User(path, path)
	w.uri = uri.Server{Host: host, Pin: root.Pin(), Mode: cell.TMIX, Interval: cell.Interval40}
	c := Config{Server: w.uri, Gate: gate}
	for _, f := range change {
		f(&c)
	}
	w.stop = w.serve(root, time.Now(), NewHandler(c))
	return w
}

// close stops everything.
func (w *world) close() {
	w.stop()
	w.star.Close()
}

// serve serves with a certificate made at a time.
func (w *world) serve(root *Root, made time.Time, h http.Handler) (stop func()) {
	w.t.Helper()
	text, err := root.NewOnline(made)
	if err != nil {
		w.t.Fatal(err)
	}
	cert, err := ParseOnline(text, root.cert)
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := w.star.Server().ListenStream(port)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- Serve(ctx, l, TLSConfig(func() *tls.Certificate { return cert }), h, w.guard, slog.New(slog.DiscardHandler))
	}()
	return func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	}
}

func (w *world) client(id *key.Identity) *Client {
	return &Client{Server: w.uri, Identity: id, Dial: w.user.DialContext}
}

// identity returns the same identity for the same name.
func identity(t testing.TB, name string) *key.Identity {
	t.Helper()
	sum := sha256.Sum256([]byte(name))
	seed, err := key.NewSecret(sum[:])
	if err != nil {
		t.Fatal(err)
	}
	id, err := key.IdentityFromSeed(&seed)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestOnline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen Request
		w := newWorld(t, gateFunc(func(_ context.Context, r Request) (string, error) {
			seen = r
			return answer, nil
		}))
		defer w.close()
		anna := identity(t, "anna")
		c := w.client(anna)
		c.Token = uri.Token{1, 2, 3}
		got, err := c.Online(t.Context(), offer)
		if err != nil {
			t.Fatal(err)
		}
		if got.SDP != answer || seen.Offer != offer || seen.Account != anna.Account() || seen.Token != c.Token {
			t.Errorf("the gate saw %+v, the client got %q", seen, got.SDP)
		}
		if seen.Link.IsZero() || !seen.Link.Equal(&got.Link) {
			t.Error("the two sides have not the same link key")
		}
		if seen.Reached != w.star.Server().Addr() {
			t.Errorf("the server was reached at %v", seen.Reached)
		}
		again, err := c.Online(t.Context(), offer)
		if err != nil || again.Link.Equal(&got.Link) {
			t.Errorf("the second link has the key of the first, or %v", err)
		}
	})
}

// The answer brings the clock of the slots, whatever the machine's clock says.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slots := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		w := newWorld(t, gateFunc(open), func(c *Config) {
			c.Now = func() time.Time { return slots }
		})
		defer w.close()
		got, err := w.client(identity(t, "anna")).Online(t.Context(), offer)
		if err != nil || !got.Time.Equal(slots) {
			t.Errorf("the time is %v, %v; want %v", got.Time, err, slots)
		}
	})
}

// An answer that the gate takes its time for goes out at the next multiple.
func TestSlowGate(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		0:                                   ResponseTime,
		ResponseTime - time.Millisecond:     ResponseTime,
		ResponseTime + time.Millisecond:     2 * ResponseTime,
		5*ResponseTime + 7*time.Millisecond: 6 * ResponseTime,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, gateFunc(func(context.Context, Request) (string, error) {
				time.Sleep(took)
				return answer, nil
			}))
			defer w.close()
			before := time.Now()
			if _, err := w.client(identity(t, "anna")).Online(t.Context(), offer); err != nil {
				t.Fatal(err)
			}
			// To connect, to shake hands, and the request: three round trips.
			if got := time.Since(before) - 6*oneWay; got != want {
				t.Errorf("a gate that takes %v answers after %v, want %v", took, got, want)
			}
		})
	}
}

// What a person reads when the client itself finds the fault.
func TestClientSideErrors(t *testing.T) {
	other, err := NewRoot()
	if err != nil {
		t.Fatal(err)
	}
	const year = 365 * 24 * time.Hour
	for _, tc := range []struct {
		name   string
		change func(w *world)
		want   *Error
		says   string
	}{
		{"another server", func(w *world) {
			w.stop()
			w.stop = w.serve(other, time.Now(), NewHandler(Config{Server: w.uri, Gate: gateFunc(open)}))
		}, ErrPin, "the server at " + host + " is not the one of your invite"},
		{"expired", func(w *world) {
			w.stop()
			w.stop = w.serve(w.root, time.Now().Add(-2*year), NewHandler(Config{Server: w.uri, Gate: gateFunc(open)}))
		}, ErrClock, "ran out on"},
		{"not yet valid", func(w *world) {
			w.stop()
			w.stop = w.serve(w.root, time.Now().Add(year), NewHandler(Config{Server: w.uri, Gate: gateFunc(open)}))
		}, ErrClock, "set the clock"},
		{"nobody there", func(w *world) { w.uri.Host = "calls.example.org:1" }, ErrUnreachable, "cannot reach the server at calls.example.org:1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, gateFunc(open))
				defer func() { w.close() }()
				tc.change(w)
				_, err := w.client(identity(t, "anna")).Online(t.Context(), offer)
				wantError(t, err, tc.want, tc.says)
			})
		})
	}
}

func wantError(t *testing.T, err error, want *Error, says string) {
	t.Helper()
	e, ok := asError(err)
	if !ok || !e.Is(want) || !strings.Contains(err.Error(), says) {
		t.Errorf("error is %v, want code %s and the words %q", err, want.Code, says)
	}
}

// Whoever answers instead of the server gets a typed error, not a hang.
func TestForeignServers(t *testing.T) {
	for _, tc := range []struct {
		name string
		talk func(t *testing.T, c net.Conn)
		want *Error
	}{
		{"closes", func(_ *testing.T, c net.Conn) { _ = c.Close() }, ErrUnreachable},
		{"is silent", func(_ *testing.T, c net.Conn) {
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}, ErrUnreachable},
		{"speaks no TLS", func(_ *testing.T, c net.Conn) {
			_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}, ErrNotUndertone},
		{"has no X25519MLKEM768", func(t *testing.T, c net.Conn) {
			text, _ := mustRoot(t).NewOnline(time.Now())
			cert, _ := tls.X509KeyPair(text, text)
			s := tls.Server(c, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, CurvePreferences: []tls.CurveID{tls.X25519}})
			if s.Handshake() == nil {
				t.Error("the client took part in a handshake without X25519MLKEM768")
			}
			_ = c.Close()
		}, ErrNotUndertone},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				star := simnet.New(simnet.Config{Seed: 1})
				defer star.Close()
				user := star.User(simnet.Path{}, simnet.Path{})
				l, err := star.Server().ListenStream(port)
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					if c, err := l.Accept(); err == nil {
						tc.talk(t, c)
					}
				}()
				c := &Client{Server: uri.Server{Host: host, Mode: cell.TMIX, Interval: cell.Interval40}, Identity: identity(t, "anna"), Dial: user.DialContext}
				_, err = c.Online(t.Context(), offer)
				wantError(t, err, tc.want, host)
			})
		})
	}
}

func mustRoot(t *testing.T) *Root {
	t.Helper()
	r, err := NewRoot()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The caller's own context ends with its own error.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, gateFunc(open))
		defer w.close()
		ctx, cancel := context.WithTimeout(t.Context(), ResponseTime/2)
		defer cancel()
		if _, err := w.client(identity(t, "anna")).Online(ctx, offer); err != context.DeadlineExceeded { //nolint:errorlint // exactly that one
			t.Errorf("error is %v", err)
		}
	})
}

// A chain that has the right root but whose leaf somebody else signed, or that
// the root signed for something else, is refused.
func TestVerifyRefusesForgedChains(t *testing.T) {
	root, other := mustRoot(t), mustRoot(t)
	c := &Client{Server: uri.Server{Host: host, Pin: root.Pin()}}
	now := time.Now()
	leaf := func(r *Root) *x509.Certificate {
		text, err := r.NewOnline(now)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := ParseOnline(text, r.cert)
		if err != nil {
			t.Fatal(err)
		}
		return cert.Leaf
	}
	good := leaf(root)
	if err := c.verify([]*x509.Certificate{good, root.cert}, now); err != nil {
		t.Fatal(err)
	}
	for name, chain := range map[string][]*x509.Certificate{
		"empty":          {},
		"forged leaf":    {leaf(other), root.cert},
		"root alone":     {root.cert},
		"root twice":     {root.cert, root.cert},
		"another root":   {good, other.cert},
		"no root":        {good},
		"more than two":  {good, good, root.cert},
		"in wrong order": {root.cert, good},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, c.verify(chain, now), ErrPin, "is not the one of your invite")
		})
	}
}
