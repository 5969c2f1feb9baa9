package desk

import (
	"errors"
	"io"
	"os"

	"undertone/app/internal/profile"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
)

// BackUp writes identity, contacts and settings to a file, and closes it. It wipes the
// passphrase.
func (d *Desk) BackUp(to io.WriteCloser, passphrase []byte) {
	end := func(err error) {
		clear(passphrase)
		news := words.M("news.backup")
		if err = errors.Join(err, to.Close()); err != nil {
			news = words.M("error.backup", "why", model.Explain(err))
		}
		d.Say(news)
	}
	d.doOr(func() { end(d.backUp(to, passphrase)) }, func() { end(errBusy) })
}

// A diskFile is a file as the system has it. Where the window's is one, nobody else may
// read it, and it is on the disk before anybody is told so.
type diskFile interface {
	Chmod(mode os.FileMode) error
	Sync() error
}

func (d *Desk) backUp(to io.Writer, passphrase []byte) error {
	d.mu.Lock()
	l := d.line
	d.mu.Unlock()
	if l == nil {
		return errors.New("the profile is not open")
	}
	c := l.profile.Snapshot()
	defer c.Wipe()
	b, err := profile.Backup(c, passphrase)
	if err != nil {
		return err
	}
	f, onDisk := to.(diskFile)
	if onDisk {
		_ = f.Chmod(0o600) // Some disks know no owners; the passphrase protects it there too.
	}
	if _, err = to.Write(b); err != nil || !onDisk {
		return err
	}
	return f.Sync()
}

// Restore makes a profile of a backup, with the passphrase of the backup, which it
// wipes, and goes online with it.
func (d *Desk) Restore(from io.ReadCloser, passphrase []byte) {
	d.slow(func() error { return d.restore(from, passphrase) }, func() {
		clear(passphrase)
		from.Close() //nolint:errcheck // it was read
	})
}

func (d *Desk) restore(from io.Reader, passphrase []byte) error {
	b, err := io.ReadAll(io.LimitReader(from, profile.MaxBackup+1))
	if err != nil {
		return err
	}
	c, err := profile.ReadBackup(b, passphrase)
	if err != nil {
		return err
	}
	defer c.Wipe()
	p, err := profile.Create(d.cfg.Dir, c, profile.Options{Passphrase: passphrase})
	if err != nil {
		return err
	}
	d.start(p)
	return nil
}
