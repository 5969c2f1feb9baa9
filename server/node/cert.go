package node

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"undertone/transport/signal"
)

// Online returns the certificate to use from now on. If the one on disk ends
// soon and the root key is in the folder, it makes a new one. Without the root
// key the old one serves until it ends.
func (f *Folder) Online(now time.Time) (*tls.Certificate, error) {
	path := filepath.Join(f.Dir, onlineFile)
	cert, err := f.readOnline(path)
	if err == nil && now.Before(cert.Leaf.NotAfter.Add(-signal.RenewBefore)) {
		return cert, nil
	}
	root, rootErr := f.rootKey()
	if rootErr != nil {
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w; and a new one cannot be made: %w", err, rootErr)
		case now.After(cert.Leaf.NotAfter):
			return nil, fmt.Errorf("the online certificate ran out on %s: %w", cert.Leaf.NotAfter.Format(time.DateOnly), rootErr)
		}
		return cert, nil
	}
	text, err := root.NewOnline(now)
	if err != nil {
		return nil, err
	}
	if err := writeFile(path, text); err != nil {
		return nil, fmt.Errorf("keep the new online certificate: %w", err)
	}
	return signal.ParseOnline(text, f.root)
}

// Certificate returns the online certificate that is on the disk, and whether
// the root key is there to make another.
func (f *Folder) Certificate() (leaf *x509.Certificate, hasRoot bool, err error) {
	_, rootErr := f.rootKey()
	cert, err := f.readOnline(filepath.Join(f.Dir, onlineFile))
	if err != nil {
		return nil, rootErr == nil, err
	}
	return cert.Leaf, rootErr == nil, nil
}

func (f *Folder) readOnline(path string) (*tls.Certificate, error) {
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

// rootKey reads the root key, which the operator may have moved away.
func (f *Folder) rootKey() (*signal.Root, error) {
	path := filepath.Join(f.Dir, rootKeyFile)
	text, err := os.ReadFile(path) //nolint:gosec // the operator's own folder
	if err != nil {
		return nil, fmt.Errorf("put the root key back at %s for a moment and restart the server", path)
	}
	certificate, err := os.ReadFile(filepath.Join(f.Dir, rootCertFile)) //nolint:gosec // the operator's own folder
	if err != nil {
		return nil, err
	}
	root, err := signal.ParseRoot(certificate, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return root, nil
}
