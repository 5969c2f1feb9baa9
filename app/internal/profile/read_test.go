package profile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// files returns the names, sizes and times of what is in a folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, info.Name()+" "+info.ModTime().String()+" "+info.Mode().String())
	}
	return all
}

// A profile that is open, here or on another machine, can be looked at, and
// nothing in its folder changes by that.
func TestReadBesideAnOpenProfile(t *testing.T) {
	for _, o := range []Options{{}, {Passphrase: []byte("correct horse"), cost: cheap}} {
		p := create(t, o)
		p.setKeeper(false, &mark{Machine: strings.Repeat("ab", machineSize), Name: "laptop"})
		rename(t, p, "stored")
		if err := p.Update(func(c *Content) error { c.Name = "in memory"; return nil }); err != nil {
			t.Fatal(err)
		}
		before := files(t, p.Dir())
		c, notice, err := Read(p.Dir(), o)
		if err != nil || c.Name != "stored" || notice != "" {
			t.Errorf("read: %v, notice %q", err, notice)
		}
		if after := files(t, p.Dir()); !slices.Equal(before, after) {
			t.Errorf("reading changed the folder: %v, before %v", after, before)
		}
		if err := p.Save(); err != nil {
			t.Errorf("after reading: %v", err)
		}
	}
}

// Between the two renames of a write there is no current version.
func TestReadWhileItIsWritten(t *testing.T) {
	p := storedTwice(t)
	if err := os.Rename(p.path(currentName), p.path(previousName)); err != nil {
		t.Fatal(err)
	}
	if c, notice, err := Read(p.Dir(), Options{}); err != nil || c.Name != "new" || notice != "" {
		t.Errorf("read: %v, notice %q", err, notice)
	}
}

func TestReadOfADamagedProfile(t *testing.T) {
	p := storedTwice(t)
	write(t, p.path(currentName), []byte("x"))
	before := files(t, p.Dir())
	c, notice, err := Read(p.Dir(), Options{})
	if err != nil || c.Name != "old" || !strings.Contains(notice, "previous version") {
		t.Errorf("read: %v, notice %q", err, notice)
	}
	if after := files(t, p.Dir()); !slices.Equal(before, after) {
		t.Errorf("reading changed the folder: %v, before %v", after, before)
	}
	write(t, p.path(previousName), []byte("x"))
	if _, _, err := Read(p.Dir(), Options{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), p.Dir()) {
		t.Errorf("both damaged: %v", err)
	}
}

func TestReadErrors(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if _, _, err := Read(dir, Options{}); !errors.Is(err, ErrNone) {
		t.Errorf("no profile: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
	p := create(t, Options{Passphrase: []byte("correct horse"), cost: cheap})
	if _, _, err := Read(p.Dir(), Options{}); !errors.Is(err, ErrPassphraseNeeded) {
		t.Errorf("without the passphrase: %v", err)
	}
	if _, _, err := Read(p.Dir(), Options{Passphrase: []byte("battery")}); !errors.Is(err, ErrPassphrase) {
		t.Errorf("with a wrong passphrase: %v", err)
	}
}
