package node

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"undertone/transport/cell"
	"undertone/transport/signal"
	"undertone/transport/simnet"
	"undertone/transport/uri"
)

const aDay = 24 * time.Hour

// rotate does what keys rotate does to a server that runs.
func (w *world) rotate() {
	w.t.Helper()
	if err := w.node.folder.Rotate(time.Now(), 0, nil); err != nil {
		w.t.Fatal(err)
	}
	if err := w.node.CheckKeys(); err != nil {
		w.t.Fatal(err)
	}
}

// shown returns the online key that the server shows to whoever comes.
func (w *world) shown() *x509.Certificate {
	w.t.Helper()
	host := w.star.User(simnet.Path{Delay: oneWay}, simnet.Path{Delay: oneWay})
	raw, err := host.DialContext(w.t.Context(), "tcp", w.node.Server().Host)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	conn := tls.Client(raw, &tls.Config{
		MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.X25519MLKEM768},
		InsecureSkipVerify: true, //nolint:gosec // it is looked at by the caller
	})
	if err := conn.HandshakeContext(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return conn.ConnectionState().PeerCertificates[0]
}

// A new online key is shown to whoever comes from then on. Who is online stays so, and
// who comes back, or comes for the first time, needs nothing but what his invite says.
func TestRotatedKeyIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		anna := newIdentity(t)
		bertas := w.invite() // Made before.
		u, err := w.online(anna, w.invite())
		if err != nil {
			t.Fatal(err)
		}
		defer keepAlive(u)()
		defer u.Close()
		old, pin := w.shown(), w.node.Server().Pin
		w.rotate()
		next := w.shown()
		if next.Equal(old) || !next.Equal(w.node.cert.Load().Leaf) || signal.PinOf(next) == signal.PinOf(old) {
			t.Error("the server shows the old key")
		}
		if k := w.node.OnlineKey(); k.Name != nameOf(next) || !k.Ends.Equal(next.NotAfter) {
			t.Errorf("it says that it uses %+v", k)
		}
		if w.node.Server().Pin != pin {
			t.Error("invites name another root key")
		}
		wantWords(t, w.log.String(), "another online key is in use", nameOf(next))
		time.Sleep(time.Second)
		if u.Err() != nil || w.node.Status().Online != 1 {
			t.Errorf("anna was cut off: %v", u.Err())
		}
		b, err := w.online(newIdentity(t), bertas)
		if err != nil {
			t.Fatalf("an invite that was made before: %v", err)
		}
		b.Close()
		again, err := w.online(anna, uri.Token{})
		if err != nil {
			t.Fatalf("anna comes back: %v", err)
		}
		again.Close()
	})
}

// A rotation in the middle of calls shows nowhere on the wire: each packet is there, of
// its size and at its time, as without one.
func TestRotationDisturbsNoSlot(t *testing.T) {
	run := func(rotate bool) (packets []simnet.Packet) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			users := w.crowd(3, func([]byte) {})
			time.Sleep(time.Second)
			from := time.Now()
			time.Sleep(slots / 2 * cell.Interval40.Duration())
			before := w.node.cert.Load()
			if rotate {
				w.rotate()
			}
			if changed := w.node.cert.Load() != before; changed != rotate {
				t.Errorf("another key: %v", changed)
			}
			time.Sleep(slots / 2 * cell.Interval40.Duration())
			until := time.Now()
			packets = slices.DeleteFunc(w.star.Since(from), func(p simnet.Packet) bool { return !p.At.Before(until) })
			if s := w.node.Status(); s.Skipped != 0 || s.Late != 0 || s.Unsent != 0 || s.Faults != 0 || s.Online != len(users) {
				t.Errorf("status is %+v", s)
			}
			for _, u := range users {
				if u.Err() != nil {
					t.Errorf("a link ended: %v", u.Err())
				}
				u.Close()
				u.quiet()
			}
			w.stop()
		})
		return packets
	}
	without, with := run(false), run(true)
	if len(without) < 6*slots {
		t.Fatalf("%d packets", len(without))
	}
	if d := simnet.Diff(without, with); d != "" {
		t.Errorf("a rotation shows: %s", d)
	}
}

// The root key is brought along where it is kept elsewhere, and is not left behind. One
// of another server, and none at all, change nothing.
func TestRotateWithTheRootKeyElsewhere(t *testing.T) {
	f := newFolder(t)
	before, err := f.Keys()
	if err != nil || !before.HasRoot || before.Root != nameOf(f.root) {
		t.Fatalf("%+v, %v", before, err)
	}
	away := filepath.Join(t.TempDir(), "stick")
	kept, err := CopyRootKey(f.Dir, away)
	if err == nil {
		err = ForgetRootKey(f.Dir, kept, time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(away); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the root key is open to others: %v", err)
	}
	other := newFolder(t)
	foreign, err := os.ReadFile(filepath.Join(other.Dir, rootKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Rotate(time.Now(), 0, nil); !errors.Is(err, ErrRootAway) {
		t.Errorf("without the root key: %v", err)
	}
	if err := f.Rotate(time.Now(), 0, foreign); err == nil || !strings.Contains(err.Error(), "not the one of the root certificate") {
		t.Errorf("with another server's: %v", err)
	}
	if err := f.Rotate(time.Now(), 0, []byte("x")); err == nil {
		t.Error("with something else: no error")
	}
	before.HasRoot = false
	if now, err := f.Keys(); err != nil || now != before {
		t.Errorf("%+v, %v", now, err)
	}
	if err := f.Rotate(time.Now(), 30*aDay, kept); err != nil {
		t.Fatal(err)
	}
	now, err := f.Keys()
	if err != nil || now.HasRoot || now.Root != before.Root || now.Online == before.Online || now.Ends.Sub(now.Made) != 30*aDay {
		t.Errorf("%+v, %v", now, err)
	}
}

// The root key leaves the folder only when what was written elsewhere is that key, and
// when the server can do without it.
func TestRootKeyIsNotLost(t *testing.T) {
	f, other := newFolder(t), newFolder(t)
	path := filepath.Join(t.TempDir(), "key")
	kept, err := CopyRootKey(f.Dir, path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CopyRootKey(f.Dir, path); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("over another file: %v", err)
	}
	for _, name := range []string{"key", "backup/../key", "a/b"} {
		if _, err := CopyRootKey(f.Dir, filepath.Join(f.Dir, name)); err == nil || !strings.Contains(err.Error(), "in the data folder itself") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := CopyRootKey(t.TempDir(), path); !errors.Is(err, ErrNoServer) {
		t.Errorf("without a server: %v", err)
	}
	foreign, err := os.ReadFile(filepath.Join(other.Dir, rootKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	stays := func(kept []byte, now time.Time, says string) {
		t.Helper()
		if err := ForgetRootKey(f.Dir, kept, now); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error is %v", err)
		}
		if !exists(f.Dir, rootKeyFile) {
			t.Fatal("the root key is gone")
		}
	}
	stays(kept[:len(kept)/2], time.Now(), "what was written elsewhere cannot be used")
	stays(foreign, time.Now(), "what was written elsewhere cannot be used")
	stays(kept, time.Now().Add(2*signal.OnlineLife), "it is needed first: the online certificate ran out")
	if err := os.Remove(filepath.Join(f.Dir, onlineFile)); err != nil {
		t.Fatal(err)
	}
	stays(kept, time.Now(), "it is needed first")
	if _, err := f.Online(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := ForgetRootKey(f.Dir, kept, time.Now()); err != nil || exists(f.Dir, rootKeyFile) {
		t.Errorf("the root key is still there: %v", err)
	}
	if _, err := CopyRootKey(f.Dir, path+"2"); !errors.Is(err, ErrRootAway) || exists(filepath.Dir(path), "key2") {
		t.Errorf("a second time: %v", err)
	}
}

// A key that was made for less than a year is followed by one for as long, in time.
func TestRenewalKeepsTheLife(t *testing.T) {
	f := newFolder(t)
	now := time.Now()
	if err := f.Rotate(now, 9*aDay, nil); err != nil {
		t.Fatal(err)
	}
	first, err := f.Online(now.Add(6*aDay - time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	second, err := f.Online(now.Add(6*aDay + time.Hour))
	if err != nil || second.Leaf.Equal(first.Leaf) || signal.LifeOf(second.Leaf) != 9*aDay {
		t.Errorf("not renewed: %v", err)
	}
	if err := f.Rotate(now, 0, nil); err != nil {
		t.Fatal(err)
	}
	if k, err := f.Keys(); err != nil || k.Ends.Sub(k.Made) != 9*aDay {
		t.Errorf("%+v, %v", k, err)
	}
	for _, life := range []time.Duration{time.Hour, -aDay, 366 * aDay} {
		if err := f.Rotate(now, life, nil); err == nil {
			t.Errorf("a key for %v", life)
		}
	}
}

// With the root key away, the operator reads early, in the log and in /health, until
// when the server goes on, and what to do; with the key back, nothing more of it.
func TestEarlyWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		time.Sleep(time.Second)
		kept, err := CopyRootKey(w.node.config.Data, filepath.Join(t.TempDir(), "key"))
		if err == nil {
			err = ForgetRootKey(w.node.config.Data, kept, time.Now())
		}
		if err != nil {
			t.Fatal(err)
		}
		if text := w.ask("/health", http.StatusOK); text != "ok\n" {
			t.Errorf("a year before: %q", text)
		}
		almost := time.Now().Add(signal.RenewBefore - signal.OnlineLife - time.Hour)
		if err := w.node.folder.Rotate(almost, 0, kept); err != nil {
			t.Fatal(err)
		}
		wantWords(t, w.hangUp(), "level=WARN", "soon nobody can come online any more", "undertone-server keys rotate --root FILE")
		ends := almost.Add(signal.OnlineLife).UTC().Format(time.DateOnly)
		wantWords(t, w.ask("/health", http.StatusOK), "ok, but the online key ends on "+ends+" and cannot be renewed: the root key is not in the data folder")
		if err := w.node.folder.Rotate(time.Now(), 0, kept); err != nil {
			t.Fatal(err)
		}
		if log := w.hangUp(); strings.Contains(log, "WARN") {
			t.Errorf("the log says %s", log)
		}
		if text := w.ask("/health", http.StatusOK); text != "ok\n" {
			t.Errorf("afterwards: %q", text)
		}
	})
}

// A renewal that fails although the root key is there is told as well.
func TestLapse(t *testing.T) {
	f := newFolder(t)
	cert, err := f.Online(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	renews := signal.RenewAt(cert.Leaf)
	for after, says := range map[time.Duration]string{-time.Hour: "", renewEvery: "", 3 * renewEvery: "was not renewed; the log says why"} {
		switch err := f.lapse(cert.Leaf, renews.Add(after)); {
		case says == "" && err != nil, says != "" && (err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("%v after: %v", after, err)
		}
	}
}
