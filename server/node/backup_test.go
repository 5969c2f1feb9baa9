package node

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"undertone/server/internal/backup"
	"undertone/server/internal/registry"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

// backedUp makes a server with one user, and returns its folder, a backup of it,
// and a folder that is not there yet.
func backedUp(t *testing.T) (f *Folder, file, to string) {
	t.Helper()
	f = newFolder(t)
	join(t, f)
	file = filepath.Join(t.TempDir(), "backup.tar")
	if _, err := backUp(t, f, file, "1.2"); err != nil {
		t.Fatal(err)
	}
	return f, file, filepath.Join(t.TempDir(), "new", "data")
}

// snapshot returns what is in a folder, but for the lock.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == dir {
			return nil
		}
		if err != nil || d.IsDir() || d.Name() == lockFile {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// What comes back is the same server: users, open invites, keys and settings.
func TestBackupAndRestore(t *testing.T) {
	f := newFolder(t)
	join(t, f)
	open, _, err := f.CreateInvite(t.Context(), "berta", time.Hour, "")
	if err != nil {
		t.Fatal(err)
	}
	comment := append([]byte("# Ask Carol before changing anything.\n"), read(t, f.Dir, SettingsFile)...)
	if err := writeFile(filepath.Join(f.Dir, SettingsFile), comment); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, f.Dir)
	file := filepath.Join(t.TempDir(), "backup.tar")
	made, err := backUp(t, f, file, "1.2")
	if err != nil || made.Users != 1 || !made.HasRoot {
		t.Fatalf("the backup is %+v, %v", made, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup is %v, %v", info, err)
	}
	if after := snapshot(t, f.Dir); !slices.Equal(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after))) {
		t.Errorf("the backup left something behind: %v", slices.Sorted(maps.Keys(after)))
	}

	dir := filepath.Join(t.TempDir(), "new", "data")
	restored, err := restore(t, file, dir)
	if err != nil || restored.Users != 1 || restored.Version != "1.2" || !restored.HasRoot || restored.Made.Sub(made.Made).Abs() > time.Second {
		t.Fatalf("restored is %+v, %v", restored, err)
	}
	for _, name := range append([]string{formatFile}, keptFiles...) {
		if !bytes.Equal(read(t, dir, name), read(t, f.Dir, name)) {
			t.Errorf("%s is another one", name)
		}
	}
	checkClosed(t, dir)
	g, err := OpenFolder(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	if signal.PinOf(g.root) != signal.PinOf(f.root) || g.Settings.PublicHost != f.Settings.PublicHost {
		t.Error("it is another server")
	}
	users, err := g.Registry.Users(t.Context())
	if err != nil || len(users) != 1 || users[0].Label != "anna" {
		t.Errorf("the users are %+v, %v", users, err)
	}
	if _, err := g.Registry.Redeem(t.Context(), open.Token, newIdentity(t).Account(), time.Now()); err != nil {
		t.Errorf("an open invite is lost: %v", err)
	}
	if _, err := g.Registry.Redeem(t.Context(), uri.Token{}, users[0].Account, time.Now()); err != nil {
		t.Errorf("a user is lost: %v", err)
	}
}

// backUp writes a backup of a folder.
func backUp(t *testing.T, f *Folder, path, version string) (Backup, error) {
	t.Helper()
	c, err := f.Copy(t.Context(), version)
	if err != nil {
		return Backup{}, err
	}
	return c.Backup, c.Write(path)
}

// restore makes a folder of a backup.
func restore(t *testing.T, path, dir string) (Backup, error) {
	t.Helper()
	c, err := ReadBackup(path)
	if err != nil {
		return Backup{}, err
	}
	return c.Restore(t.Context(), dir)
}

// read returns a file that must be there.
func read(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// checkClosed wants everything of a data folder to be for its owner alone, and
// nothing in it that is no part of one.
func checkClosed(t *testing.T, dir string) {
	t.Helper()
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v, %v", info, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 || strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s: %v, %v", e.Name(), info, err)
		}
	}
}

// A backup is never written over a file, and one that could not be restored is
// not written at all.
func TestBackupRefuses(t *testing.T) {
	f, file, _ := backedUp(t)
	old := string(read(t, file))
	if _, err := backUp(t, f, file, ""); err == nil || !strings.Contains(err.Error(), "is there already and is not overwritten") {
		t.Errorf("a file that is there: %v", err)
	}
	if now := string(read(t, file)); now != old {
		t.Error("it was overwritten")
	}
	if err := os.WriteFile(filepath.Join(f.Dir, rootKeyFile), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.tar")
	if _, err := backUp(t, f, other, ""); err == nil || !strings.Contains(err.Error(), "nothing was backed up") || !strings.Contains(err.Error(), rootKeyFile) {
		t.Errorf("a damaged root key: %v", err)
	}
	if exists(filepath.Dir(other), "other.tar") {
		t.Error("half a backup is there")
	}
}

// A root key that is kept elsewhere is no hindrance, and it is said that it is not
// there.
func TestBackupWithoutRoot(t *testing.T) {
	f := newFolder(t)
	if err := os.Remove(filepath.Join(f.Dir, rootKeyFile)); err != nil {
		t.Fatal(err)
	}
	file, to := filepath.Join(t.TempDir(), "backup.tar"), filepath.Join(t.TempDir(), "data")
	if b, err := backUp(t, f, file, ""); err != nil || b.HasRoot {
		t.Fatalf("%+v, %v", b, err)
	}
	if b, err := restore(t, file, to); err != nil || b.HasRoot {
		t.Fatalf("%+v, %v", b, err)
	}
	if exists(to, rootKeyFile) || !exists(to, onlineFile) {
		t.Error("the keys are not those of the backup")
	}
}

// Whatever there is of a server in a folder stays, and so does one that runs.
func TestRestoreOverwritesNothing(t *testing.T) {
	f, file, _ := backedUp(t)
	before := snapshot(t, f.Dir)
	if _, err := restore(t, file, f.Dir); !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), "choose another folder") {
		t.Errorf("a server that is there: %v", err)
	}
	for _, name := range []string{SettingsFile, registryFile, registryFile + "-wal", rootKeyFile, onlineFile} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := restore(t, file, dir); !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is there: %v", name, err)
		}
		if got := snapshot(t, dir); len(got) != 1 || got[filepath.Join(dir, name)] != "precious" {
			t.Errorf("%s was there, and now %v", name, got)
		}
	}
	unlock, err := lock(f.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := restore(t, file, f.Dir); !errors.Is(err, ErrRunning) {
		t.Errorf("a server that runs: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	vacant := t.TempDir()
	unlock, err = lock(vacant)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unlock() }()
	if _, err := restore(t, file, vacant); !errors.Is(err, ErrRunning) {
		t.Errorf("a server that runs without its files: %v", err)
	}
	if after := snapshot(t, f.Dir); !maps.Equal(before, after) || len(snapshot(t, vacant)) > 0 {
		t.Errorf("something was changed: %v", slices.Sorted(maps.Keys(after)))
	}
}

// rewritten writes a backup anew with a change; its hashes are right.
func rewritten(t *testing.T, file string, change func(a *backup.Archive)) string {
	t.Helper()
	a, err := backup.Read(bytes.NewReader(read(t, file)))
	if err != nil {
		t.Fatal(err)
	}
	change(a)
	var b bytes.Buffer
	if err := a.Write(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "changed.tar")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// newerRegistry is that of a program with one more migration.
func newerRegistry(text []byte) []byte {
	const userVersion = 60 // in the header of an SQLite file, four bytes
	text = bytes.Clone(text)
	text[userVersion+3]++
	return text
}

// What is not a whole backup of a server, or one of a newer program, does not even
// make a folder.
func TestRestoreChecksFirst(t *testing.T) {
	_, file, to := backedUp(t)
	other := newFolder(t)
	foreign := read(t, other.Dir, rootKeyFile)
	whole := read(t, file)
	cut := filepath.Join(t.TempDir(), "cut.tar")
	if err := os.WriteFile(cut, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	set := func(name string, text []byte) string {
		return rewritten(t, file, func(a *backup.Archive) { a.Files[name] = text })
	}
	without := func(names ...string) string {
		return rewritten(t, file, func(a *backup.Archive) {
			for _, name := range names {
				delete(a.Files, name)
			}
		})
	}
	for _, c := range []struct {
		file string
		want error
		says string
	}{
		{filepath.Join(t.TempDir(), "nothing"), fs.ErrNotExist, ""},
		{filepath.Join(other.Dir, registryFile), backup.ErrNone, ""},
		{cut, backup.ErrDamaged, "cut.tar"},
		{rewritten(t, file, func(a *backup.Archive) { a.Folder = folderFormat + 1 }), ErrNewer, "its format is 2 and this program knows 1; update undertone-server"},
		{rewritten(t, file, func(a *backup.Archive) { a.Files[registryFile] = newerRegistry(a.Files[registryFile]) }), registry.ErrNewer, "update undertone-server"},
		{set(registryFile, bytes.Repeat([]byte("no database "), 999)), registry.ErrDamaged, "registry.db"},
		{set(registryFile, nil), registry.ErrDamaged, ""},
		{set(SettingsFile, []byte("intervall = 3\n")), nil, `do you mean "interval"?`},
		{set(rootKeyFile, foreign), nil, "root.key: "},
		{set(rootCertFile, []byte("x")), nil, "root.crt: "},
		{set(onlineFile, []byte("x")), nil, "online.pem: "},
		{set("../evil", []byte("x")), backup.ErrDamaged, `"../evil" does not belong`},
		{set("lock", []byte("x")), backup.ErrDamaged, `"lock" does not belong`},
		{without(SettingsFile), nil, "server.toml is missing"},
		{without(rootCertFile), nil, "root.crt is missing"},
		{without(registryFile), nil, "registry.db is missing"},
		{without(rootKeyFile, onlineFile), nil, "neither root.key nor online.pem"},
	} {
		_, err := restore(t, c.file, to)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("error is %v, want %v with the words %q", err, c.want, c.says)
		}
		if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("after %q there is a folder: %v", c.says, snapshot(t, to))
		}
	}
	if _, err := restore(t, file, to); err != nil {
		t.Errorf("the file itself: %v", err)
	}
}

// An older program leaves the folder of a newer one alone, and says what to do.
func TestRefusesNewerFolder(t *testing.T) {
	f := newFolder(t)
	if got := read(t, f.Dir, formatFile); string(got) != "1\n" {
		t.Errorf("a new folder has the format %q", got)
	}
	for text, says := range map[string]string{
		"2\n": "its format is 2 and this program knows 1; update undertone-server, or restore a backup of the older version",
		"x":   "should hold a number", "0": "should hold a number",
	} {
		if err := writeFile(filepath.Join(f.Dir, formatFile), []byte(text)); err != nil {
			t.Fatal(err)
		}
		// What the newer program wrote may mean something else by now.
		if err := writeFile(filepath.Join(f.Dir, SettingsFile), []byte("new = 1\n")); err != nil {
			t.Fatal(err)
		}
		_, settings := ReadSettings(f.Dir)
		_, run := New(t.Context(), Config{Data: f.Dir, Embedded: true})
		if err := os.Remove(filepath.Join(f.Dir, SettingsFile)); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{"reading": settings, "running": run, "init": Init(t.Context(), f.Dir, DefaultSettings())} {
			if err == nil || !strings.Contains(err.Error(), says) || errors.Is(err, ErrNewer) != (text == "2\n") {
				t.Errorf("%s a folder of format %q: %v", what, text, err)
			}
		}
	}
	// Folders of before there was the file are of version 1.
	if err := os.Remove(filepath.Join(f.Dir, formatFile)); err != nil {
		t.Fatal(err)
	}
	if err := Init(t.Context(), f.Dir, f.Settings); err != nil {
		t.Error(err)
	}
}
