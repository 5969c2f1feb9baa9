package registry

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// abandoned writes a registry whose last changes are in the log alone, as a server that
// was killed leaves it.
func abandoned(t *testing.T, path string) (log []byte) {
	t.Helper()
	from := filepath.Join(t.TempDir(), "registry.db")
	r := open(t, from)
	invite(t, r, "anna", noon.Add(time.Hour))
	for _, suffix := range []string{"", logSuffix} {
		b, err := os.ReadFile(from + suffix) //nolint:gosec // a file of the test
		want(t, err, nil)
		want(t, os.WriteFile(path+suffix, b, 0o600), nil)
		log = b
	}
	if len(log) == 0 {
		t.Fatal("there is nothing in the log")
	}
	return log
}

// A file that is gone or was emptied is not taken for a new one, and the log beside it,
// which holds the last changes, stays.
func TestLostFile(t *testing.T) {
	for _, c := range []struct {
		says string
		lose func(path string) error
	}{
		{"is missing", os.Remove},
		{"is empty", func(path string) error { return os.Truncate(path, 0) }},
		{"is empty", func(path string) error { return os.Truncate(path, 1) }},
	} {
		path := filepath.Join(t.TempDir(), "registry.db")
		log := abandoned(t, path)
		want(t, c.lose(path), nil)
		for range 2 { // Nor does the first try make what the second one opens.
			_, err := Open(t.Context(), path)
			want(t, err, ErrLost)
			if !strings.Contains(err.Error(), path+" "+c.says) {
				t.Errorf("the message does not help: %v", err)
			}
			_, err = Create(t.Context(), path)
			want(t, err, ErrLost)
			if !strings.Contains(err.Error(), "registry.db-wal") {
				t.Errorf("the message does not help: %v", err)
			}
		}
		if kept, err := os.ReadFile(path + logSuffix); err != nil || !bytes.Equal(kept, log) { //nolint:gosec // a file of the test
			t.Errorf("%s: of the log there are %d bytes of %d, %v", c.says, len(kept), len(log), err)
		}
		if info, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) && (err != nil || info.Size() > 1) {
			t.Errorf("%s: there is a file of %v, %v", c.says, info, err)
		}
	}
}

// A database without tables is no registry either, unless one is being made.
func TestEmptyDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	r := open(t, path)
	for _, stmt := range []string{`DROP TABLE users`, `DROP TABLE invites`, `DROP TABLE terms`, `PRAGMA application_id = 0`, `PRAGMA user_version = 0`} {
		_, err := r.db.ExecContext(t.Context(), stmt)
		want(t, err, nil)
	}
	_, err := Open(t.Context(), path)
	want(t, err, ErrLost)
	invite(t, open(t, path), "anna", noon.Add(time.Hour))
}

// A crash while a registry is made leaves an empty file; it is made then when that is
// tried again.
func TestMadeAfterCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	want(t, touch(path), nil)
	invite(t, open(t, path), "anna", noon.Add(time.Hour))
	r, err := Open(t.Context(), path)
	want(t, err, nil)
	if all, err := r.Invites(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("there are %d invites, %v", len(all), err)
	}
	want(t, r.Close(), nil)
}

// While the file is open, nobody makes another one in its place.
func TestFileTakenAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	r := open(t, path)
	r.db.SetMaxIdleConns(0) // The next statement opens the file again.
	want(t, os.Remove(path), nil)
	if err := r.Ping(t.Context()); err == nil {
		t.Error("an empty registry came into its place")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a file again: %v", err)
	}
}
