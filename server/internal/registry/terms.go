package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"undertone/transport/cell"
)

// Terms are what stands in every invite, and is the same for all users of a
// registry: a client that joined with others is refused.
type Terms struct {
	Mode     cell.Mode
	Interval cell.Interval
}

// A TermsError means that somebody has joined, or was invited, with other terms.
type TermsError struct {
	// Settled are the terms that those people have.
	Settled Terms
	// Offered are the terms that they would be refused with.
	Offered Terms
	// Joined says that there are users, and not only open invites.
	Joined bool
}

// Error says what to do about it.
func (e *TermsError) Error() string {
	settled, offered := e.Settled.Interval.String(), e.Offered.Interval.String()
	if e.Settled.Mode != e.Offered.Mode {
		settled, offered = e.Settled.Mode.String()+" at "+settled, e.Offered.Mode.String()+" at "+offered
	}
	if e.Joined {
		return fmt.Sprintf("users have joined with %s, and %s would lock them out; set it back, or make a new server", settled, offered)
	}
	return fmt.Sprintf("open invites say %s, and would not work with %s; set it back, or revoke them first (undertone-server invite list)", settled, offered)
}

// Settle makes t the terms of the registry. If people depend on other ones, it
// changes nothing and returns a TermsError.
func (r *Registry) Settle(ctx context.Context, t Terms, now time.Time) error {
	return r.write(ctx, func(tx *sql.Tx) error {
		if err := checkTerms(ctx, tx, t, now); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO terms (only, mode, interval) VALUES (1, ?, ?)
			ON CONFLICT (only) DO UPDATE SET mode = excluded.mode, interval = excluded.interval`,
			t.Mode.String(), t.Interval.String())
		return err
	})
}

// CheckTerms says whether Settle would refuse t.
func (r *Registry) CheckTerms(ctx context.Context, t Terms, now time.Time) error {
	return r.explain(checkTerms(ctx, r.db, t, now))
}

func checkTerms(ctx context.Context, q querier, t Terms, now time.Time) error {
	settled, err := readTerms(ctx, q)
	if errors.Is(err, sql.ErrNoRows) || err == nil && settled == t {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the terms: %w", err)
	}
	var users, open int
	err = q.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM users),
		(SELECT count(*) FROM invites WHERE NOT spent AND NOT revoked AND expires > ?)`, now.Unix()).Scan(&users, &open)
	if err != nil {
		return fmt.Errorf("read the terms: %w", err)
	}
	if users == 0 && open == 0 {
		return nil
	}
	return &TermsError{Settled: settled, Offered: t, Joined: users > 0}
}

func readTerms(ctx context.Context, q querier) (t Terms, err error) {
	var mode, interval string
	if err := q.QueryRowContext(ctx, `SELECT mode, interval FROM terms`).Scan(&mode, &interval); err != nil {
		return t, err
	}
	if t.Mode, err = cell.ParseMode(mode); err != nil {
		return t, err
	}
	t.Interval, err = cell.ParseInterval(interval)
	return t, err
}
