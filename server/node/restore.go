package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"undertone/server/internal/backup"
	"undertone/server/internal/registry"
)

// ReadBackup reads a backup and checks it, but for the registry: that must be a file
// to be looked at.
func ReadBackup(path string) (Copy, error) {
	a, err := readArchive(path)
	if err != nil {
		return Copy{}, fmt.Errorf("%s: %w", path, err)
	}
	return Copy{archive: a, from: path}, nil
}

func readArchive(path string) (*backup.Archive, error) {
	in, err := os.Open(path) //nolint:gosec // the file that the operator named
	if err != nil {
		return nil, explainAccess(err)
	}
	defer func() { _ = in.Close() }()
	a, err := backup.Read(in)
	if err != nil {
		return nil, err
	}
	if err := checkArchive(a); err != nil {
		return nil, err
	}
	for name := range a.Files {
		if name != registryFile && !slices.Contains(keptFiles, name) {
			return nil, fmt.Errorf("%w: %q does not belong into one", backup.ErrDamaged, name)
		}
	}
	return a, nil
}

// Restore makes a data folder of it. There must be no server in the folder, not even a
// part of one, and none may run on it. If anything is wrong, nothing gets into the
// folder.
func (c Copy) Restore(ctx context.Context, dir string) (Backup, error) {
	if err := checkVacant(dir); err != nil {
		return Backup{}, err
	}
	users, err := c.unpack(ctx, dir)
	if err != nil {
		return Backup{}, err
	}
	return describe(c.archive, users), nil
}

// checkVacant says what of a server is in the folder, and whether that runs.
func checkVacant(dir string) error {
	name := foundIn(dir)
	if name == "" {
		return nil
	}
	if exists(dir, lockFile) {
		unlock, err := lock(dir)
		if err != nil {
			return err
		}
		_ = unlock()
	}
	return explainFound(dir, name)
}

// foundIn names something of a server that is in the folder, if there is any. The
// side files of a registry that is gone count too: SQLite would take what is in
// them for changes of the one that is put there.
func foundIn(dir string) string {
	names := []string{formatFile, registryFile, registryFile + "-wal", registryFile + "-shm", registryFile + "-journal"}
	for _, name := range append(names, keptFiles...) {
		if exists(dir, name) {
			return name
		}
	}
	return ""
}

func explainFound(dir, name string) error {
	return fmt.Errorf("%s: %w (%s), which is not overwritten; choose another folder with --data, or move that one away", dir, ErrExists, name)
}

// unpack puts the files into the folder, and returns how many users there are. They
// are written and looked at beside their places first; the settings get theirs
// last, as in Init, so that a folder that was half made is no server.
func (c Copy) unpack(ctx context.Context, dir string) (users int, err error) {
	_, statErr := os.Stat(dir)
	isNew := errors.Is(statErr, fs.ErrNotExist)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, fmt.Errorf("the data folder cannot be made: %w", explainAccess(err))
	}
	if isNew {
		defer func() {
			if err != nil {
				_ = os.Remove(filepath.Join(dir, lockFile))
				_ = os.Remove(dir) // Not if there is anything in it.
			}
		}()
	}
	unlock, err := lock(dir)
	if err != nil {
		return 0, err
	}
	defer func() { _ = unlock() }()
	if name := foundIn(dir); name != "" {
		return 0, explainFound(dir, name) // Somebody was faster.
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // it is a folder
		return 0, fmt.Errorf("the data folder cannot be closed to others: %w", explainAccess(err))
	}
	tmp, err := os.MkdirTemp(dir, restoreTemp)
	if err != nil {
		return 0, explainAccess(err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	if users, err = c.stage(ctx, tmp); err != nil {
		return 0, fmt.Errorf("%s: %w", c.from, err)
	}
	return users, c.place(tmp, dir)
}

// stage writes all files into tmp and looks at the registry, in the way of a server
// that starts.
func (c Copy) stage(ctx context.Context, tmp string) (users int, err error) {
	for name, text := range c.archive.Files {
		if err := writeFile(filepath.Join(tmp, name), text); err != nil {
			return 0, err
		}
	}
	if err := writeFile(filepath.Join(tmp, formatFile), formatText()); err != nil {
		return 0, err
	}
	if err := registry.CheckFile(ctx, filepath.Join(tmp, registryFile)); err != nil {
		return 0, fmt.Errorf("%s: %w", registryFile, err)
	}
	f, err := OpenFolder(ctx, tmp)
	if err != nil {
		return 0, err
	}
	list, err := f.Registry.Users(ctx)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil && exists(tmp, registryFile+"-wal") {
		err = errors.New("the registry was not brought into one file")
	}
	return len(list), err
}

// place moves the files to where they belong, or none of them.
func (c Copy) place(tmp, dir string) error {
	names := []string{formatFile, rootCertFile, rootKeyFile, onlineFile, registryFile, SettingsFile}
	for i, name := range names {
		if name != formatFile && c.archive.Files[name] == nil {
			continue
		}
		if err := os.Rename(filepath.Join(tmp, name), filepath.Join(dir, name)); err != nil {
			for _, done := range names[:i] {
				_ = os.Remove(filepath.Join(dir, done))
			}
			return err
		}
	}
	return syncDir(dir)
}
