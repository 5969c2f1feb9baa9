package main

import "golang.org/x/sys/unix"

// diskRoom asks how many bytes a program that is not privileged can still write to the
// file system of a folder.
func diskRoom(dir string) (room uint64, ok bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Frsize), true //nolint:gosec // a size
}
