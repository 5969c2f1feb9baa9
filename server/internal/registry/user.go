package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"undertone/transport/key"
)

// A User is who may come online.
type User struct {
	Account key.Account
	// Label is the one of the invite that the user joined by.
	Label string
	// Joined is the day on which he joined, at midnight UTC; no finer.
	Joined time.Time
	// Disabled users are not let online.
	Disabled bool
}

// Handle returns the address of the user.
func (u User) Handle() key.Handle { return u.Account.Handle() }

const userColumns = `ed25519, inner, label, day, disabled FROM users`

// User returns the user with this handle, or ErrUserUnknown.
func (r *Registry) User(ctx context.Context, h key.Handle) (User, error) {
	u, err := findUser(ctx, r.db, h)
	return u, r.explain(err)
}

// Users lists all users, by label and then by handle.
func (r *Registry) Users(ctx context.Context) ([]User, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT `+userColumns+` ORDER BY label, handle`)
	if err != nil {
		return nil, fmt.Errorf("list the users: %w", r.explain(err))
	}
	defer func() { _ = rows.Close() }()
	var users []User
	for rows.Next() {
		u, err := scanUser(rows)
		if err != nil {
			return nil, fmt.Errorf("list the users: %w", r.explain(err))
		}
		users = append(users, u)
	}
	return users, r.explain(rows.Err())
}

// FindUser returns the one user whose label is name, or whose handle begins
// with name (four digits at least). A handle beats a label, because labels are
// whatever somebody typed.
func (r *Registry) FindUser(ctx context.Context, name string) (User, error) {
	users, err := r.Users(ctx)
	if err != nil {
		return User{}, err
	}
	return find(users, name, ErrUserUnknown,
		func(u User) bool { return isPrefix(u.Handle().String(), name) },
		func(u User) bool { return name != "" && u.Label == name })
}

// find returns the one row that fits name, by the first of fits that any row
// passes.
func find[Row any](rows []Row, name string, unknown error, fits ...func(Row) bool) (none Row, err error) {
	for _, fit := range fits {
		var found []Row
		for _, row := range rows {
			if fit(row) {
				found = append(found, row)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return none, fmt.Errorf("%q: %w", name, ErrAmbiguous)
		}
	}
	return none, fmt.Errorf("%q: %w", name, unknown)
}

// SetDisabled disables or enables a user.
func (r *Registry) SetDisabled(ctx context.Context, h key.Handle, disabled bool) error {
	return r.write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE users SET disabled = ? WHERE handle = ?`, disabled, h[:])
		if err != nil {
			return fmt.Errorf("change user %s: %w", h, err)
		}
		if n, err := res.RowsAffected(); err == nil && n == 0 {
			return fmt.Errorf("user %s: %w", h, ErrUserUnknown)
		}
		return nil
	})
}

// RemoveUser forgets a user, and the invites that say that there was one: the one
// that he used, and if nobody has his label any more those of that label that are
// past. To come back he needs a new one.
func (r *Registry) RemoveUser(ctx context.Context, h key.Handle, now time.Time) error {
	err := r.write(ctx, func(tx *sql.Tx) error {
		u, err := findUser(ctx, tx, h)
		if err != nil {
			return fmt.Errorf("user %s: %w", h, err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM users WHERE handle = ?`, h[:]); err != nil {
			return fmt.Errorf("remove user %s: %w", h, err)
		}
		return forgetInvites(ctx, tx, u.Label, now)
	})
	if err == nil {
		r.wipe(ctx)
	}
	return err
}

// forgetInvites removes what a user who was removed has left among the invites.
func forgetInvites(ctx context.Context, tx *sql.Tx, label string, now time.Time) error {
	// Of several with one label it is not known which was his, and they say the same.
	if _, err := tx.ExecContext(ctx, `DELETE FROM invites WHERE hash =
		(SELECT hash FROM invites WHERE spent AND label = ? ORDER BY expires, hash LIMIT 1)`, label); err != nil {
		return fmt.Errorf("forget an invite: %w", err)
	}
	if label == "" {
		return nil // It says nothing of anybody.
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM invites WHERE label = ?1 AND (spent OR revoked OR expires <= ?2)
		AND NOT EXISTS (SELECT 1 FROM users WHERE label = ?1)`, label, now.Unix()); err != nil {
		return fmt.Errorf("forget the invites of a label: %w", err)
	}
	return nil
}

// querier is what a database and a transaction have in common.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func findUser(ctx context.Context, q querier, h key.Handle) (User, error) {
	u, err := scanUser(q.QueryRowContext(ctx, `SELECT `+userColumns+` WHERE handle = ?`, h[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, ErrUserUnknown
	}
	return u, err
}

// scanUser reads userColumns from a row.
func scanUser(row interface{ Scan(dest ...any) error }) (User, error) {
	var u User
	var ed, inner []byte
	var day int64
	if err := row.Scan(&ed, &inner, &u.Label, &day, &u.Disabled); err != nil {
		return User{}, err
	}
	account, err := key.ParseAccount(append(ed, inner...))
	if err != nil {
		return User{}, fmt.Errorf("the registry is damaged: %w", err)
	}
	u.Account = account
	u.Joined = time.Unix(day*secondsPerDay, 0).UTC()
	return u, nil
}

// isPrefix reports whether short is a usable abbreviation of name.
func isPrefix(name, short string) bool {
	return len(short) >= minPrefix && strings.HasPrefix(name, strings.ToLower(short))
}
