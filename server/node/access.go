package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// explainAccess says whose a file is that this user may not use. Other errors
// pass unchanged.
func explainAccess(err error) error {
	var at *fs.PathError
	if !errors.Is(err, fs.ErrPermission) || !errors.As(err, &at) {
		return err
	}
	// In a folder that is closed not even the owner of a file can be seen, so
	// the folder is what to speak of.
	path := at.Path
	info, statErr := os.Lstat(path)
	for statErr != nil && path != filepath.Dir(path) {
		path = filepath.Dir(path)
		info, statErr = os.Lstat(path)
	}
	if statErr != nil {
		return err
	}
	return fmt.Errorf("%w: %s belongs to %s and its permissions are %s, and this is user %d; run the command as its owner, or choose another folder with --data",
		err, path, owner(info), info.Mode(), os.Geteuid())
}
