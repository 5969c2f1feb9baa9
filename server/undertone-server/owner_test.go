package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ownedFolder makes a data folder, which is somebody else's if the tests are root's, in
// a folder where everybody may go.
func ownedFolder(t *testing.T) (outer, data string, uid int) {
	t.Helper()
	outer, err := os.MkdirTemp("", "undertone-owner-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(outer) })
	data = filepath.Join(outer, "data")
	if err := errors.Join(os.Chmod(outer, 0o755), os.Mkdir(data, 0o700)); err != nil {
		t.Fatal(err)
	}
	if uid = os.Geteuid(); uid == 0 {
		uid = 65534
		if err := os.Chown(data, uid, uid); err != nil {
			t.Fatal(err)
		}
	}
	return outer, data, uid
}

// Root makes nothing in a data folder that its owner could not use; who is not root
// is the owner himself. The server that then runs finds nothing to complain of.
func TestRootActsAsOwner(t *testing.T) {
	outer, data, uid := ownedFolder(t)
	for _, args := range [][]string{
		{"init", "--listen", "127.0.0.1:0", "--host", "127.0.0.1:7443"},
		{"invite", "create", "bob"},
		{"check"},
	} {
		if out, err := program(t, append(args, "--data", data)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", args, err, out)
		}
	}
	// A backup is the caller's, wherever he puts it; what is made of it is the owner's.
	file, back := filepath.Join(outer, "mine", "backup"), filepath.Join(data, "back")
	if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.Mkdir(back, 0o700)); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(back, uid, uid); err != nil {
			t.Fatal(err)
		}
	}
	stick := filepath.Join(outer, "mine", "root.key") // The same goes for the root key.
	for _, args := range [][]string{
		{"backup", file, "--data", data}, {"restore", file, "--data", back}, {"check", "--data", back},
		{"keys", "offline", stick, "--data", data}, {"keys", "rotate", "--root", stick, "--data", data}, {"check", "--data", data},
	} {
		if out, err := program(t, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", args, err, out)
		}
	}
	for _, path := range []string{file, stick} {
		if info, err := os.Stat(path); err != nil {
			t.Error(err)
		} else if owner, _, _ := ownerOf(info); owner != os.Geteuid() {
			t.Errorf("%s belongs to %d", path, owner)
		}
	}
	files := 0
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if owner, _, _ := ownerOf(info); owner != uid {
			return fmt.Errorf("%s belongs to %d", path, owner)
		}
		files++
		return nil
	})
	if err != nil || files < 10 {
		t.Errorf("%d files: %v", files, err)
	}
	if !operates(data) || operates(filepath.Join(data, "server.toml")) || operates(filepath.Join(data, "none")) {
		t.Error("whose folder it is was not seen")
	}
}

// What an intruder in the server puts into its folder leads root nowhere: neither where
// something is read, nor where it would be made.
func TestRootFollowsNoLink(t *testing.T) {
	if os.Geteuid() != 0 {
		return // Nobody else could be led anywhere.
	}
	for _, name := range []string{"registry.db", "lock", "format"} {
		outer, data, _ := ownedFolder(t)
		if out, err := program(t, "init", "--listen", "127.0.0.1:0", "--host", "127.0.0.1:7443", "--data", data).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		roots := filepath.Join(outer, "roots")
		if err := os.Mkdir(roots, 0o700); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(data, name)
		if err := errors.Join(os.RemoveAll(link), os.Symlink(filepath.Join(roots, "new"), link)); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"backup", filepath.Join(roots, "backup")}, {"keys", "rotate"}, {"check"}, {"user", "list"}} {
			out, err := program(t, append(args, "--data", data)...).CombinedOutput()
			if _, statErr := os.Lstat(filepath.Join(roots, "new")); !errors.Is(statErr, fs.ErrNotExist) {
				t.Errorf("%s, by way of %s: root made a file (%v, %v\n%s)", strings.Join(args, " "), name, statErr, err, out)
			}
		}
		if _, err := os.Lstat(filepath.Join(roots, "backup")); name == "registry.db" && err == nil {
			t.Error("there is a backup of nothing")
		}
	}
}
