package profile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestBackup(t *testing.T) {
	c := sample(t)
	file, err := backup(c, Options{Passphrase: []byte("correct horse"), cost: cheap})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, sample(t)) {
		t.Error("the content has changed by that")
	}
	got, err := ReadBackup(file, []byte("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	if want := sample(t); len(want.Calls) == 0 || got.Calls != nil {
		t.Errorf("%d past calls are in the backup", len(got.Calls))
	} else if want.Calls = nil; !reflect.DeepEqual(got, want) {
		t.Errorf("read %v", got)
	}
	// It makes a profile, which is like any other.
	p, err := Create(t.TempDir(), got, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()

	for what, wrong := range map[string]struct {
		file       []byte
		passphrase string
		want       error
	}{
		"another passphrase": {file, "battery staple", ErrPassphrase},
		"no passphrase":      {file, "", ErrPassphraseNeeded},
		"cut off":            {file[:len(file)-1], "correct horse", ErrDamaged},
		"empty":              {nil, "correct horse", ErrDamaged},
		"changed":            {append(bytes.Clone(file[:len(file)-1]), file[len(file)-1]^1), "correct horse", ErrDamaged},
		"a profile's file":   {(&header{protection: byKeyFile}).append(nil), "correct horse", ErrDamaged},
	} {
		if _, err := ReadBackup(wrong.file, []byte(wrong.passphrase)); !errors.Is(err, wrong.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := backup(new(Content), Options{Passphrase: []byte("correct horse"), cost: cheap}); err == nil {
		t.Error("there is a backup of nothing")
	}
	if _, err := Backup(c, nil); !errors.Is(err, ErrBackupPassphrase) {
		t.Errorf("without a passphrase: %v", err)
	}
}

// A backup is a file of its own, for its owner's eyes, and nothing is lost to it.
func TestWriteBackup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backup")
	if err := WriteBackup(path, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := WriteBackup(path, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "first" {
		t.Errorf("the first is %q now, %v", b, err)
	}
	if err := WriteBackup(filepath.Join(path, "x"), nil); err == nil {
		t.Error("written where nothing can be")
	}
}
