package node

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// What a killed backup or restore has left in a data folder, which is a whole
// registry, goes when the folder is locked next; what another process works on stays.
func TestLockSweeps(t *testing.T) {
	dir := t.TempDir()
	put := func(name string) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, registryFile), []byte("users"), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	left := []string{put(".backup-1"), put(".restore-2")}
	stays := []string{put(".backup-3"), put("mine")}
	unlock, err := hold(filepath.Join(dir, stays[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unlock() }()
	served, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range left {
		if exists(dir, name) {
			t.Errorf("%s is still there", name)
		}
	}
	for _, name := range stays {
		if !exists(dir, filepath.Join(name, registryFile)) {
			t.Errorf("%s is gone", name)
		}
	}
	// Who does not get the lock removes nothing.
	late := put(".restore-4")
	if _, err := lock(dir); !errors.Is(err, ErrRunning) || !exists(dir, late) {
		t.Errorf("a second lock: %v", err)
	}
	if err := served(); err != nil {
		t.Fatal(err)
	}
}
