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
	// The used invites of users who were removed when that kept them: those that are
	// more than there are users of the label.
	`DELETE FROM invites WHERE hash IN (
		SELECT hash FROM (
			SELECT hash, label, row_number() OVER (PARTITION BY label ORDER BY expires DESC, hash) AS n
			FROM invites WHERE spent
		) AS used
		WHERE n > (SELECT count(*) FROM users WHERE users.label = used.label)
	);`,
}

// migrate brings the file to the newest schema, or refuses a newer one, and one without
// any unless it is new. Two processes may try at once: the version is read under the
// write lock.
func (r *Registry) migrate(ctx context.Context, isNew bool) error {
	var version int
	err := r.write(ctx, func(tx *sql.Tx) (err error) {
		if version, err = readVersion(ctx, tx); err != nil {
			return err
		}
		if version == 0 && !isNew {
			return fmt.Errorf("%w: the file holds no tables", ErrLost)
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
	if err == nil && version != 0 && version != len(migrations) {
		r.wipe(ctx) // Some of them remove what is nobody's business any more.
	}
	return err
}

// wipe empties the log, so that what was removed does not linger there. If another
// process goes on reading, a later checkpoint does it.
func (r *Registry) wipe(ctx context.Context) {
	_, _ = r.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
}
