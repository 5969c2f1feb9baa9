package node

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"undertone/transport/signal"
	"undertone/transport/simnet"
	"undertone/transport/uri"
)

// Refusals are counted by why, and only there: who was refused is nowhere.
func TestRefusalsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		for _, token := range []uri.Token{{}, {1}, {2}} {
			if u, err := w.online(newIdentity(t), token); err == nil {
				u.Close()
				t.Errorf("%v lets somebody in", token)
			}
		}
		text := w.metrics()
		for code, n := range map[signal.Code]int{signal.ErrUserUnknown.Code: 1, signal.ErrInviteUnknown.Code: 2, signal.ErrBusy.Code: 0} {
			if line := fmt.Sprintf("undertone_requests_refused_total{kind=%q} %d\n", code, n); !strings.Contains(text, line) {
				t.Errorf("%q is not in\n%s", line, text)
			}
		}
		if kinds := strings.Count(text, "\nundertone_requests_refused_total{"); kinds != len(signal.Codes()) {
			t.Errorf("%d kinds of refusal are counted", kinds)
		}
	})
}

// So are connections, users who come too often, and what nobody here has asked for.
func TestWhatIsTurnedAwayIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		id, token := newIdentity(t), w.invite()
		asks, err := 0, error(nil)
		for ; err == nil && asks < 100; asks++ {
			var u *user
			if u, err = w.online(id, token); err == nil {
				u.Close()
			}
		}
		if !errors.Is(err, signal.ErrBusy) {
			t.Errorf("after coming online %d times: %v", asks, err)
		}
		stranger, err := w.star.User(simnet.Path{Delay: oneWay}, simnet.Path{Delay: oneWay}).ListenUDP(0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = stranger.Close() }()
		unclaimed := w.node.Facts().Links.Unclaimed // Of links that were replaced, maybe.
		if _, err := stranger.WriteTo([]byte("who is there?"), w.node.CellsAddr()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		text := w.metrics()
		for _, line := range []string{
			fmt.Sprintf("undertone_connections_total %d", asks), "undertone_requests_throttled_total 1",
			`undertone_requests_refused_total{kind="busy"} 1`, `undertone_connections_cut_total{why="throttled"} 0`,
			"undertone_links_opening 0", "undertone_links_unopened_total 0",
			fmt.Sprintf("undertone_datagrams_dropped_total{why=\"unclaimed\"} %d", unclaimed+1),
		} {
			if !strings.Contains(text, "\n"+line+"\n") {
				t.Errorf("%q is not in\n%s", line, text)
			}
		}
	})
}

// A server that mixes is healthy. One whose clock stands still, whose certificate
// has ended or whose registry is gone is not, and says so.
func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		time.Sleep(time.Minute)
		if text := w.ask("/health", http.StatusOK); text != "ok\n" {
			t.Errorf("it says %q", text)
		}
		cert := w.node.cert.Load()
		w.node.cert.Store(ended(cert))
		if text := w.ask("/health", http.StatusServiceUnavailable); !strings.Contains(text, "certificate ran out") {
			t.Errorf("it says %q", text)
		}
		w.node.cert.Store(cert)
		w.stop()
		if text := w.ask("/health", http.StatusServiceUnavailable); !strings.Contains(text, "the registry cannot be read") {
			t.Errorf("it says %q", text)
		}
		time.Sleep(time.Minute)
		if text := w.ask("/health", http.StatusServiceUnavailable); !strings.Contains(text, "no slot was mixed for 1m") {
			t.Errorf("it says %q", text)
		}
	})
}

// ended returns a certificate that ran out an hour ago.
func ended(c *tls.Certificate) *tls.Certificate {
	over, leaf := *c, *c.Leaf
	leaf.NotAfter = time.Now().Add(-time.Hour)
	over.Leaf = &leaf
	return &over
}

// A server listens where it may be measured, and gives that back; at an address
// in use it does not start.
func TestMetricsListener(t *testing.T) {
	s := DefaultSettings()
	s.Listen = "127.0.0.1:0"
	s.Metrics = "unix:" + filepath.Join(t.TempDir(), "metrics.sock")
	dirs := []string{filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "data")}
	for _, dir := range dirs {
		if err := Init(t.Context(), dir, s); err != nil {
			t.Fatal(err)
		}
	}
	first, err := New(t.Context(), Config{Data: dirs[0]})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), Config{Data: dirs[1]}); err == nil || !strings.Contains(err.Error(), "change metrics in server.toml") {
		t.Errorf("an address in use: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := New(t.Context(), Config{Data: dirs[1]})
	if err != nil {
		t.Fatalf("the address was not given back: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}
