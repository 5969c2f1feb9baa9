package node

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"undertone/server/internal/registry"
	"undertone/transport/cell"
	"undertone/transport/signal"
)

// newFolder makes a data folder and opens it.
func newFolder(t *testing.T) *Folder {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	s := DefaultSettings()
	s.PublicHost = "calls.example.org:7443"
	if err := Init(t.Context(), dir, s); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFolder(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestInit(t *testing.T) {
	f := newFolder(t)
	if f.Settings.PublicHost != "calls.example.org:7443" {
		t.Errorf("the settings are %+v", f.Settings)
	}
	for _, name := range []string{SettingsFile, registryFile, rootCertFile, rootKeyFile, onlineFile} {
		info, err := os.Stat(filepath.Join(f.Dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if info, err := os.Stat(f.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info, err)
	}
	if err := Init(t.Context(), f.Dir, DefaultSettings()); !errors.Is(err, ErrExists) {
		t.Errorf("a second init: %v", err)
	}
	entries, err := os.ReadDir(f.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".new-") {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

// A root key that is in the folder is never thrown away: invites name it.
func TestInitKeepsTheRoot(t *testing.T) {
	f := newFolder(t)
	again := func() error {
		t.Helper()
		if err := os.Remove(filepath.Join(f.Dir, SettingsFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return Init(t.Context(), f.Dir, DefaultSettings())
	}
	if err := again(); err != nil {
		t.Fatal(err)
	}
	g, err := OpenFolder(t.Context(), f.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	if signal.PinOf(g.root) != signal.PinOf(f.root) {
		t.Error("the root was replaced")
	}
	if err := os.Remove(filepath.Join(f.Dir, rootKeyFile)); err != nil {
		t.Fatal(err)
	}
	if err := again(); err == nil || !strings.Contains(err.Error(), "put that back") {
		t.Errorf("half a root: %v", err)
	}
	if err := os.WriteFile(filepath.Join(f.Dir, rootKeyFile), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := again(); err == nil {
		t.Error("a damaged root key was replaced")
	}
}

func TestOpenFolderWithoutServer(t *testing.T) {
	if _, err := OpenFolder(t.Context(), t.TempDir()); !errors.Is(err, ErrNoServer) || !strings.Contains(err.Error(), "undertone-server init") {
		t.Errorf("error is %v", err)
	}
}

// A server that lost its settings only is not taken for none, and init brings it
// back with its users.
func TestLostSettings(t *testing.T) {
	f := newFolder(t)
	join(t, f)
	if err := os.Remove(filepath.Join(f.Dir, SettingsFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSettings(f.Dir); err == nil || !strings.Contains(err.Error(), "only server.toml is missing") || !strings.Contains(err.Error(), "init --data") {
		t.Errorf("error is %v", err)
	}
	other := f.Settings
	other.Interval = cell.Interval100
	if err := Init(t.Context(), f.Dir, other); err == nil || !strings.Contains(err.Error(), "--mode tmix --interval 40ms") {
		t.Errorf("init with another interval: %v", err)
	}
	if exists(f.Dir, SettingsFile) {
		t.Fatal("a refused init wrote settings")
	}
	if err := Init(t.Context(), f.Dir, f.Settings); err != nil {
		t.Fatal(err)
	}
	g, err := OpenFolder(t.Context(), f.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	users, err := g.Registry.Users(t.Context())
	if err != nil || len(users) != 1 || signal.PinOf(g.root) != signal.PinOf(f.root) {
		t.Errorf("after init there are %d users, %v, and the pin is the same: %t", len(users), err, signal.PinOf(g.root) == signal.PinOf(f.root))
	}

	if err := os.Rename(filepath.Join(f.Dir, SettingsFile), filepath.Join(t.TempDir(), "x")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(f.Dir, rootKeyFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSettings(f.Dir); err == nil || !strings.Contains(err.Error(), "put root.key back too") {
		t.Errorf("without the root key: %v", err)
	}
}

// A server that lost its registry is not served with an empty one, and nothing but init
// makes one.
func TestLostRegistry(t *testing.T) {
	f := newFolder(t)
	if err := f.Registry.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(f.Dir, registryFile)
	log := []byte("the last changes")
	for says, lose := range map[string]func() error{
		"registry.db is missing": func() error { return os.Remove(path) },
		"registry.db is empty":   func() error { return os.WriteFile(path, nil, 0o600) },
	} {
		if err := errors.Join(os.WriteFile(path, []byte("x"), 0o600), os.WriteFile(path+"-wal", log, 0o600), lose()); err != nil {
			t.Fatal(err)
		}
		_, err := OpenFolder(t.Context(), f.Dir)
		if !errors.Is(err, registry.ErrLost) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "restore a backup of the data folder") {
			t.Errorf("error is %v", err)
		}
		if _, err := New(t.Context(), Config{Data: f.Dir, Embedded: true}); !errors.Is(err, registry.ErrLost) {
			t.Errorf("run: %v", err)
		}
		if kept, err := os.ReadFile(path + "-wal"); err != nil || string(kept) != string(log) { //nolint:gosec // a file of the test
			t.Errorf("of the log beside it there are %d bytes, %v", len(kept), err)
		}
	}
	// What the message says to do works.
	if err := errors.Join(os.Remove(filepath.Join(f.Dir, SettingsFile)), os.RemoveAll(path), os.Remove(path+"-wal")); err != nil {
		t.Fatal(err)
	}
	if err := Init(t.Context(), f.Dir, f.Settings); err != nil {
		t.Fatal(err)
	}
	g, err := OpenFolder(t.Context(), f.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	if signal.PinOf(g.root) != signal.PinOf(f.root) {
		t.Error("the root was replaced")
	}
}

// join adds a user.
func join(t *testing.T, f *Folder) {
	t.Helper()
	i, _, err := f.CreateInvite(t.Context(), "anna", time.Hour, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Registry.Redeem(t.Context(), i.Token, newIdentity(t).Account(), time.Now()); err != nil {
		t.Fatal(err)
	}
}

// A server does not start with an interval that locks out all who have joined.
func TestChangedInterval(t *testing.T) {
	f := newFolder(t)
	join(t, f)
	if err := f.CheckTerms(t.Context()); err != nil {
		t.Errorf("unchanged: %v", err)
	}
	changed := f.Settings
	changed.Interval = cell.Interval20
	text, err := changed.Text()
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFile(filepath.Join(f.Dir, SettingsFile), text); err != nil {
		t.Fatal(err)
	}
	const says = "users have joined with 40ms"
	if _, err := New(t.Context(), Config{Data: f.Dir, Embedded: true}); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "server.toml") {
		t.Errorf("run: %v", err)
	}
	f.Settings = changed
	if err := f.CheckTerms(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("check: %v", err)
	}
	if _, _, err := f.CreateInvite(t.Context(), "", time.Hour, ""); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("an invite: %v", err)
	}
}

// Whoever may not read the folder is told whose it is.
func TestExplainAccess(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "away", SettingsFile)
	got := explainAccess(&fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}).Error()
	for _, words := range []string{dir + " belongs to user " + strconv.Itoa(os.Getuid()), "drwx", "run the command as its owner"} {
		if !strings.Contains(got, words) {
			t.Errorf("%q is not in %q", words, got)
		}
	}
	if err := explainAccess(fs.ErrNotExist); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another error became %v", err)
	}
}

func TestCreateInvite(t *testing.T) {
	f := newFolder(t)
	i, row, err := f.CreateInvite(t.Context(), "kitchen", time.Hour, "")
	if err != nil {
		t.Fatal(err)
	}
	if i.Host != f.Settings.PublicHost || i.Pin != signal.PinOf(f.root) || i.Interval != f.Settings.Interval || i.Token.IsZero() || row.Label != "kitchen" {
		t.Errorf("the invite is %+v, %+v", i, row)
	}
	if i, _, err := f.CreateInvite(t.Context(), "", time.Hour, "other.example.org:1"); err != nil || i.Host != "other.example.org:1" {
		t.Errorf("the invite is %+v, %v", i, err)
	}
	if _, _, err := f.CreateInvite(t.Context(), "", time.Hour, "a/b:1"); err == nil {
		t.Error("an invite was made that no client can read")
	}
	f.Settings.PublicHost = ""
	if _, _, err := f.CreateInvite(t.Context(), "", time.Hour, ""); err == nil || !strings.Contains(err.Error(), "public_host") {
		t.Errorf("error is %v", err)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(dir); !errors.Is(err, ErrRunning) {
		t.Errorf("a second lock: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	unlock, err = lock(dir)
	if err != nil {
		t.Fatalf("the lock was not given back: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}

// The online certificate is renewed in time while the root key is there, and
// serves to its end when it is not; the pin stays the same.
func TestCertificateRenewal(t *testing.T) {
	f := newFolder(t)
	now := time.Now()
	first, err := f.Online(now)
	if err != nil {
		t.Fatal(err)
	}
	same, err := f.Online(now.Add(300 * 24 * time.Hour))
	if err != nil || !same.Leaf.Equal(first.Leaf) {
		t.Fatalf("renewed too early: %v", err)
	}
	soon := first.Leaf.NotAfter.Add(-signal.RenewBefore + time.Hour)

	key := filepath.Join(f.Dir, rootKeyFile)
	away := filepath.Join(t.TempDir(), rootKeyFile)
	if err := os.Rename(key, away); err != nil {
		t.Fatal(err)
	}
	if old, err := f.Online(soon); err != nil || !old.Leaf.Equal(first.Leaf) {
		t.Errorf("without the root key: %v", err)
	}
	if _, err := f.Online(first.Leaf.NotAfter.Add(time.Hour)); err == nil || !errors.Is(err, ErrRootAway) {
		t.Errorf("expired without the root key: %v", err)
	}
	if _, hasRoot, err := f.Certificate(); err != nil || hasRoot {
		t.Errorf("Certificate: %v, %v", hasRoot, err)
	}

	if err := os.Rename(away, key); err != nil {
		t.Fatal(err)
	}
	second, err := f.Online(soon)
	if err != nil || second.Leaf.Equal(first.Leaf) || !second.Leaf.NotAfter.After(first.Leaf.NotAfter) {
		t.Fatalf("not renewed: %v", err)
	}
	leaf, hasRoot, err := f.Certificate()
	if err != nil || !hasRoot || !leaf.Equal(second.Leaf) {
		t.Errorf("the new certificate is not on the disk: %v", err)
	}
}

// A start with the clock ahead makes a certificate that no client takes when the clock
// is right again, so it is replaced then; a start with the clock behind replaces none.
func TestCertificateOfAWrongClock(t *testing.T) {
	f := newFolder(t)
	now := time.Now()
	first, err := f.Online(now)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := f.Online(now.Add(-400 * aDay)); err != nil || !same.Leaf.Equal(first.Leaf) {
		t.Errorf("with the clock behind: %v", err)
	}
	if err := f.lapse(first.Leaf, now.Add(-400*aDay)); err == nil || !strings.Contains(err.Error(), "set the clock") {
		t.Errorf("with the clock behind nobody is told: %v", err)
	}

	ahead, err := f.Online(now.Add(400 * aDay))
	if err != nil || !now.Before(ahead.Leaf.NotBefore) {
		t.Fatalf("with the clock ahead: %v", err)
	}
	key := filepath.Join(f.Dir, rootKeyFile)
	away := filepath.Join(t.TempDir(), rootKeyFile)
	if err := os.Rename(key, away); err != nil {
		t.Fatal(err)
	}
	if kept, err := f.Online(now); err != nil || !kept.Leaf.Equal(ahead.Leaf) {
		t.Errorf("without the root key: %v", err)
	}
	if err := f.lapse(ahead.Leaf, now); err == nil || !strings.Contains(err.Error(), "undertone-server keys rotate") {
		t.Errorf("without the root key nobody is told what to do: %v", err)
	}
	if err := os.Rename(away, key); err != nil {
		t.Fatal(err)
	}
	back, err := f.Online(now)
	if err != nil || now.Before(back.Leaf.NotBefore) || signal.LifeOf(back.Leaf) != signal.OnlineLife {
		t.Fatalf("with the clock right again: %v", err)
	}
	if same, err := f.Online(now); err != nil || !same.Leaf.Equal(back.Leaf) {
		t.Errorf("it is replaced again: %v", err)
	}
}

// A damaged online certificate is replaced, and a damaged root is said to be.
func TestDamagedKeys(t *testing.T) {
	f := newFolder(t)
	if err := os.WriteFile(filepath.Join(f.Dir, onlineFile), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Online(time.Now()); err != nil {
		t.Errorf("a damaged online certificate was not replaced: %v", err)
	}
	if err := os.WriteFile(filepath.Join(f.Dir, rootCertFile), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(t.Context(), f.Dir); err == nil || !strings.Contains(err.Error(), "backup") {
		t.Errorf("error is %v", err)
	}
}
