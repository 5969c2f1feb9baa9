// Package registry remembers who may come online: the users of the set, and the
// invites by which new ones join. It is one SQLite file in the data folder of
// the server.
//
// It knows nothing about calls, not even when a user was last here. Of a user
// it keeps the account (the key that signs for him, and a hash of the keys that
// the server must not see), the label that the operator gave the invite, the
// day on which he joined, and whether he is disabled. The name that a user
// chose never reaches the server. Of an invite it keeps a hash of the token, so
// that whoever reads the file cannot join; and not who used it. A removed user is
// gone with all that was kept for him: one used invite of his label, so that there
// are as many of each label as users, and with the last user of a label what is past
// of it. Nobody comes back by an invite that is gone: it is as one that never was.
//
//	users    handle (16) | ed25519 (32) | inner (32) | label | day joined | disabled
//	invites  hash (32)   | label | expires | spent | revoked
//	terms    mode | interval, the one row: what all of them have joined with
//
// The life of an invite:
//
//	         Redeem            RemoveUser
//	open ─────────────▶ used ──────────────▶ gone
//	 │ RevokeInvite                           ▲
//	 ├────────────────▶ revoked ──────────────┤ of the last user
//	 │ time                                   │ who had its label
//	 └────────────────▶ expired ──────────────┘
//
// Redemption is one transaction that is on the disk before Redeem returns
// (write-ahead log, synchronous=FULL), so kill -9 loses neither a user nor an
// invite. It is idempotent: an account that is in the registry is let in
// whatever token it shows, and spends nothing. So a client that dies between
// being redeemed and noting it down just tries again. What is refused is only read
// for, so that strangers who make up tokens keep nobody from writing.
//
// Several processes may use one file at once; the commands of the operator do,
// while the server runs, and so does a backup, which takes a Copy. Only the
// server's packages may import this one.
package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite" // The driver "sqlite" too.
)

// Errors that callers tell apart.
var (
	// ErrUserUnknown means that no user has this account, handle or label.
	ErrUserUnknown = errors.New("there is no such user")
	// ErrUserDisabled means that the operator does not let the user online.
	ErrUserDisabled = errors.New("the user is disabled")
	// ErrInviteUnknown means that this server never gave out such an invite.
	ErrInviteUnknown = errors.New("there is no such invite")
	// ErrInviteUsed means that somebody else joined with this invite.
	ErrInviteUsed = errors.New("the invite was used before")
	// ErrInviteExpired means that the invite was used too late.
	ErrInviteExpired = errors.New("the invite has expired")
	// ErrInviteRevoked means that the operator took the invite back.
	ErrInviteRevoked = errors.New("the invite was revoked")
	// ErrAmbiguous means that a short name fits more than one row.
	ErrAmbiguous = errors.New("this fits more than one; give more of it")
	// ErrNewer means that a newer undertone-server wrote the file.
	ErrNewer = errors.New("the registry was written by a newer undertone-server")
	// ErrDamaged means that the file is no registry any more.
	ErrDamaged = errors.New("the file is damaged")
	// ErrLost means that a file that must be there is missing or empty.
	ErrLost = errors.New("the registry is lost")
)

// A Registry is an open registry file. Its methods may be called from any
// goroutine.
type Registry struct {
	db  *sql.DB
	dir string // where the file is
}

// Open opens the registry in the file path, which must be there, and brings its schema
// up to date.
func Open(ctx context.Context, path string) (*Registry, error) {
	if err := checkThere(path); err != nil {
		return nil, err
	}
	return connect(ctx, path, false)
}

// Create opens the registry in the file path, or makes a new one there. Nobody but the
// owner of the process can read a new file.
func Create(ctx context.Context, path string) (*Registry, error) {
	err := checkThere(path)
	if errors.Is(err, ErrLost) {
		// A crash while a registry is made may leave an empty file, but no log beside
		// it: that is of a registry which held something.
		if info, statErr := os.Stat(path + logSuffix); statErr == nil && info.Size() > 0 {
			return nil, fmt.Errorf("%w, and its last changes are in %s still", err, filepath.Base(path)+logSuffix)
		}
		err = touch(path)
	}
	if err != nil {
		return nil, err
	}
	return connect(ctx, path, true)
}

// connect opens a file that is there; isNew says that it may hold nothing yet.
func connect(ctx context.Context, path string, isNew bool) (*Registry, error) {
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, fmt.Errorf("the registry %s: %w", path, err)
	}
	// A few connections are plenty: writers exclude each other anyhow.
	db.SetMaxOpenConns(4)
	r := &Registry{db: db, dir: filepath.Dir(path)}
	if err := r.migrate(ctx, isNew); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("the registry %s: %w", path, err)
	}
	return r, nil
}

// Ping reads from the file, and says why that cannot be done.
func (r *Registry) Ping(ctx context.Context) error {
	var some bool
	return r.explain(r.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM users)`).Scan(&some))
}

// Close closes the file. What was committed is on the disk already.
func (r *Registry) Close() error { return r.db.Close() }

// What SQLite says of a file that it cannot make sense of (SQLITE_CORRUPT and
// SQLITE_NOTADB), and of a disk that does not take what is written (SQLITE_IOERR and
// SQLITE_FULL), in the low byte of its code.
const (
	sqliteIOErr   = 10
	sqliteCorrupt = 11
	sqliteFull    = 13
	sqliteNotADB  = 26
)

// lowCode is what SQLite says, without the details; 0 for an error that is not its own.
func lowCode(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}

// isDamage reports whether SQLite cannot make sense of a file.
func isDamage(err error) bool {
	code := lowCode(err)
	return code == sqliteCorrupt || code == sqliteNotADB
}

// explain says what to do about a damaged file and a full disk. Other errors pass
// unchanged.
func (r *Registry) explain(err error) error {
	switch lowCode(err) {
	case sqliteCorrupt, sqliteNotADB:
		return fmt.Errorf("%w, and was left as it is (%w); stop the server, and restore a backup of the data folder", ErrDamaged, err)
	case sqliteIOErr, sqliteFull:
		// Where there is no room for what SQLite shares between processes, it speaks of
		// input and output only.
		return fmt.Errorf("%w; is the disk full? see: df -h %s", err, r.dir)
	}
	return err
}

// logSuffix makes the name of the write-ahead log of that of the file.
const logSuffix = "-wal"

// checkThere looks at the file before SQLite does, which takes an empty one for new and
// throws away the log beside it, with the last changes of the one that was there.
func checkThere(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is missing", ErrLost, path)
	}
	if err != nil {
		return fmt.Errorf("the registry cannot be opened: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("the registry cannot be opened: %w", err)
	}
	if info.Size() <= 1 { // A single byte is nothing to SQLite too.
		return fmt.Errorf("%w: %s is empty", ErrLost, path)
	}
	return nil
}

// touch makes the file with the right permissions, because SQLite would ask
// only the umask, and gives its side files the permissions of the file itself.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("the registry cannot be made: %w", err)
	}
	return f.Close()
}

// dsn names the file to the driver. FULL makes each commit wait for the disk;
// secure_delete overwrites what is removed; immediate transactions take the
// write lock at their start, so that none fails half way. rw makes no file: one that
// is removed while the server runs does not come back empty.
func dsn(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	q := url.Values{
		"mode": {"rw"},
		"_pragma": {
			"busy_timeout(10000)",
			"journal_mode(WAL)",
			"synchronous(FULL)",
			"secure_delete(ON)",
			"trusted_schema(OFF)",
		},
		"_txlock": {"immediate"},
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
}

// write runs f in one transaction, which is on the disk when write returns nil.
func (r *Registry) write(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return r.explain(err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback()
		return r.explain(err)
	}
	return r.explain(tx.Commit())
}
