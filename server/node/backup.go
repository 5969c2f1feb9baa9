package node

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"undertone/server/internal/backup"
	"undertone/server/internal/registry"
	"undertone/transport/signal"
)

// What is in a backup: everything in a data folder that is kept. All of it but the
// registry is small and replaced as a whole, so that it is just read.
var (
	keptFiles = []string{SettingsFile, rootCertFile, rootKeyFile, onlineFile}
	// neededFiles are without which there is no server.
	neededFiles = []string{SettingsFile, rootCertFile, registryFile}
)

// A Backup says what is in one.
type Backup struct {
	// Version is that of the program that made it, Made when that was.
	Version string    `json:"version"`
	Made    time.Time `json:"made"`
	// Users is how many users are in the registry.
	Users int `json:"users"`
	// HasRoot says that the root key is in it, and was not kept elsewhere.
	HasRoot bool `json:"root_key"`
}

// A Copy is all that a server is, on the way from a data folder to a backup, or from
// there to a data folder. One side is the server's user's and the other one the
// operator's, so that who makes it need not be able to do both at once.
type Copy struct {
	Backup

	archive *backup.Archive
	from    string // the backup that it is of, if any
}

// Copy returns all that the server is. It may run meanwhile; the registry is that of
// one moment. It can be restored where there are none of the variables that override
// settings here.
func (f *Folder) Copy(ctx context.Context, version string) (Copy, error) {
	a := &backup.Archive{Version: version, Made: time.Now(), Folder: folderFormat, Files: map[string][]byte{}}
	for _, name := range keptFiles {
		text, err := os.ReadFile(filepath.Join(f.Dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // Whether it can be missing, checkArchive knows.
		}
		if err != nil {
			return Copy{}, explainAccess(err)
		}
		a.Files[name] = text
	}
	var err error
	if a.Files[SettingsFile], err = f.settingsText(a.Files[SettingsFile]); err != nil {
		return Copy{}, err
	}
	if a.Files[registryFile], err = f.copyRegistry(ctx); err != nil {
		return Copy{}, err
	}
	if err := checkArchive(a); err != nil {
		return Copy{}, fmt.Errorf("nothing was backed up, since it could not be restored: %w", err)
	}
	users, err := f.Registry.Users(ctx)
	if err != nil {
		return Copy{}, err
	}
	return Copy{Backup: describe(a, len(users)), archive: a}, nil
}

// Write writes a backup, a new file which only its owner can read.
func (c Copy) Write(path string) error { return writeNew(path, "the backup", c.archive.Write) }

func describe(a *backup.Archive, users int) Backup {
	return Backup{Version: a.Version, Made: a.Made, Users: users, HasRoot: a.Files[rootKeyFile] != nil}
}

// settingsText returns server.toml for a backup: as the operator wrote it, or, if it
// leaves to variables what must be there, with all that is in force.
func (f *Folder) settingsText(file []byte) ([]byte, error) {
	if _, err := ParseSettings(file); err == nil {
		return file, nil
	}
	return f.Settings.Text()
}

// copyRegistry returns a copy of the registry. It is made inside the data folder,
// where nobody else can read it.
func (f *Folder) copyRegistry(ctx context.Context) ([]byte, error) {
	tmp, err := os.MkdirTemp(f.Dir, backupTemp)
	if err != nil {
		return nil, explainAccess(err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	unlock, err := hold(tmp) // A server that starts now leaves it alone.
	if err != nil {
		return nil, err
	}
	defer func() { _ = unlock() }()
	path := filepath.Join(tmp, registryFile)
	if err := f.Registry.Copy(ctx, path); err != nil {
		return nil, err
	}
	if err := registry.CheckFile(ctx, path); err != nil {
		return nil, fmt.Errorf("nothing was backed up: %s: %w", registryFile, err)
	}
	return os.ReadFile(path) //nolint:gosec // made just now
}

// writeNew writes a file that is not there yet, and leaves none if that fails. what
// names what is in it.
func writeNew(path, what string, write func(io.Writer) error) (err error) {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the file that the operator named
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already and is not overwritten; choose another name", path)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", what, explainAccess(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(path)
			err = fmt.Errorf("%s cannot be written: %w", what, err)
		}
	}()
	err = write(out)
	if err == nil {
		err = out.Sync()
	}
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// checkArchive says why the files of a are not those of a server, or not all. The
// registry is looked at elsewhere: it must be a file for that.
func checkArchive(a *backup.Archive) error {
	if err := checkFolderVersion(a.Folder); err != nil {
		return err
	}
	for _, name := range neededFiles {
		if a.Files[name] == nil {
			return fmt.Errorf("%s is missing", name)
		}
	}
	if _, err := ParseSettings(a.Files[SettingsFile]); err != nil {
		return fmt.Errorf("%s: %w", SettingsFile, err)
	}
	root, err := signal.ParseRootCertificate(a.Files[rootCertFile])
	if err != nil {
		return fmt.Errorf("%s: %w", rootCertFile, err)
	}
	return checkKeys(a, root)
}

// checkKeys looks at the private keys. The online key can be made anew with the
// root key, so one of the two is enough.
func checkKeys(a *backup.Archive, root *x509.Certificate) error {
	key, online := a.Files[rootKeyFile], a.Files[onlineFile]
	if key == nil && online == nil {
		return fmt.Errorf("neither %s nor %s is there, and nobody could come online without both", rootKeyFile, onlineFile)
	}
	if key != nil {
		if _, err := signal.ParseRoot(a.Files[rootCertFile], key); err != nil {
			return fmt.Errorf("%s: %w", rootKeyFile, err)
		}
	}
	if online != nil {
		if _, err := signal.ParseOnline(online, root); err != nil {
			return fmt.Errorf("%s: %w", onlineFile, err)
		}
	}
	return nil
}
