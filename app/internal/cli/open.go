package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"undertone/app/internal/profile"
)

const (
	passphraseVariable = "UNDERTONE_PASSPHRASE"
	// maxPassphrase is the length of the longest passphrase, in bytes.
	maxPassphrase = 1024
	// guesses is how often a person may mistype the passphrase.
	guesses = 3
)

// folder returns the folder of the profile.
func (a *app) folder() (string, error) {
	if a.dir != "" {
		return a.dir, nil
	}
	return profile.DefaultDir()
}

// open opens the profile. The caller closes it.
func (a *app) open(ctx context.Context) (*profile.Profile, error) {
	dir, err := a.folder()
	if err != nil {
		return nil, err
	}
	passphrase, err := a.givenPassphrase()
	if err != nil {
		return nil, err
	}
	defer clear(passphrase)
	p, err := profile.Open(dir, profile.Options{Passphrase: passphrase, Takeover: a.takeover})
	if errors.Is(err, profile.ErrPassphraseNeeded) {
		p, err = a.openAsking(ctx, dir)
	}
	if err != nil {
		return nil, err
	}
	if notice := p.Notice(); notice != "" {
		fmt.Fprintln(a.Err, "undertone:", notice)
	}
	return p, nil
}

// openAsking opens a profile whose passphrase a person has to type.
func (a *app) openAsking(ctx context.Context, dir string) (*profile.Profile, error) {
	for guess := 1; ; guess++ {
		passphrase, err := a.askSecret(ctx, "Passphrase of the profile: ")
		if errors.Is(err, errNobodyThere) {
			return nil, fmt.Errorf("%w; give it with --passphrase-file FILE or in %s", profile.ErrPassphraseNeeded, passphraseVariable)
		}
		if err != nil {
			return nil, err
		}
		p, err := profile.Open(dir, profile.Options{Passphrase: passphrase, Takeover: a.takeover})
		clear(passphrase)
		mistyped := errors.Is(err, profile.ErrPassphrase) || errors.Is(err, profile.ErrPassphraseNeeded)
		if !mistyped || guess == guesses {
			return p, err
		}
		fmt.Fprintln(a.Err, "That is not the passphrase; try again.")
	}
}

// givenPassphrase returns the passphrase from where no person has to type it,
// nil if it is in neither place.
func (a *app) givenPassphrase() ([]byte, error) {
	if a.passphraseFile != "" {
		return a.readSecret(a.passphraseFile)
	}
	passphrase, ok := os.LookupEnv(passphraseVariable)
	if !ok {
		return nil, nil
	}
	// The sound helper, a child process, has no business with it.
	if err := os.Unsetenv(passphraseVariable); err != nil {
		return nil, err
	}
	return []byte(passphrase), nil
}

// readSecret reads a passphrase from the first line of a file, "-" being the
// standard input.
func (a *app) readSecret(path string) ([]byte, error) {
	in := a.In
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read the passphrase: %w", err)
		}
		defer f.Close()
		in = f
	}
	line, err := readLine(in, maxPassphrase)
	if err != nil {
		return nil, fmt.Errorf("cannot read the passphrase: %w", err)
	}
	switch {
	case len(line) == 0:
		return nil, fmt.Errorf("the first line of %s is empty; it must be the passphrase", path)
	case len(line) > maxPassphrase:
		return nil, fmt.Errorf("the passphrase in %s is longer than %d bytes", path, maxPassphrase)
	}
	return line, nil
}

// readLine reads a line without its end, and no byte more: what follows on the
// standard input is not for it. It gives up one byte after limit.
func readLine(r io.Reader, limit int) ([]byte, error) {
	line := make([]byte, 0, limit+1) // So that no copy of a secret is left behind.
	var b [1]byte
	for len(line) <= limit {
		n, err := r.Read(b[:])
		if n == 1 && b[0] == '\n' || errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line = append(line, b[:n]...)
	}
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

// edit changes the profile and saves it, for commands that are not online.
func (a *app) edit(ctx context.Context, change func(*profile.Content) error) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.Update(change); err != nil {
		return err
	}
	return p.Save()
}

// look shows the profile to f.
func (a *app) look(ctx context.Context, f func(*profile.Content) error) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	c := p.Snapshot()
	defer c.Wipe()
	return f(c)
}
