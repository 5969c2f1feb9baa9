package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// Copy writes the registry, as it is at one moment, into the new file path. Others
// may read and write meanwhile, in this process and in others, and do not wait.
// Nothing that was removed is in the copy.
func (r *Registry) Copy(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("copy the registry: %w", err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	if _, err := r.db.ExecContext(ctx, `VACUUM INTO ?`, path); err != nil {
		return fmt.Errorf("copy the registry: %w", r.explain(err))
	}
	return nil
}

// CheckFile says why the file at path, which nobody has open, is no whole registry
// that this program can use. It changes nothing.
func CheckFile(ctx context.Context, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"mode": {"ro"}, "immutable": {"1"}, "_pragma": {"trusted_schema(OFF)"}}.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	err = checkDatabase(ctx, db)
	if isDamage(err) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

func checkDatabase(ctx context.Context, q querier) error {
	version, err := readVersion(ctx, q)
	if err != nil {
		return err
	}
	if version == 0 {
		return fmt.Errorf("%w: it has no schema", ErrDamaged)
	}
	var found string
	if err := q.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, found)
	}
	return nil
}

// errForeign means that the file is a database, but none of ours.
var errForeign = errors.New("this is the database of another program")

// readVersion returns the schema of a file, which is 0 in an empty one. Those of
// other programs and of newer ones are errors.
func readVersion(ctx context.Context, q querier) (version int, err error) {
	var id int
	if err := q.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return 0, err
	}
	if err := q.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return 0, err
	}
	if id != applicationID && (id != 0 || version != 0) {
		return 0, errForeign
	}
	if version > len(migrations) {
		return 0, fmt.Errorf("%w: its schema is %d and this program knows %d; update undertone-server, or restore a backup of the older version",
			ErrNewer, version, len(migrations))
	}
	return version, nil
}
