// Package backup is the file that holds a whole server: what undertone-server
// backup writes and restore reads. It is a tar archive, so that in an emergency
// tar gets out of it what is wanted; each file in it has mode 0600.
//
//	undertone-backup.json   what made it and when, the versions of its format and
//	                        of the data folder, and the SHA-256 of each other file
//	name, name, …           the files, in the order of their names
//
// The hashes are there against a file that was cut off or that rotted, not against
// somebody who changes it on purpose: whoever has a backup has the keys in it too.
//
// An Archive is in memory as a whole; a registry has some megabytes. The package
// opens no file; node does, and nobody else imports this one.
package backup

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// Format is the version of the layout above. A program refuses what a newer one
// wrote.
const Format = 1

const (
	manifestName = "undertone-backup.json"
	// maxManifest and maxFile bound what is read into memory, in bytes.
	maxManifest = 1 << 20
	maxFile     = 1 << 30
	mode        = 0o600
)

// Errors that callers tell apart.
var (
	// ErrNone means that the file is something else.
	ErrNone = errors.New("this is no backup of undertone-server")
	// ErrNewer means that a newer undertone-server wrote the file.
	ErrNewer = errors.New("the backup was made by a newer undertone-server")
	// ErrDamaged means that the file is not as it was written.
	ErrDamaged = errors.New("the backup is damaged")
)

// An Archive is what a backup holds.
type Archive struct {
	// Version is that of the program that made it, Made when that was.
	Version string
	Made    time.Time
	// Folder is the version of the data folder.
	Folder int
	// Files by their names.
	Files map[string][]byte
}

// A manifest is undertone-backup.json.
type manifest struct {
	Format  int               `json:"format"`
	Folder  int               `json:"folder"`
	Version string            `json:"version"`
	Made    time.Time         `json:"made"`
	Files   map[string]string `json:"sha256"`
}

// Write writes a to w.
func (a *Archive) Write(w io.Writer) error {
	m := manifest{Format: Format, Folder: a.Folder, Version: a.Version, Made: a.Made.UTC().Truncate(time.Second), Files: map[string]string{}}
	for name, text := range a.Files {
		m.Files[name] = hash(text)
	}
	head, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	if err := add(t, manifestName, append(head, '\n'), m.Made); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(a.Files)) {
		if err := add(t, name, a.Files[name], m.Made); err != nil {
			return err
		}
	}
	return t.Close()
}

func add(t *tar.Writer, name string, text []byte, made time.Time) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(text)), ModTime: made, Format: tar.FormatPAX}
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err := t.Write(text)
	return err
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Read reads what Write wrote, all of it, and checks it. The names of the files
// were not looked at.
func Read(r io.Reader) (*Archive, error) {
	t := tar.NewReader(r)
	m, err := readManifest(t)
	if err != nil {
		return nil, err
	}
	a := &Archive{Version: m.Version, Made: m.Made.UTC().Truncate(time.Second), Folder: m.Folder, Files: map[string][]byte{}}
	for {
		name, text, err := next(t, maxFile)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if _, again := a.Files[name]; again || m.Files[name] != hash(text) {
			return nil, fmt.Errorf("%w: %q in it is not what was put there", ErrDamaged, name)
		}
		a.Files[name] = text
	}
	for name := range m.Files {
		if _, ok := a.Files[name]; !ok {
			return nil, fmt.Errorf("%w: %q is missing in it", ErrDamaged, name)
		}
	}
	return a, nil
}

// readManifest reads the first file. What has none is something else.
func readManifest(t *tar.Reader) (m manifest, err error) {
	name, text, err := next(t, maxManifest)
	if err != nil || name != manifestName {
		return m, ErrNone
	}
	// A newer one may look otherwise but for this.
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return m, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if version.Format > Format {
		return m, fmt.Errorf("%w: its format is %d and this program knows %d; update undertone-server", ErrNewer, version.Format, Format)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if m.Format != Format {
		return m, fmt.Errorf("%w: there is no format %d", ErrDamaged, m.Format)
	}
	return m, nil
}

// next reads the next file of a tar archive.
func next(t *tar.Reader, most int64) (name string, text []byte, err error) {
	h, err := t.Next()
	if err != nil {
		return "", nil, err
	}
	if h.Typeflag != tar.TypeReg || h.Size > most {
		return "", nil, fmt.Errorf("%q is no file, or a very large one", h.Name)
	}
	text, err = io.ReadAll(t)
	return h.Name, text, err
}
