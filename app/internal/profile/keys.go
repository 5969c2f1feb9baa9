package profile

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// protection says who holds the key.
type protection uint8

const (
	byKeyFile    protection = 1
	byPassphrase protection = 2
)

const keySize = 32

// cost is what argon2id takes: passes, memory in KiB, and threads.
type cost struct {
	time, memory uint32
	threads      uint8
}

// defaultCost is the second recommendation of RFC 9106.
var defaultCost = cost{time: 3, memory: 64 << 10, threads: 4}

func (c cost) valid() bool {
	return c.time >= 1 && c.time <= 64 && c.memory >= 8 && c.memory <= 1<<20 && c.threads >= 1 && c.threads <= 16
}

// fileKeys is all that the key's holder lets us derive, kept while the profile
// is open so that a write at its fixed time costs no argon2id.
type fileKeys struct {
	protection protection
	cost       cost
	salt       [saltSize]byte
	check      [checkSize]byte
	seal       []byte
}

// newKeys makes the keys of a new profile, with a new key file if there is no
// passphrase.
func newKeys(keyFile string, o Options) (*fileKeys, error) {
	k := &fileKeys{protection: byKeyFile}
	_, _ = rand.Read(k.salt[:]) // Never fails.
	if len(o.Passphrase) > 0 {
		k.protection, k.cost = byPassphrase, defaultCost
		if o.cost != nil {
			k.cost = *o.cost
		}
		return k, k.derive(k.stretch(o.Passphrase))
	}
	secret := make([]byte, keySize)
	_, _ = rand.Read(secret)
	if err := writeFile(keyFile, secret); err != nil {
		return nil, fmt.Errorf("the profile's key file: %w", err)
	}
	return k, k.derive(secret)
}

// findKeys derives the keys of a stored version, and checks that they are the
// right ones.
func findKeys(h *header, keyFile string, passphrase []byte) (*fileKeys, error) {
	k := &fileKeys{protection: h.protection, cost: h.cost, salt: h.salt}
	var secret []byte
	switch {
	case h.protection == byKeyFile:
		var err error
		if secret, err = readKeyFile(keyFile); err != nil {
			return nil, err
		}
	case len(passphrase) == 0:
		return nil, ErrPassphraseNeeded
	default:
		secret = k.stretch(passphrase)
	}
	if err := k.derive(secret); err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(k.check[:], h.check[:]) == 1 {
		return k, nil
	}
	k.wipe()
	if h.protection == byKeyFile {
		return nil, damaged("%s is not its key; put back the key file that belongs to it", keyFile)
	}
	return nil, ErrPassphrase
}

func readKeyFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, damaged("its key %s is missing; put it back", path)
	}
	if err != nil {
		return nil, fmt.Errorf("the profile's key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("other users of this machine can read %s, the key of the profile; run: chmod 600 %s", path, path)
	}
	if info.Size() != keySize {
		return nil, damaged("its key %s has %d bytes, not %d", path, info.Size(), keySize)
	}
	secret, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the profile's key file: %w", err)
	}
	return secret, nil
}

func (k *fileKeys) stretch(passphrase []byte) []byte {
	return argon2.IDKey(passphrase, k.salt[:], k.cost.time, k.cost.memory, k.cost.threads, keySize)
}

// derive fills in the keys, and wipes the secret that it derives them from.
func (k *fileKeys) derive(secret []byte) error {
	defer clear(secret)
	check, err := hkdf.Key(sha256.New, secret, k.salt[:], "undertone profile v1 check", checkSize)
	if err != nil {
		return err
	}
	copy(k.check[:], check)
	k.seal, err = hkdf.Key(sha256.New, secret, k.salt[:], "undertone profile v1 seal", chacha20poly1305.KeySize)
	return err
}

func (k *fileKeys) aead() (cipher.AEAD, error) { return chacha20poly1305.NewX(k.seal) }

func (k *fileKeys) wipe() { clear(k.seal) }
