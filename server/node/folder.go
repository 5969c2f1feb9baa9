package node

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"undertone/server/internal/registry"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

// The files of a data folder.
const (
	SettingsFile = "server.toml"
	registryFile = "registry.db"
	rootCertFile = "root.crt"
	rootKeyFile  = "root.key"
	onlineFile   = "online.pem"
	lockFile     = "lock"
	socketFile   = "admin.sock"
	formatFile   = "format"
)

// Errors that callers tell apart.
var (
	// ErrExists means that the data folder holds a server already.
	ErrExists = errors.New("this data folder holds a server already")
	// ErrNoServer means that there is no server in the data folder.
	ErrNoServer = errors.New("there is no server in this data folder")
	// ErrRunning means that another process serves the data folder.
	ErrRunning = errors.New("a server runs on this data folder already")
)

// A Folder is an open data folder. Commands use it, with or without a server
// that runs on it at the same time.
type Folder struct {
	Dir      string
	Settings Settings
	Registry *registry.Registry
	root     *x509.Certificate
}

// Init makes the data folder of a new server: its keys, its settings and its
// registry. The settings file comes last, so that a folder that was half made
// is no server, and Init can be run again.
//
// Keys and a registry that are in the folder already are kept: so it also brings
// back a server that lost its settings.
func Init(ctx context.Context, dir string, s Settings) error {
	if _, err := os.Stat(filepath.Join(dir, SettingsFile)); err == nil {
		return fmt.Errorf("%s: %w; use it, or choose another folder with --data", dir, ErrExists)
	}
	if err := checkFormat(dir); err != nil {
		return err
	}
	if err := s.Check(); err != nil {
		return err
	}
	text, err := s.Text()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the data folder cannot be made: %w", explainAccess(err))
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // it is a folder
		return fmt.Errorf("the data folder cannot be closed to others: %w", explainAccess(err))
	}
	root, err := initRoot(dir)
	if err != nil {
		return err
	}
	rootKey, err := root.Key()
	if err != nil {
		return err
	}
	online, err := root.NewOnline(time.Now())
	if err != nil {
		return err
	}
	if err := initRegistry(ctx, dir, s); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		text []byte
	}{{formatFile, formatText()}, {rootKeyFile, rootKey}, {rootCertFile, root.Certificate()}, {onlineFile, online}, {SettingsFile, text}} {
		if err := writeFile(filepath.Join(dir, f.name), f.text); err != nil {
			return err
		}
	}
	return nil
}

// initRegistry makes the registry, or takes the one that is in the folder
// already, if its users can stay with these settings.
func initRegistry(ctx context.Context, dir string, s Settings) error {
	reg, err := registry.Create(ctx, filepath.Join(dir, registryFile))
	if err != nil {
		return explainRegistry(dir, err)
	}
	err = reg.Settle(ctx, s.terms(), time.Now())
	if closeErr := reg.Close(); err == nil {
		err = closeErr
	}
	var differ *registry.TermsError
	if errors.As(err, &differ) {
		return fmt.Errorf("%w; that is: --mode %s --interval %s", err, differ.Settled.Mode, differ.Settled.Interval)
	}
	return err
}

// explainRegistry says what to do about a registry that is lost, or belongs to another
// user. A new one is made only by init: with an empty one, all who have joined would be
// strangers, and nobody would know why.
func explainRegistry(dir string, err error) error {
	if !errors.Is(err, registry.ErrLost) {
		return explainAccess(err)
	}
	return fmt.Errorf("%w; stop the server, and restore a backup of the data folder. If there is none, all must be invited anew: "+
		"move %s and what begins with %s away, and run: undertone-server init --data %s --host NAME, which keeps the keys",
		err, SettingsFile, registryFile, dir)
}

// terms are what users join with.
func (s Settings) terms() registry.Terms {
	return registry.Terms{Mode: s.Mode, Interval: s.Interval}
}

// initRoot makes the root key, or takes the one that is in the folder already:
// invites name it, so it is never thrown away.
func initRoot(dir string) (*signal.Root, error) {
	path := filepath.Join(dir, rootKeyFile)
	text, err := os.ReadFile(path) //nolint:gosec // the operator's own folder
	switch {
	case err == nil:
		root, err := signal.RecoverRoot(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; restore it from a backup, or choose another folder with --data", path, err)
		}
		return root, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case exists(dir, rootCertFile):
		return nil, fmt.Errorf("%s holds the %s of a server without its %s; put that back, or choose another folder with --data",
			dir, rootCertFile, rootKeyFile)
	}
	return signal.NewRoot()
}

func exists(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}

// writeFile replaces a file so that a crash leaves the old one or the new one.
func writeFile(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // Nobody else can read it.
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	if _, err = tmp.Write(text); err == nil {
		err = tmp.Sync()
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename last over a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the operator's own folder
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

// ReadSettings reads the settings of a data folder, and nothing else of it. Variables
// as those of os.Environ, if any are given, override what is in the folder.
func ReadSettings(dir string, environ ...string) (Settings, error) {
	if err := checkFormat(dir); err != nil {
		return Settings{}, err
	}
	path := filepath.Join(dir, SettingsFile)
	text, err := os.ReadFile(path) //nolint:gosec // the operator's own folder
	if errors.Is(err, fs.ErrNotExist) {
		return Settings{}, explainNoSettings(dir)
	}
	if err != nil {
		return Settings{}, explainAccess(err)
	}
	s, err := ParseSettings(text, environ...)
	if err != nil {
		return Settings{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// explainNoSettings tells a folder without any server from one that has lost
// nothing but its settings, which can be had back.
func explainNoSettings(dir string) error {
	if exists(dir, registryFile) && exists(dir, rootKeyFile) {
		return fmt.Errorf("%s: only %s is missing, the keys and the registry are there; restore it from a backup, "+
			"or write it anew, which keeps both: undertone-server init --data %s --host NAME", dir, SettingsFile, dir)
	}
	if exists(dir, registryFile) && exists(dir, rootCertFile) {
		return fmt.Errorf("%s: %s is missing, the registry is there; restore it from a backup, "+
			"or put %s back too and write it anew, which keeps both: undertone-server init --data %s --host NAME", dir, SettingsFile, rootKeyFile, dir)
	}
	return fmt.Errorf("%s: %w; make one with: undertone-server init --data %s", dir, ErrNoServer, dir)
}

// OpenFolder opens the data folder of a server; Close closes it. The variables are
// those of ReadSettings.
func OpenFolder(ctx context.Context, dir string, environ ...string) (*Folder, error) {
	s, err := ReadSettings(dir, environ...)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, rootCertFile)
	text, err := os.ReadFile(path) //nolint:gosec // the operator's own folder
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return nil, explainAccess(err)
		}
		return nil, fmt.Errorf("the root certificate is missing; restore it from a backup: %w", err)
	}
	root, err := signal.ParseRootCertificate(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; restore it from a backup", path, err)
	}
	reg, err := registry.Open(ctx, filepath.Join(dir, registryFile))
	if err != nil {
		return nil, explainRegistry(dir, err)
	}
	return &Folder{Dir: dir, Settings: s, Registry: reg, root: root}, nil
}

// Close closes the registry.
func (f *Folder) Close() error { return f.Registry.Close() }

// Socket returns the path of the socket by which a running server is told.
func (f *Folder) Socket() string { return SocketPath(f.Dir) }

// SocketPath returns the path of the socket of a server on a data folder.
func SocketPath(dir string) string { return filepath.Join(dir, socketFile) }

// CreateInvite makes an invite that holds for a time. host is what the invite
// says of the address; empty stands for the one of the settings.
func (f *Folder) CreateInvite(ctx context.Context, label string, holds time.Duration, host string) (uri.Invite, registry.Invite, error) {
	if host == "" {
		host = f.Settings.PublicHost
	}
	if host == "" {
		return uri.Invite{}, registry.Invite{}, fmt.Errorf("set public_host in %s, so that the invite can say where the server is",
			filepath.Join(f.Dir, SettingsFile))
	}
	if err := CheckPublicHost(host); err != nil {
		return uri.Invite{}, registry.Invite{}, err
	}
	if err := f.Registry.Settle(ctx, f.Settings.terms(), time.Now()); err != nil {
		return uri.Invite{}, registry.Invite{}, f.explainTerms(err)
	}
	token, row, err := f.Registry.CreateInvite(ctx, label, time.Now().Add(holds))
	if err != nil {
		return uri.Invite{}, registry.Invite{}, err
	}
	return uri.Invite{Server: f.server(host), Token: token}, row, nil
}

// CheckTerms says whether those who joined, or hold invites, can come online
// with the settings as they are.
func (f *Folder) CheckTerms(ctx context.Context) error {
	return f.explainTerms(f.Registry.CheckTerms(ctx, f.Settings.terms(), time.Now()))
}

// explainTerms says where the settings are that do not go with the registry.
func (f *Folder) explainTerms(err error) error {
	var differ *registry.TermsError
	if errors.As(err, &differ) {
		return fmt.Errorf("%s: %w", filepath.Join(f.Dir, SettingsFile), err)
	}
	return err
}

func (f *Folder) server(host string) uri.Server {
	return uri.Server{Host: host, Pin: signal.PinOf(f.root), Mode: f.Settings.Mode, Interval: f.Settings.Interval}
}
