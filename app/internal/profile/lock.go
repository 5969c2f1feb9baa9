//go:build unix

package profile

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// lock is a lock file, locked. The system unlocks it when the process ends,
// however it ends. The file itself stays: removing it would let a third process
// lock a new one while a second still waits for the old.
type lock struct{ f *os.File }

// takeLock locks the file or says which process has it.
func takeLock(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the profile's lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer f.Close()
		return nil, &InUseError{Process: readProcess(f)}
	}
	if err == nil {
		err = writeProcess(f)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("the profile's lock: %w", err)
	}
	return &lock{f}, nil
}

// release unlocks; closing the file does.
func (l *lock) release() {
	_ = l.f.Truncate(0) // So that no old number is shown by mistake.
	l.f.Close()
}

func writeProcess(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// readProcess returns the number of the process that has the lock, or 0: it may
// not have written it yet.
func readProcess(f *os.File) int {
	b := make([]byte, 16)
	n, _ := f.ReadAt(b, 0)
	process, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil || process < 0 {
		return 0
	}
	return process
}
