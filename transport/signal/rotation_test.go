package signal

import (
	"crypto/x509"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// leafOf makes an online certificate.
func leafOf(t *testing.T, r *Root, made time.Time, life time.Duration) *x509.Certificate {
	t.Helper()
	text, err := r.NewOnlineFor(made, life)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ParseOnline(text, r.cert)
	if err != nil {
		t.Fatal(err)
	}
	return cert.Leaf
}

// A client that was away for ten years knows the server by its root key, whatever online
// keys there were meanwhile.
func TestLongAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, gateFunc(open))
		defer w.star.Close()
		c := w.client(identity(t, "anna"))
		if _, err := c.Online(t.Context(), offer); err != nil {
			t.Fatal(err)
		}
		w.stop()
		time.Sleep(10 * OnlineLife)
		stop := w.serve(w.root, time.Now(), NewHandler(Config{Server: w.uri, Gate: gateFunc(open)}))
		defer stop()
		if _, err := c.Online(t.Context(), offer); err != nil {
			t.Errorf("after ten years: %v", err)
		}
	})
}

// An online key that was replaced is as good as the new one for who has stolen it, until
// its own time is over and not a second longer: that is what the operator is told.
func TestReplacedKeyEndsAtItsTime(t *testing.T) {
	root := mustRoot(t)
	now := time.Now()
	stolen := leafOf(t, root, now, 30*day)
	next := leafOf(t, root, now.Add(day), OnlineLife)
	c := &Client{}
	c.Server.Pin = root.Pin()
	accepts := func(leaf *x509.Certificate, at time.Time) error {
		return c.verify([]*x509.Certificate{leaf, root.cert}, at)
	}
	for _, at := range []time.Time{now.Add(2 * day), stolen.NotAfter} {
		if err := errors.Join(accepts(stolen, at), accepts(next, at)); err != nil {
			t.Errorf("%v: %v", at, err)
		}
	}
	late := stolen.NotAfter.Add(time.Second)
	if err := accepts(stolen, late); !errors.Is(err, ErrClock) {
		t.Errorf("the replaced key after its end: %v", err)
	}
	if err := accepts(next, late); err != nil {
		t.Errorf("the new key: %v", err)
	}
}

// A certificate is replaced when 30 days are left, or a third of a shorter life.
func TestRenewAt(t *testing.T) {
	root := mustRoot(t)
	now := time.Now()
	for life, left := range map[time.Duration]time.Duration{OnlineLife: RenewBefore, 90 * day: 30 * day, 30 * day: 10 * day, MinOnlineLife: MinOnlineLife / 3} {
		leaf := leafOf(t, root, now, life)
		if LifeOf(leaf) != life || leaf.NotAfter.Sub(RenewAt(leaf)) != left {
			t.Errorf("made for %v: for %v, replaced %v before its end", life, LifeOf(leaf), leaf.NotAfter.Sub(RenewAt(leaf)))
		}
	}
	for _, life := range []time.Duration{0, -day, MinOnlineLife - 1, OnlineLife + 1} {
		if _, err := root.NewOnlineFor(now, life); err == nil {
			t.Errorf("a certificate for %v", life)
		}
	}
}
