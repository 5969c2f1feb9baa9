// Package autostart has the softphone start when its user logs in, by a file in the
// folder that desktops look into (the freedesktop autostart specification). To be
// online all the time is what hides calls, so nobody should have to think of it.
//
// Who may call: the window and the command line.
package autostart

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	fileName  = "undertone"
	extension = ".desktop"
)

// A File is the file that starts a program with a profile. Each profile has its own.
type File struct {
	path    string
	command []string
}

// Of returns the file that starts a command at the user's next login, with the profile
// in a folder; "" is the one of who names none.
func Of(profile string, command ...string) (*File, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil, fmt.Errorf("no folder for starting with the computer: %w", err)
	}
	name := fileName
	if profile != "" {
		// It is started from another folder than this.
		if profile, err = filepath.Abs(profile); err != nil {
			return nil, fmt.Errorf("starting with the computer: %w", err)
		}
		command = append(slices.Clone(command), "--profile", profile)
		sum := sha256.Sum256([]byte(profile))
		name += "-" + hex.EncodeToString(sum[:4])
	}
	return &File{filepath.Join(dir, "autostart", name+extension), command}, nil
}

// On reports whether it starts. Desktops switch it off by a line in the file.
func (f *File) On() bool {
	text, err := os.ReadFile(f.path)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		switch strings.ReplaceAll(strings.TrimSpace(line), " ", "") {
		case "Hidden=true", "X-GNOME-Autostart-enabled=false":
			return false
		}
	}
	return true
}

// Set has it start, or not.
func (f *File) Set(on bool) error {
	if !on {
		if err := os.Remove(f.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return err
	}
	next := f.path + ".new" // No desktop reads that.
	if err := os.WriteFile(next, []byte(f.text()), 0o600); err != nil {
		return err
	}
	return os.Rename(next, f.path)
}

func (f *File) text() string {
	var words []string
	for _, w := range f.command {
		words = append(words, quote(w))
	}
	return "[Desktop Entry]\nType=Application\nName=Undertone\nComment=Voice calls that cannot be observed\n" +
		"Exec=" + strings.Join(words, " ") + "\nTerminal=false\nX-GNOME-Autostart-enabled=true\n"
}

// quote writes a word as the desktop entry specification wants it: in quotes, with a
// backslash before what means something in them, and again for the string of the
// entry; a percent sign is doubled.
func quote(word string) string {
	plain := func(r rune) bool {
		return r == '/' || r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	inner := strings.NewReplacer(`\`, `\\\\`, `"`, `\\"`, "`", "\\\\`", `$`, `\\$`, `%`, `%%`).Replace(word)
	return `"` + inner + `"`
}
