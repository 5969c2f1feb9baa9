package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// folderFormat is the version of data folders: of which files are in one, and
// what they mean. The registry counts its own (registry.ErrNewer). A folder
// without the file that says it is of version 1.
const folderFormat = 1

// ErrNewer means that a newer undertone-server made the data folder, or changed it.
var ErrNewer = errors.New("this data folder was made by a newer undertone-server")

// checkFormat refuses the folder of a newer program, before anything else in it is
// read: it would be taken for something that it is not.
func checkFormat(dir string) error {
	path := filepath.Join(dir, formatFile)
	text, err := os.ReadFile(path) //nolint:gosec // the operator's own folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return explainAccess(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || n < 1 {
		return fmt.Errorf("%s should hold a number, such as %d; restore it from a backup", path, folderFormat)
	}
	if err := checkFolderVersion(n); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}

func checkFolderVersion(n int) error {
	if n <= folderFormat {
		return nil
	}
	return fmt.Errorf("%w: its format is %d and this program knows %d; update undertone-server, or restore a backup of the older version",
		ErrNewer, n, folderFormat)
}

func formatText() []byte { return []byte(strconv.Itoa(folderFormat) + "\n") }
