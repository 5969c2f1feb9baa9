package profile

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
)

// MaxBackup is the length of the longest backup, in bytes.
const MaxBackup = maxSteps * stepSize

// ErrBackupPassphrase is returned for a backup that is to have no passphrase: its key
// would lie nowhere.
var ErrBackupPassphrase = errors.New("a backup needs a passphrase")

// Backup returns a copy of a content for another place: a file like the profile's own
// that its passphrase opens. What a backup does not need stays out: past calls.
//
// A backup that is read later has old keys of contacts, which go forward by
// themselves. It must not be used while the profile that it was made of is.
func Backup(c *Content, passphrase []byte) ([]byte, error) {
	return backup(c, Options{Passphrase: passphrase})
}

func backup(c *Content, o Options) ([]byte, error) {
	if len(o.Passphrase) == 0 {
		return nil, ErrBackupPassphrase
	}
	if err := c.Validate(); err != nil {
		return nil, err // Of a profile that was closed meanwhile there is nothing to keep.
	}
	d := c.Clone()
	defer d.Wipe()
	d.Calls = nil
	doc := newDocument(d, nil)
	defer doc.wipe()
	plain, room, err := doc.encode()
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	keys, err := newKeys("", o) // With a passphrase there is no key file.
	if err != nil {
		return nil, err
	}
	defer keys.wipe()
	aead, err := keys.aead()
	if err != nil {
		return nil, err
	}
	h := &header{protection: keys.protection, cost: keys.cost, salt: keys.salt, check: keys.check, generation: 1}
	_, _ = rand.Read(h.writer[:]) // Never fails.
	_, _ = rand.Read(h.nonce[:])
	return seal(aead, h, plain, room)
}

// WriteBackup writes a backup to a new file that only its owner can read, and returns
// when it is on the disk. A file that is there already is left alone: the error wraps
// fs.ErrExist. If it fails, nothing stays behind.
func WriteBackup(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// ReadBackup returns what is in a backup. Errors to branch on are those of Open:
// ErrPassphraseNeeded, ErrPassphrase, ErrNewer and ErrDamaged. The caller wipes it.
func ReadBackup(file, passphrase []byte) (*Content, error) {
	if len(file) > MaxBackup {
		return nil, damaged("it is larger than any backup")
	}
	h, err := parseHeader(file)
	if err != nil {
		return nil, err
	}
	if h.protection != byPassphrase {
		return nil, damaged("it is a profile's file and no backup; its key lies elsewhere")
	}
	keys, err := findKeys(&h, "", passphrase)
	if err != nil {
		return nil, err
	}
	defer keys.wipe()
	doc, err := openDocument(keys, &h, file)
	if err != nil {
		return nil, err
	}
	defer doc.wipe()
	return doc.content()
}
