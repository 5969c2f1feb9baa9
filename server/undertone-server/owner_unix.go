//go:build unix

package main

import (
	"errors"
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
	info, uid, gid := anotherOwner(dir)
	if info == nil {
		return nil
	}
	err := syscall.Setgroups([]int{gid})
	if err == nil {
		err = syscall.Setgid(gid)
	}
	if err == nil {
		err = syscall.Setuid(uid)
	}
	return explainOwner(dir, info, err)
}

// asOwner makes root be the owner of the data folder while f runs, for what comes of
// it and is root's to keep.
func asOwner(dir string, f func() error) (err error) {
	info, uid, gid := anotherOwner(dir)
	if info == nil {
		return f()
	}
	groups, err := syscall.Getgroups()
	if err != nil {
		return err
	}
	defer func() {
		// What is left over is not to be done as somebody else.
		if back := errors.Join(syscall.Seteuid(0), syscall.Setegid(0), syscall.Setgroups(groups)); err == nil {
			err = back
		}
	}()
	err = syscall.Setgroups([]int{gid})
	if err == nil {
		err = syscall.Setegid(gid)
	}
	if err == nil {
		err = syscall.Seteuid(uid)
	}
	if err != nil {
		return explainOwner(dir, info, err)
	}
	return f()
}

// anotherOwner returns whose a data folder is, to root if it is not root's own; info
// is nil otherwise.
func anotherOwner(dir string) (info fs.FileInfo, uid, gid int) {
	if os.Geteuid() != 0 {
		return nil, 0, 0
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, 0, 0 // What is wrong with it is said by whoever opens it.
	}
	uid, gid, ok := ownerOf(info)
	if !ok || uid == 0 {
		return nil, 0, 0
	}
	return info, uid, gid
}

func explainOwner(dir string, info fs.FileInfo, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s belongs to %s, and root may not act as that user here (%w); run the command as that user", dir, ownerName(info), err)
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
