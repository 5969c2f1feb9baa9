//go:build unix

package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// harden keeps what this process knows to itself: files that it makes are its
// owner's alone, and a crash leaves no memory on the disk, where the routes of
// the calls of that moment would stand.
func harden() error {
	unix.Umask(0o077)
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("core dumps cannot be turned off: %w", err)
	}
	return nil
}
