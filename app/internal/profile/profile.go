// Package profile keeps what an Undertone user owns in one encrypted file: the
// identity, the account at a server, contacts with their keys, the history of
// calls, and settings. The app's commands open it; the engine's state goes
// through it as opaque blobs, and nothing of it ever goes to a server.
//
// The folder, by default $XDG_DATA_HOME/undertone:
//
//	profile           the current version, encrypted (format.go has the layout)
//	profile.previous  the version before it
//	profile.damaged   a current version that could not be read, put aside
//	profile.key       the random key, when there is no passphrase; mode 0600
//	profile.new       the next version, while it is being written
//	lock              locked as long as a process has the profile open
//
// # What the encryption is worth
//
// With a passphrase, the file tells its reader nothing but its size class and
// when it was last written, as far as the passphrase withstands guessing
// (argon2id makes a guess cost 64 MiB and tenths of a second).
//
// Without one, the key lies next to the file. That protects a copy of the file
// that went elsewhere without the key, and no more: whoever can read the folder
// can read the profile. Only a passphrase or an encrypted disk helps there.
//
// Secrets are wiped from memory when the profile is closed, as far as Go lets
// one: the encoder and the collector may leave copies behind.
//
// # When it is written
//
// File times and disk syncs must not tell calls. So while a user is online Keep
// writes at fixed times, changed or not, and nothing else does: Update changes
// memory only. The size of the file depends on how many contacts there are, in
// steps of 64 KiB, and never on calls: the history's full room is always there.
// A crash loses the last minute. So nothing that must never be used twice (a
// nonce, a slot) may rest on what is stored here.
//
// Only commands that are not online use Save.
//
// # Two processes, two machines
//
// A lock keeps two processes of a machine apart. A folder that is shared or
// synchronised between machines has no such lock, so the file says whether a
// machine is online with it, and each write first checks that the file is the
// one that was last read or written; if not, it refuses with ErrChanged.
package profile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Names in the folder.
const (
	currentName  = "profile"
	previousName = "profile.previous"
	damagedName  = "profile.damaged"
	keyName      = "profile.key"
	newName      = "profile.new"
	lockName     = "lock"
)

// Options are what a person may have to say when opening a profile.
type Options struct {
	// Passphrase protects the profile. Empty means a random key in a file next
	// to it. The caller wipes it.
	Passphrase []byte
	// Takeover opens a profile that another machine has not closed, as after
	// moving to a new computer. That machine can then no longer write it.
	Takeover bool

	// cost is for tests, which have no second to spare for each passphrase.
	cost *cost
}

// A Profile is an open profile. Its methods may be called from any goroutine.
type Profile struct {
	// Set by Create and Open, then only read.
	dir    string
	lock   *lock
	writer [writerSize]byte
	notice string

	mu      sync.Mutex
	content *Content // nil once closed

	// disk is held during a write, and guards what belongs to the file.
	disk   sync.Mutex
	keys   *fileKeys
	onDisk header    // of the current version; the zero header if there is none
	keeper bool      // Keep is running
	next   *fileKeys // Protect waits for Keep with these; nil for nothing
	stale  int       // how many stored versions may have keys before these
	mark   *mark     // written into the file: who is online with it
}

// DefaultDir returns the folder for a user who names none.
func DefaultDir() (string, error) {
	// A relative path is to be ignored, says the XDG base directory standard.
	if data := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, "undertone"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the profile (use --profile DIR): %w", err)
	}
	return filepath.Join(home, ".local", "share", "undertone"), nil
}

// Exists reports whether there is a profile in dir, readable or not.
func Exists(dir string) bool {
	return fileExists(filepath.Join(dir, currentName)) || fileExists(filepath.Join(dir, previousName))
}

// Create makes a new profile with the given content, writes it, and leaves it
// open. It copies the content. It fails with ErrExists if dir has one already.
func Create(dir string, c *Content, o Options) (*Profile, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := makeFolder(dir); err != nil {
		return nil, fmt.Errorf("the profile's folder: %w", err)
	}
	p, err := lockProfile(dir)
	if err != nil {
		return nil, err
	}
	if err := p.create(c, o); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Profile) create(c *Content, o Options) error {
	if Exists(p.dir) {
		return &existsError{p.dir}
	}
	var err error
	if p.keys, err = newKeys(p.path(keyName), o); err != nil {
		return err
	}
	p.content = c.Clone()
	return p.write()
}

// Open opens the profile in dir and keeps it locked until Close. Errors to
// branch on: ErrNone, ErrInUse, ErrPassphraseNeeded, ErrPassphrase, ErrNewer
// and ErrDamaged; all are worded for a person.
//
// If the current version is damaged, the previous one is used, and Notice says
// so.
func Open(dir string, o Options) (*Profile, error) {
	if !Exists(dir) {
		return nil, &noneError{dir}
	}
	p, err := lockProfile(dir)
	if err != nil {
		return nil, err
	}
	if err := p.load(o); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// Read returns what is stored in dir, for a look at a profile that another
// process may have open: it takes no lock, and writes nothing. What that process
// has changed since its last write is missing. Errors are those of Open, except
// for ErrInUse. The caller wipes the content.
//
// A version is replaced as a whole, so what is read is one of them. Notice says
// if the current one was damaged; the next Open recovers from that.
func Read(dir string, o Options) (c *Content, notice string, err error) {
	if !Exists(dir) {
		return nil, "", &noneError{dir}
	}
	p := &Profile{dir: dir}
	defer p.Close()
	doc, current, err := p.loadEither(o)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", p.path(currentName), err)
	}
	defer doc.wipe()
	if errors.Is(current, ErrDamaged) {
		notice = fmt.Sprintf("%v, so this is its previous version", current)
	}
	c, err = doc.content()
	return c, notice, err
}

func lockProfile(dir string) (*Profile, error) {
	l, err := takeLock(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	p := &Profile{dir: dir, lock: l}
	_, _ = rand.Read(p.writer[:]) // Never fails.
	return p, nil
}

// Dir returns the profile's folder.
func (p *Profile) Dir() string { return p.dir }

// Notice returns what the user should be told about how opening went, or "".
func (p *Profile) Notice() string { return p.notice }

// Snapshot returns a copy of the content. The caller wipes it when done. After
// Close it returns an empty content.
func (p *Profile) Snapshot() *Content {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.content == nil {
		return new(Content)
	}
	return p.content.Clone()
}

// Update changes the content in memory: change gets a copy, which replaces the
// content if change returns nil and the result is valid. It never touches the
// disk: the next fixed time does, or Save.
func (p *Profile) Update(change func(*Content) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.content == nil {
		return errClosed
	}
	next := p.content.Clone()
	err := change(next)
	if err == nil {
		err = next.Validate()
	}
	if err != nil {
		next.Wipe()
		return err
	}
	p.content.Wipe()
	p.content = next
	return nil
}

// Save writes the profile now. It is for commands that are not online; while
// Keep runs it fails, since a write at a time of its own would tell what
// happened at that time.
func (p *Profile) Save() error {
	p.disk.Lock()
	defer p.disk.Unlock()
	if p.keeper {
		return errKept
	}
	return p.replaceOrWrite()
}

// replaceOrWrite writes, and replaces what could not be replaced before. The caller
// holds disk.
func (p *Profile) replaceOrWrite() error {
	if p.stale > 0 {
		return p.replace()
	}
	return p.write()
}

// Protect changes the passphrase; an empty one means a key file. Both stored
// versions are replaced, so that the old passphrase opens neither. While Keep runs
// that happens at its next write, and a crash until then leaves the old one.
func (p *Profile) Protect(passphrase []byte) error { return p.protect(Options{Passphrase: passphrase}) }

func (p *Profile) protect(o Options) error {
	p.disk.Lock()
	open, same := p.keys != nil, p.keys != nil && len(o.Passphrase) == 0 && p.keys.protection == byKeyFile
	waits := p.stale > 0 && len(o.Passphrase) == 0
	if same && p.next != nil {
		p.next.wipe()
		p.next = nil
	}
	p.disk.Unlock()
	switch {
	case !open:
		return errClosed
	case same:
		return nil // A new key file would lock out the stored versions.
	case waits:
		return errRekeying // As would one in the place of theirs.
	}
	keys, err := newKeys(p.path(keyName), o) // Takes its time; no write may wait for it.
	if err != nil {
		return err
	}
	p.disk.Lock()
	defer p.disk.Unlock()
	if p.keys == nil {
		keys.wipe()
		return errClosed
	}
	if p.next != nil {
		p.next.wipe()
	}
	if p.next = keys; p.keeper {
		return nil
	}
	return p.rekey()
}

// rekey puts the new keys into use. The caller holds disk.
func (p *Profile) rekey() error {
	p.keys.wipe()
	p.keys, p.next = p.next, nil
	p.stale = 2
	return p.replace()
}

// replace writes until no stored version has the old keys, the second write making the
// first the previous version. What fails is tried again at the next write.
func (p *Profile) replace() error {
	for ; p.stale > 0; p.stale-- {
		if err := p.write(); err != nil {
			return err
		}
	}
	if p.keys.protection == byPassphrase {
		// Only now, since up to here the old versions needed it.
		if err := os.Remove(p.path(keyName)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("the old key file is still there: %w", err)
		}
	}
	return nil
}

// Close wipes the profile from memory and unlocks the folder. It writes
// nothing. Keep must have returned.
func (p *Profile) Close() {
	p.disk.Lock()
	defer p.disk.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.content != nil {
		p.content.Wipe()
		p.content = nil
	}
	if p.keys != nil {
		p.keys.wipe()
		p.keys = nil
	}
	if p.next != nil {
		p.next.wipe()
		p.next = nil
	}
	if p.lock != nil {
		p.lock.release()
		p.lock = nil
	}
}

func (p *Profile) path(name string) string { return filepath.Join(p.dir, name) }
