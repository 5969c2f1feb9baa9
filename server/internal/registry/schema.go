package registry

import (
	"context"
	"database/sql"
	"fmt"
)

// applicationID marks the file as ours ("UTrg"), in the header where the
// program file(1) and a cautious operator look.
const applicationID = 0x55547267

// migrations bring a file from schema n to schema n+1, in order; an empty file
// has schema 0. A migration that was released is never changed: append.
var migrations = []string{
	`CREATE TABLE users (
		handle   BLOB NOT NULL PRIMARY KEY CHECK (length(handle) = 16),
		ed25519  BLOB NOT NULL CHECK (length(ed25519) = 32),
		inner    BLOB NOT NULL CHECK (length(inner) = 32),
		label    TEXT NOT NULL,
		day      INTEGER NOT NULL,
		disabled INTEGER NOT NULL DEFAULT 0
	) STRICT, WITHOUT ROWID;
	CREATE TABLE invites (
		hash    BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
		label   TEXT NOT NULL,
		expires INTEGER NOT NULL,
		spent   INTEGER NOT NULL DEFAULT 0,
		revoked INTEGER NOT NULL DEFAULT 0
	) STRICT, WITHOUT ROWID;`,
	`CREATE TABLE terms (
		only     INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
		mode     TEXT NOT NULL,
		interval TEXT NOT NULL
	) STRICT;`,
}

// migrate brings the file to the newest schema, or refuses a newer one. Two
// processes may try at once: the version is read under the write lock.
func (r *Registry) migrate(ctx context.Context) error {
	return r.write(ctx, func(tx *sql.Tx) error {
		version, err := readVersion(ctx, tx)
		if err != nil {
			return err
		}
		for _, m := range migrations[version:] {
			if _, err := tx.ExecContext(ctx, m); err != nil {
				return fmt.Errorf("bring the schema up to date: %w", err)
			}
		}
		if version == len(migrations) {
			return nil
		}
		_, err = tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d; PRAGMA user_version = %d`,
			applicationID, len(migrations)))
		return err
	})
}
