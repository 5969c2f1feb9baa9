//go:build !unix

package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// hold takes the lock of a folder for this process alone. The lock file of a process
// that was killed has to be removed by hand here.
func hold(dir string) (unlock func() error, err error) {
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator's own folder
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s: %w; if none does, remove %s", dir, ErrRunning, path)
	}
	if err != nil {
		return nil, err
	}
	return func() error {
		_ = f.Close()
		return os.Remove(path)
	}, nil
}
