package profile

import (
	"errors"
	"fmt"
	"io/fs"
)

// Errors to branch on with errors.Is. What Open and Save return wraps them in
// words for a person, saying what to do.
var (
	// ErrNone: the folder has no profile.
	ErrNone = errors.New("there is no profile")
	// ErrExists: the folder has a profile already.
	ErrExists = errors.New("there is a profile already")
	// ErrInUse: another process or machine has the profile open; see InUseError.
	ErrInUse = errors.New("the profile is in use")
	// ErrPassphraseNeeded: the profile has a passphrase and none was given.
	ErrPassphraseNeeded = errors.New("this profile has a passphrase")
	// ErrPassphrase: the passphrase is wrong; the file is sound.
	ErrPassphrase = errors.New("this is not the profile's passphrase")
	// ErrNewer: a newer Undertone wrote the profile.
	ErrNewer = errors.New("this profile was written by a newer Undertone; please update this one")
	// ErrDamaged: neither stored version can be read.
	ErrDamaged = errors.New("the profile is damaged")
	// ErrChanged: something else wrote the file while it was open here.
	ErrChanged = errors.New("the profile was changed by another program or machine while it was open here, " +
		"so this one no longer writes it; close Undertone everywhere, then open it in one place")
)

var (
	errClosed = fmt.Errorf("the profile is closed: %w", fs.ErrClosed)
	errKept   = errors.New("the profile is written at fixed times while online")
	// errRekeying: the stored versions still have the keys before.
	errRekeying = errors.New("the last change of the passphrase could not be written yet; try again in a minute")
)

// An InUseError says who has the profile open.
type InUseError struct {
	// Process is the number of a process on this machine, 0 if unknown.
	Process int
	// Machine is the name of another machine, "" if it is this one.
	Machine string
}

// Error says who it is and what to do.
func (e *InUseError) Error() string {
	switch {
	case e.Machine != "":
		return fmt.Sprintf("this profile is in use on %q, or was not closed there; close Undertone there first, "+
			"or take the profile over with --takeover if that machine will not use it again", e.Machine)
	case e.Process != 0:
		return fmt.Sprintf("this profile is in use by another Undertone (process %d); close it or use --profile", e.Process)
	}
	return "this profile is in use by another Undertone; close it or use --profile"
}

// Is makes every InUseError an ErrInUse.
func (e *InUseError) Is(target error) bool { return target == ErrInUse }

type noneError struct{ dir string }

func (e *noneError) Error() string {
	return fmt.Sprintf("there is no profile in %s; make one with: undertone join LINK --name NAME", e.dir)
}

func (e *noneError) Is(target error) bool { return target == ErrNone || target == fs.ErrNotExist }

type existsError struct{ dir string }

func (e *existsError) Error() string {
	return fmt.Sprintf("there is a profile in %s already; for a second one use --profile DIR", e.dir)
}

func (e *existsError) Is(target error) bool { return target == ErrExists || target == fs.ErrExist }

// damaged says what is wrong with a stored version.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}
