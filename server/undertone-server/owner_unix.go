//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// ownerOf returns whose a file is.
func ownerOf(info fs.FileInfo) (uid, gid int, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(stat.Uid), int(stat.Gid), true
}

// actAsOwner makes root be the owner of the data folder from here on. The server
// runs as that user: it could not read what root made there, and what it put there
// itself is nothing for root to follow. For anybody else, and for a folder of
// root's own or none at all, nothing changes.
func actAsOwner(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil //nolint:nilerr // what is wrong with it is said by whoever opens it
	}
	uid, gid, ok := ownerOf(info)
	if !ok || uid == 0 {
		return nil
	}
	err = syscall.Setgroups([]int{gid})
	if err == nil {
		err = syscall.Setgid(gid)
	}
	if err == nil {
		err = syscall.Setuid(uid)
	}
	if err != nil {
		return fmt.Errorf("%s belongs to %s, and root may not act as that user here (%w); run the command as that user", dir, ownerName(info), err)
	}
	return nil
}

// giveToOwner gives what root made in a folder to the owner of the folder.
func giveToOwner(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	uid, gid, ok := ownerOf(info)
	if !ok || uid == 0 {
		return nil
	}
	root, err := os.OpenRoot(dir) // No link leads out of it.
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return root.Lchown(path, uid, gid)
	})
}

// operates tells whether this user runs the server of a folder: root does, and
// its owner.
func operates(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return false
	}
	uid, _, ok := ownerOf(info)
	return ok && (os.Geteuid() == 0 || os.Geteuid() == uid)
}
