// Package profiles knows the profiles of a person: several identities, each with a
// server and contacts of its own, that run at the same time, each in a process and a
// window of its own. So all stay online, and what one does the others do not notice.
//
//	$XDG_DATA_HOME/undertone                  the first, without a name
//	$XDG_DATA_HOME/undertone.profiles/NAME    the others
//
// Another profile is opened by starting the program once more, with --profile; where it
// runs already, that program says so. Who may call: app/undertone, for the window.
package profiles

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"undertone/app/internal/profile"
)

const (
	// suffix is what the folder of the others has after the name of the first.
	suffix = ".profiles"
	// maxName is the length of a name in letters.
	maxName = 32
	// secret is the variable with the passphrase of one profile, which others must not
	// get.
	secret = "UNDERTONE_PASSPHRASE"
)

// ErrName is returned for a name that no profile can have.
var ErrName = errors.New("a profile's name has 1 to 32 letters, digits, spaces or hyphens")

// A Set is the profiles of a person, as seen from one of them.
type Set struct {
	first, root string
	dir         string // of this one
	start       func(dir string) error
}

// Of returns the profiles beside the one in dir.
func Of(dir string) (*Set, error) {
	first, err := profile.DefaultDir()
	if err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(dir)
	return &Set{first: first, root: first + suffix, dir: dir, start: start}, err
}

// Current is the name of this one: "" for the first, and its folder for one that is
// elsewhere.
func (s *Set) Current() string {
	switch {
	case s.dir == filepath.Clean(s.first):
		return ""
	case filepath.Dir(s.dir) == s.root:
		return filepath.Base(s.dir)
	}
	return s.dir
}

// Others are the names of all others, the first before the rest.
func (s *Set) Others() []string {
	var all []string
	entries, err := os.ReadDir(s.root)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		entries = nil // Nothing there can be opened.
	}
	for _, e := range entries {
		if e.IsDir() && s.Check(e.Name()) == nil {
			all = append(all, e.Name())
		}
	}
	slices.Sort(all)
	all = append([]string{""}, all...)
	current := s.Current()
	return slices.DeleteFunc(all, func(name string) bool { return name == current })
}

// Check says why a name cannot be one, or returns nil. It becomes the name of a folder.
func (s *Set) Check(name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > maxName || name != strings.TrimSpace(name) || name[0] == '-' {
		return ErrName
	}
	for _, r := range name {
		if r != ' ' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return ErrName
		}
	}
	return nil
}

// Open opens another profile in a window of its own, the first for "". If there is
// none, its window makes one.
func (s *Set) Open(name string) error {
	dir := s.first
	if name != "" {
		if err := s.Check(name); err != nil {
			return err
		}
		dir = filepath.Join(s.root, name)
		if err := os.MkdirAll(s.root, 0o700); err != nil {
			return err
		}
	}
	return s.start(dir)
}

// start starts this program with another profile. It goes on when this one ends.
func start(dir string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	c := exec.Command(exe, "--profile", dir) //nolint:gosec,noctx // the program itself, which nothing here ends
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, secret+"=") })
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		return fmt.Errorf("the program did not start once more: %w", err)
	}
	go c.Wait() //nolint:errcheck // how it ends is its own affair
	return nil
}
