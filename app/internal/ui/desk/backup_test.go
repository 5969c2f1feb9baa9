package desk

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/model"
)

// A file is one in memory.
type file struct {
	bytes.Buffer
	closed bool
}

func (f *file) Close() error { f.closed = true; return nil }

func TestBackupAndRestore(t *testing.T) {
	r := newRig(t, makeProfile(t))
	r.home()
	backup := new(file)
	r.BackUp(backup, []byte("correct horse"))
	r.until("written", func() bool { return r.View(time.Now()).Notice.Key() == "news.backup" })
	if !backup.closed {
		t.Error("the file stays open")
	}
	r.Close()

	r = newRig(t, filepath.Join(t.TempDir(), "new"))
	r.Open()
	r.page(model.FirstRun)
	r.Restore(&file{Buffer: *bytes.NewBuffer(bytes.Clone(backup.Bytes()))}, []byte("battery staple"))
	r.until("a wrong passphrase is said", func() bool { return r.View(time.Now()).Problem.Key() == "error.passphrase" })
	r.Restore(backup, []byte("correct horse"))
	r.page(model.Home)
}

// A backup on the disk is for its owner only.
func TestBackupOnTheDisk(t *testing.T) {
	r := newRig(t, makeProfile(t))
	r.home()
	path := filepath.Join(t.TempDir(), "backup")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644) //nolint:gosec // as a careless window has made it
	if err != nil {
		t.Fatal(err)
	}
	r.BackUp(f, []byte("correct horse"))
	r.until("written", func() bool { return r.View(time.Now()).Notice.Key() == "news.backup" })
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
		t.Errorf("%v: %v", info, err)
	}
}

// What stands in the way after a restore is said, and not forgotten at once.
func TestRestoreThatEndsStuck(t *testing.T) {
	r := newRig(t, makeProfile(t))
	r.home()
	backup := new(file)
	r.BackUp(backup, []byte("correct horse"))
	r.until("written", func() bool { return r.View(time.Now()).Notice.Key() == "news.backup" })
	r.Close()

	r = newRig(t, filepath.Join(t.TempDir(), "new"))
	r.cfg.OpenSound = func(profile.Settings) (audio.Device, error) { return nil, errBroken }
	r.Restore(backup, []byte("correct horse"))
	r.page(model.Stuck)
	r.until("it is done", func() bool { return !r.View(time.Now()).Busy })
	done := make(chan struct{})
	r.do(func() { close(done) })
	<-done
	if v := r.View(time.Now()); v.Problem.Key() != "error.other" {
		t.Errorf("says %v", v.Problem)
	}
}
