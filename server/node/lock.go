package node

import (
	"os"
	"path/filepath"
)

// Folders in a data folder that are there for a moment, with a whole registry in them.
const (
	backupTemp  = ".backup-*"
	restoreTemp = ".restore-*"
)

// lock makes sure that one process only serves a data folder, and removes what a
// backup or a restore that was killed has left there.
func lock(dir string) (unlock func() error, err error) {
	if unlock, err = hold(dir); err == nil {
		sweep(dir)
	}
	return unlock, err
}

// sweep removes the folders that nobody works in any more: in those of a backup,
// which goes on beside a server, its process holds the lock, and whoever restores
// holds that of the data folder. What cannot be removed keeps no server from starting.
func sweep(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		backup, _ := filepath.Match(backupTemp, e.Name())
		restore, _ := filepath.Match(restoreTemp, e.Name())
		if !e.IsDir() || !backup && !restore {
			continue
		}
		tmp := filepath.Join(dir, e.Name())
		if unlock, err := hold(tmp); err == nil {
			_ = os.RemoveAll(tmp)
			_ = unlock()
		}
	}
}
