package profile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// load reads the current version, or the previous one if that is damaged or
// missing.
func (p *Profile) load(o Options) error {
	doc, current, err := p.loadEither(o)
	if current != nil && err == nil {
		err = p.recovered(current)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.path(currentName), err)
	}
	defer doc.wipe()
	// A mark of this machine is left from a crash: the lock says that nobody here
	// is online with the profile. It goes away with the next write.
	if doc.Online != nil && doc.Online.Machine != machineID() && !o.Takeover {
		return &InUseError{Machine: doc.Online.Name}
	}
	p.content, err = doc.content()
	return err
}

// loadEither reads the current version, or the previous one and what is wrong
// with the current one.
func (p *Profile) loadEither(o Options) (doc *document, current, err error) {
	doc, err = p.loadVersion(currentName, o)
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrDamaged) {
		return doc, nil, err
	}
	current = err
	doc, err = p.loadVersion(previousName, o)
	if errors.Is(err, fs.ErrNotExist) {
		err = current
	}
	return doc, current, err
}

// recovered notes that the previous version is in use. A damaged current
// version is put aside at once, so that the next write cannot make it the
// previous one.
func (p *Profile) recovered(reason error) error {
	p.onDisk = header{}
	if errors.Is(reason, fs.ErrNotExist) {
		p.notice = "the last write of the profile was interrupted, so its previous version is used: what changed in the minute before may be missing"
		return nil
	}
	if err := os.Rename(p.path(currentName), p.path(damagedName)); err != nil {
		return fmt.Errorf("putting the damaged version aside: %w", err)
	}
	p.notice = fmt.Sprintf("%v, so its previous version is used: what changed in the minute before may be missing; "+
		"the damaged file is kept as %s", reason, p.path(damagedName))
	return nil
}

// loadVersion reads one stored version and takes over its keys and header.
func (p *Profile) loadVersion(name string, o Options) (*document, error) {
	file, err := readBounded(p.path(name))
	if err != nil {
		return nil, err
	}
	h, err := parseHeader(file)
	if err != nil {
		return nil, err
	}
	keys, err := findKeys(&h, p.path(keyName), o.Passphrase)
	if err != nil {
		return nil, err
	}
	doc, err := openDocument(keys, &h, file)
	if err != nil {
		keys.wipe()
		return nil, err
	}
	p.keys, p.onDisk = keys, h
	return doc, nil
}

func openDocument(keys *fileKeys, h *header, file []byte) (*document, error) {
	aead, err := keys.aead()
	if err != nil {
		return nil, err
	}
	plain, err := unseal(aead, h, file)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return parseDocument(plain)
}

// write stores the content as the next version. The caller holds p.disk, or is
// alone.
func (p *Profile) write() error {
	if p.keys == nil {
		return errClosed
	}
	if err := p.checkUnchanged(); err != nil {
		return err
	}
	file, h, err := p.nextVersion()
	if err != nil {
		return err
	}
	if err := writeFile(p.path(newName), file); err != nil {
		return fmt.Errorf("the profile was not saved: %w", err)
	}
	if err := p.rotate(); err != nil {
		return fmt.Errorf("the profile was not saved: %w", err)
	}
	p.onDisk = *h
	return nil
}

// nextVersion returns the file to write.
func (p *Profile) nextVersion() ([]byte, *header, error) {
	plain, room, err := p.encode()
	if err != nil {
		return nil, nil, err
	}
	defer clear(plain)
	aead, err := p.keys.aead()
	if err != nil {
		return nil, nil, err
	}
	h := &header{
		protection: p.keys.protection, cost: p.keys.cost, salt: p.keys.salt, check: p.keys.check,
		generation: p.onDisk.generation + 1, writer: p.writer,
	}
	_, _ = rand.Read(h.nonce[:]) // Never fails.
	file, err := seal(aead, h, plain, room)
	return file, h, err
}

func (p *Profile) encode() (plain []byte, room int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.content == nil {
		return nil, 0, errClosed
	}
	doc := newDocument(p.content, p.mark)
	defer doc.wipe()
	return doc.encode()
}

// checkUnchanged makes sure that the file is the one last read or written here.
func (p *Profile) checkUnchanged() error {
	f, err := os.Open(p.path(currentName))
	if errors.Is(err, fs.ErrNotExist) {
		if p.onDisk == (header{}) {
			return nil
		}
		return fmt.Errorf("%w (the file is gone)", ErrChanged)
	}
	if err != nil {
		return fmt.Errorf("the profile was not saved: %w", err)
	}
	defer f.Close()
	b := make([]byte, headerSize)
	if _, err := io.ReadFull(f, b); err != nil {
		return ErrChanged
	}
	if h, err := parseHeader(b); err != nil || h != p.onDisk {
		return ErrChanged
	}
	return nil
}

// rotate makes the new version the current one, and the current one the
// previous one. Between the two renames a crash leaves no current version; load
// then takes the previous one.
func (p *Profile) rotate() error {
	current, previous := p.path(currentName), p.path(previousName)
	rotated := p.onDisk != (header{})
	if rotated {
		if err := os.Rename(current, previous); err != nil {
			return err
		}
	}
	if err := os.Rename(p.path(newName), current); err != nil {
		if rotated {
			err = errors.Join(err, os.Rename(previous, current))
		}
		return err
	}
	return syncFolder(p.dir)
}

// writeFile writes a file that only its owner can read, and waits until it is
// on the disk.
func writeFile(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(0o600) // The file may be an older one, of another mode.
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// readBounded reads a file, unless it is larger than any profile.
func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSteps*stepSize {
		return nil, damaged("it is not a file of a profile's size")
	}
	return os.ReadFile(path)
}

// makeFolder makes dir, readable by its owner only, and waits until it is on
// the disk.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(dir))
}

// syncFolder waits until the names in dir are on the disk.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
