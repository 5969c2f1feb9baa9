//go:build unix

package registry

import (
	"fmt"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A disk that takes no more is said to be full, with the folder, whichever of its ways
// to say so SQLite takes. What was there stays.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "registry.db")
	says := func(err error, code string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "("+code+")") || !strings.Contains(err.Error(), "is the disk full? see: df -h "+dir) ||
			strings.Count(err.Error(), "df -h") != 1 {
			t.Errorf("the message does not help: %v", err)
		}
	}
	r, err := Create(t.Context(), path)
	want(t, err, nil)
	r.db.SetMaxOpenConns(1) // The limit is one of a connection.
	_, err = r.db.ExecContext(t.Context(), `PRAGMA max_page_count = 1`)
	want(t, err, nil)
	invites := 0
	for err == nil && invites < 1000 {
		if _, _, err = r.CreateInvite(t.Context(), fmt.Sprint(invites), noon.Add(time.Hour)); err == nil {
			invites++
		}
	}
	says(err, "13")
	want(t, r.Close(), nil)

	limitFiles(t, 16<<10, func() {
		_, err := Open(t.Context(), path) // What processes share takes 32 KiB.
		says(err, "4874")
	})
	r, err = Open(t.Context(), path)
	want(t, err, nil)
	if all, err := r.Invites(t.Context()); err != nil || len(all) != invites {
		t.Errorf("there are %d invites of %d, %v", len(all), invites, err)
	}
	want(t, r.Close(), nil)
}

// limitFiles calls f while no file of this process can grow beyond a size, in bytes.
func limitFiles(t *testing.T, size uint64, f func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ) // The error is enough.
	defer signal.Reset(syscall.SIGXFSZ)
	var before unix.Rlimit
	want(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &before), nil)
	limit := before
	limit.Cur = size
	want(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &limit), nil)
	defer func() { want(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &before), nil) }()
	f()
}
