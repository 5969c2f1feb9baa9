package node

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"undertone/transport/signal"
)

// ErrRootAway means that the root key is not in the data folder, which is where its
// operator may want it to be.
var ErrRootAway = errors.New("the root key is not in the data folder; where it is, run: undertone-server keys rotate --root FILE")

// Online returns the certificate to use from now on. If the one on disk ends
// soon, or begins later, and the root key is in the folder, it makes a new one, for as
// long. Without the root key the old one serves until it ends.
func (f *Folder) Online(now time.Time) (*tls.Certificate, error) {
	cert, err := f.readOnline()
	if err == nil && now.Before(signal.RenewAt(cert.Leaf)) && !f.premature(cert.Leaf, now) {
		return cert, nil
	}
	root, rootErr := readRoot(f.Dir)
	if rootErr != nil {
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w; and a new one cannot be made: %w", err, rootErr)
		case now.After(cert.Leaf.NotAfter):
			return nil, fmt.Errorf("the online certificate ran out on %s: %w", cert.Leaf.NotAfter.Format(time.DateOnly), rootErr)
		}
		return cert, nil
	}
	return f.makeOnline(root, now, lifeLike(cert))
}

// premature reports whether a certificate was made when the clock was ahead: no client
// takes it before it begins. When it is now before there was a server at all, the clock
// is behind, as on machines that have none of their own and just started; what it says
// is no reason to throw away a certificate that is right.
func (f *Folder) premature(leaf *x509.Certificate, now time.Time) bool {
	if !now.Before(leaf.NotBefore) {
		return false
	}
	root, err := os.Stat(filepath.Join(f.Dir, rootCertFile))
	return err == nil && !now.Before(root.ModTime())
}

// lifeLike is for how long a certificate is made that follows another one, or none.
func lifeLike(cert *tls.Certificate) time.Duration {
	if cert == nil {
		return signal.OnlineLife
	}
	return min(max(signal.LifeOf(cert.Leaf), signal.MinOnlineLife), signal.OnlineLife)
}

// makeOnline puts a new certificate in the place of the one on disk.
func (f *Folder) makeOnline(root *signal.Root, now time.Time, life time.Duration) (*tls.Certificate, error) {
	text, err := root.NewOnlineFor(now, life)
	if err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(f.Dir, onlineFile), text); err != nil {
		return nil, fmt.Errorf("keep the new online certificate: %w", explainAccess(err))
	}
	return signal.ParseOnline(text, f.root)
}

// Certificate returns the online certificate that is on the disk, and whether
// the root key is there to make another.
func (f *Folder) Certificate() (leaf *x509.Certificate, hasRoot bool, err error) {
	_, rootErr := readRoot(f.Dir)
	cert, err := f.readOnline()
	if err != nil {
		return nil, rootErr == nil, err
	}
	return cert.Leaf, rootErr == nil, nil
}

func (f *Folder) readOnline() (*tls.Certificate, error) {
	path := filepath.Join(f.Dir, onlineFile)
	text, err := os.ReadFile(path) //nolint:gosec // the operator's own folder
	if err != nil {
		return nil, fmt.Errorf("the online certificate cannot be read: %w", err)
	}
	cert, err := signal.ParseOnline(text, f.root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return cert, nil
}

// readRoot reads the root key, which the operator may have moved away.
func readRoot(dir string) (*signal.Root, error) {
	path := filepath.Join(dir, rootKeyFile)
	text, err := os.ReadFile(path) //nolint:gosec // the operator's own folder
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrRootAway
	case err != nil:
		return nil, explainAccess(err)
	}
	root, err := parseRoot(dir, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return root, nil
}

// parseRoot reads a root key, which must be that of the server in the folder.
func parseRoot(dir string, text []byte) (*signal.Root, error) {
	certificate, err := os.ReadFile(filepath.Join(dir, rootCertFile)) //nolint:gosec // the operator's own folder
	if err != nil {
		return nil, explainAccess(err)
	}
	return signal.ParseRoot(certificate, text)
}
