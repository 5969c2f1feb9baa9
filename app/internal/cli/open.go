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
	var p *profile.Profile
	err := a.unlock(ctx, func(dir string, o profile.Options) (err error) {
		p, err = profile.Open(dir, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	a.warn(p.Notice())
	return p, nil
}

// read returns what is stored, also while another process has the profile open.
// The caller wipes it.
func (a *app) read(ctx context.Context) (*profile.Content, error) {
	var c *profile.Content
	var notice string
	err := a.unlock(ctx, func(dir string, o profile.Options) (err error) {
		c, notice, err = profile.Read(dir, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	a.warn(notice)
	return c, nil
}

func (a *app) warn(notice string) {
	if notice != "" {
		fmt.Fprintln(a.Err, "undertone:", notice)
	}
}

// unlock has open try the passphrase that was given, or that a person types.
func (a *app) unlock(ctx context.Context, open func(dir string, o profile.Options) error) error {
	dir, err := a.folder()
	if err != nil {
		return err
	}
	passphrase, err := a.givenPassphrase()
	if err != nil {
		return err
	}
	defer clear(passphrase)
	try := func(passphrase []byte) error {
		return open(dir, profile.Options{Passphrase: passphrase, Takeover: a.takeover})
	}
	if err := try(passphrase); !errors.Is(err, profile.ErrPassphraseNeeded) {
		return err
	}
	return a.unlockAsking(ctx, try)
}

// unlockAsking has try take a passphrase that a person has to type.
func (a *app) unlockAsking(ctx context.Context, try func(passphrase []byte) error) error {
	for guess := 1; ; guess++ {
		passphrase, err := a.askSecret(ctx, "Passphrase of the profile: ")
		if errors.Is(err, errNobodyThere) {
			return fmt.Errorf("%w; give it with --passphrase-file FILE or in %s", profile.ErrPassphraseNeeded, passphraseVariable)
		}
		if err != nil {
			return err
		}
		err = try(passphrase)
		clear(passphrase)
		mistyped := errors.Is(err, profile.ErrPassphrase) || errors.Is(err, profile.ErrPassphraseNeeded)
		if !mistyped || guess == guesses {
			return err
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
	p, err := a.openToEdit(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.Update(change); err != nil {
		return err
	}
	return p.Save()
}

// openToEdit opens the profile for a command that is over soon.
func (a *app) openToEdit(ctx context.Context) (*profile.Profile, error) {
	p, err := a.open(ctx)
	return p, whileInUse(err, inUseWords)
}

// inUseWords are for commands that change something.
const inUseWords = "this profile is in use by another Undertone (process %d); end it for a moment, and do this then"

// A busyError is an ErrInUse, and says what to do about it in this command.
type busyError struct {
	words string
	err   error
}

func (e *busyError) Error() string { return e.words }

func (e *busyError) Unwrap() error { return e.err }

// whileInUse words the error of a profile that a process of this machine has
// open, whose number format takes. Other errors stay as they are.
func whileInUse(err error, format string) error {
	var inUse *profile.InUseError
	if !errors.As(err, &inUse) || inUse.Machine != "" || inUse.Process == 0 {
		return err
	}
	return &busyError{fmt.Sprintf(format, inUse.Process), err}
}

// look shows the profile to f, also beside a session that is online with it.
func (a *app) look(ctx context.Context, f func(*profile.Content) error) error {
	c, err := a.read(ctx)
	if err != nil {
		return err
	}
	defer c.Wipe()
	return f(c)
}
