package node

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"undertone/server/internal/admin"
	"undertone/transport/signal"
)

// Keys are the keys of a server, as they are in its data folder:
//
//	root.key ──signs──▶ online.pem ──is shown to──▶ who comes online
//	   │                                               │
//	   └──────────── its hash is in every invite ──────┘
//
// So the online key can be another one at any time, and nobody who is online needs it:
// each link has keys of its own.
type Keys struct {
	// Root names the root key as invites do, and HasRoot says whether it is in the
	// folder.
	Root    string `json:"root"`
	HasRoot bool   `json:"root_in_folder"`
	// Online names the online key, which was made at a time, holds until another, and
	// is renewed, if the root key is there, from Renews on.
	Online string    `json:"online"`
	Made   time.Time `json:"online_made"`
	Ends   time.Time `json:"online_ends"`
	Renews time.Time `json:"online_renews"`
}

// Keys returns the keys that are in the folder.
func (f *Folder) Keys() (Keys, error) {
	cert, err := f.readOnline()
	if err != nil {
		return Keys{}, err
	}
	return Keys{
		Root:    nameOf(f.root),
		HasRoot: exists(f.Dir, rootKeyFile),
		Online:  nameOf(cert.Leaf),
		Made:    cert.Leaf.NotAfter.Add(-signal.LifeOf(cert.Leaf)),
		Ends:    cert.Leaf.NotAfter,
		Renews:  signal.RenewAt(cert.Leaf),
	}, nil
}

// nameOf names the key of a certificate in the way of invites.
func nameOf(c *x509.Certificate) string {
	pin := signal.PinOf(c)
	return base64.RawURLEncoding.EncodeToString(pin[:])
}

// Rotate makes a new online key, which holds for a time from now on; zero stands for
// as long as the one before. rootKey is the root key as PEM, or nil for the one in the
// folder. A server that runs has to be told (see admin).
func (f *Folder) Rotate(now time.Time, life time.Duration, rootKey []byte) error {
	root, err := f.rootFor(rootKey)
	if err != nil {
		return err
	}
	if life == 0 {
		old, _ := f.readOnline() // One that cannot be read is replaced all the more.
		life = lifeLike(old)
	}
	_, err = f.makeOnline(root, now, life)
	return err
}

func (f *Folder) rootFor(text []byte) (*signal.Root, error) {
	if text == nil {
		return readRoot(f.Dir)
	}
	return parseRoot(f.Dir, text)
}

// lapse says why the online key is not going to be renewed in time, or nil.
func (f *Folder) lapse(leaf *x509.Certificate, now time.Time) error {
	if now.Before(leaf.NotBefore) {
		return fmt.Errorf("the online key is good from %s on only, so the clock was wrong when it was made, or is now; set the clock, "+
			"and if it is right run: undertone-server keys rotate", leaf.NotBefore.Format(time.DateOnly))
	}
	from := signal.RenewAt(leaf)
	if now.Before(from) {
		return nil
	}
	ends := leaf.NotAfter.Format(time.DateOnly)
	if _, err := readRoot(f.Dir); err != nil {
		return fmt.Errorf("the online key ends on %s and cannot be renewed: %w", ends, err)
	}
	if now.Sub(from) > 2*renewEvery {
		return fmt.Errorf("the online key ends on %s and was not renewed; the log says why", ends)
	}
	return nil
}

// CopyRootKey writes the root key of a data folder into the new file path, which is
// to be outside of it, and returns what can be read there afterwards.
func CopyRootKey(dir, path string) ([]byte, error) {
	if !exists(dir, SettingsFile) {
		return nil, explainNoSettings(dir)
	}
	root, err := readRoot(dir)
	if err != nil {
		return nil, err
	}
	text, err := root.Key()
	if err != nil {
		return nil, err
	}
	if inside(dir, path) {
		return nil, fmt.Errorf("%s is in the data folder itself; name a file on another disk, which is kept elsewhere", path)
	}
	if err := writeNew(path, "the root key", func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		return nil, err
	}
	return os.ReadFile(path) //nolint:gosec // the file that the operator named
}

// inside tells whether a path is below a folder.
func inside(dir, path string) bool {
	folder, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	below, err := filepath.Rel(folder, whole)
	return err == nil && filepath.IsLocal(below)
}

// ForgetRootKey takes the root key out of a data folder. kept is what CopyRootKey
// returned: if that is not this key, or if the server needs it at this time, the key
// stays.
func ForgetRootKey(dir string, kept []byte, now time.Time) error {
	if _, err := parseRoot(dir, kept); err != nil {
		return fmt.Errorf("the root key stays in %s, since what was written elsewhere cannot be used: %w", dir, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, rootCertFile)) //nolint:gosec // the operator's own folder
	if err != nil {
		return explainAccess(err)
	}
	f := Folder{Dir: dir}
	if f.root, err = signal.ParseRootCertificate(text); err != nil {
		return err
	}
	cert, err := f.readOnline()
	if err == nil && now.After(cert.Leaf.NotAfter) {
		err = fmt.Errorf("the online certificate ran out on %s", cert.Leaf.NotAfter.Format(time.DateOnly))
	}
	if err != nil {
		return fmt.Errorf("the root key stays in %s, since it is needed first: %w; run: undertone-server keys rotate", dir, err)
	}
	if err := os.Remove(filepath.Join(dir, rootKeyFile)); err != nil {
		return explainAccess(err)
	}
	return syncDir(dir)
}

// OnlineKey says which online key is in use.
func (n *Node) OnlineKey() admin.OnlineKey {
	leaf := n.cert.Load().Leaf
	return admin.OnlineKey{Name: nameOf(leaf), Ends: leaf.NotAfter}
}

// CheckKeys puts the online key in use that is in the data folder. Who is online does
// not notice: it is shown to those who come from now on.
func (n *Node) CheckKeys() error { return n.renew(time.Now()) }
