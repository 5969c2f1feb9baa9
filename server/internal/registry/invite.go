package registry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"undertone/transport/key"
	"undertone/transport/uri"
)

const (
	secondsPerDay = 24 * 60 * 60
	// minPrefix is the shortest abbreviation of a handle or an invite, in
	// hexadecimal digits.
	minPrefix = 4
	// idDigits is how much of a hash names an invite towards the operator.
	idDigits = 12
	// maxLabel is the length of the longest label, in bytes.
	maxLabel = 64
)

// A State is where an invite is in its life.
type State string

// The states of an invite.
const (
	InviteOpen    State = "open"
	InviteUsed    State = "used"
	InviteRevoked State = "revoked"
	InviteExpired State = "expired"
)

// An Invite is what the registry remembers of an invite: not its token.
type Invite struct {
	// ID names the invite towards the operator. It is no secret.
	ID      string
	Label   string
	Expires time.Time
	spent   bool
	revoked bool
	hash    []byte
}

// State tells where the invite is in its life. A used invite stays used.
func (i Invite) State(now time.Time) State {
	switch {
	case i.spent:
		return InviteUsed
	case i.revoked:
		return InviteRevoked
	case !now.Before(i.Expires):
		return InviteExpired
	}
	return InviteOpen
}

// refusal says why an invite in this state lets nobody in.
func (s State) refusal() error {
	switch s {
	case InviteUsed:
		return ErrInviteUsed
	case InviteRevoked:
		return ErrInviteRevoked
	case InviteExpired:
		return ErrInviteExpired
	case InviteOpen:
	}
	return nil
}

const inviteColumns = `hash, label, expires, spent, revoked FROM invites`

// CreateInvite makes an invite that one user can join with before it expires,
// and returns its token, which cannot be had again later.
func (r *Registry) CreateInvite(ctx context.Context, label string, expires time.Time) (uri.Token, Invite, error) {
	if err := CheckLabel(label); err != nil {
		return uri.Token{}, Invite{}, err
	}
	var token uri.Token
	_, _ = rand.Read(token[:]) // Never fails: the program ends if the system has no randomness.
	hash := hashToken(token)
	expires = expires.Truncate(time.Second)
	err := r.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO invites (hash, label, expires) VALUES (?, ?, ?)`,
			hash, label, expires.Unix())
		return err
	})
	if err != nil {
		return uri.Token{}, Invite{}, fmt.Errorf("create an invite: %w", err)
	}
	return token, Invite{ID: inviteID(hash), Label: label, Expires: expires.UTC(), hash: hash}, nil
}

// Invites lists all invites, those that expire first at the top.
func (r *Registry) Invites(ctx context.Context) ([]Invite, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT `+inviteColumns+` ORDER BY expires, hash`)
	if err != nil {
		return nil, fmt.Errorf("list the invites: %w", r.explain(err))
	}
	defer func() { _ = rows.Close() }()
	var invites []Invite
	for rows.Next() {
		i, err := scanInvite(rows)
		if err != nil {
			return nil, fmt.Errorf("list the invites: %w", r.explain(err))
		}
		invites = append(invites, i)
	}
	return invites, r.explain(rows.Err())
}

// FindInvite returns the one invite whose ID begins with name (four digits at
// least), or whose label is name. Of those with one label an open invite beats
// the others, which are past.
func (r *Registry) FindInvite(ctx context.Context, name string, now time.Time) (Invite, error) {
	invites, err := r.Invites(ctx)
	if err != nil {
		return Invite{}, err
	}
	labelled := func(i Invite) bool { return name != "" && i.Label == name }
	return find(invites, name, ErrInviteUnknown,
		func(i Invite) bool { return isPrefix(i.ID, name) },
		func(i Invite) bool { return labelled(i) && i.State(now) == InviteOpen },
		labelled)
}

// RevokeInvite takes an open or expired invite back. One that was used is past
// revoking: the error says so, and the user can be disabled instead.
func (r *Registry) RevokeInvite(ctx context.Context, i Invite) error {
	return r.write(ctx, func(tx *sql.Tx) error {
		now, err := findInvite(ctx, tx, i.hash)
		if err != nil {
			return err
		}
		if now.spent {
			return fmt.Errorf("invite %s: %w", i.ID, ErrInviteUsed)
		}
		_, err = tx.ExecContext(ctx, `UPDATE invites SET revoked = 1 WHERE hash = ?`, i.hash)
		return err
	})
}

// Redeem lets an account in: one that is known already, or one whose token is
// that of an open invite, which is then used. The zero token stands for none.
func (r *Registry) Redeem(ctx context.Context, token uri.Token, account key.Account, now time.Time) (User, error) {
	// Only who has an open invite may queue for the write lock: all others wait for
	// those who hold a connection meanwhile, and anybody can make up a token. The
	// invite is read before the user: one whose account joined by it just now, in
	// another request, is known if it is found to be used.
	hash := hashToken(token)
	var closed error
	if !token.IsZero() {
		closed = openInvite(ctx, r.db, hash, now)
	}
	u, err := admit(ctx, r.db, account)
	switch {
	case !errors.Is(err, ErrUserUnknown) || token.IsZero():
		return u, r.explain(err)
	case closed != nil:
		return User{}, r.explain(closed)
	}
	err = r.write(ctx, func(tx *sql.Tx) error {
		var err error
		u, err = redeem(ctx, tx, hash, account, now)
		return err
	})
	return u, err
}

// openInvite says why nobody can join by an invite.
func openInvite(ctx context.Context, q querier, hash []byte, now time.Time) error {
	i, err := findInvite(ctx, q, hash)
	if err != nil {
		return err
	}
	return i.State(now).refusal()
}

// admit returns the user with this account, unless he is disabled.
func admit(ctx context.Context, q querier, account key.Account) (User, error) {
	u, err := findUser(ctx, q, account.Handle())
	switch {
	case err != nil:
		return User{}, err
	case u.Account != account:
		return User{}, ErrUserUnknown
	case u.Disabled:
		return User{}, ErrUserDisabled
	}
	return u, nil
}

// redeem does the work of Redeem inside a transaction.
func redeem(ctx context.Context, tx *sql.Tx, hash []byte, account key.Account, now time.Time) (User, error) {
	if u, err := admit(ctx, tx, account); !errors.Is(err, ErrUserUnknown) {
		return u, err
	}
	i, err := findInvite(ctx, tx, hash)
	if err != nil {
		return User{}, err
	}
	if err := i.State(now).refusal(); err != nil {
		return User{}, err
	}
	day := now.Unix() / secondsPerDay
	h := account.Handle()
	if _, err := tx.ExecContext(ctx, `UPDATE invites SET spent = 1 WHERE hash = ?`, hash); err != nil {
		return User{}, fmt.Errorf("redeem an invite: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO users (handle, ed25519, inner, label, day) VALUES (?, ?, ?, ?, ?)`,
		h[:], account.Ed25519[:], account.Inner[:], i.Label, day); err != nil {
		return User{}, fmt.Errorf("redeem an invite: %w", err)
	}
	return User{Account: account, Label: i.Label, Joined: time.Unix(day*secondsPerDay, 0).UTC()}, nil
}

func findInvite(ctx context.Context, q querier, hash []byte) (Invite, error) {
	i, err := scanInvite(q.QueryRowContext(ctx, `SELECT `+inviteColumns+` WHERE hash = ?`, hash))
	if errors.Is(err, sql.ErrNoRows) {
		return Invite{}, ErrInviteUnknown
	}
	return i, err
}

// scanInvite reads inviteColumns from a row.
func scanInvite(row interface{ Scan(dest ...any) error }) (Invite, error) {
	var i Invite
	var expires int64
	if err := row.Scan(&i.hash, &i.Label, &expires, &i.spent, &i.revoked); err != nil {
		return Invite{}, err
	}
	i.ID = inviteID(i.hash)
	i.Expires = time.Unix(expires, 0).UTC()
	return i, nil
}

// hashToken is what stands in the file instead of the token. A token has 128
// random bits, so no salt and no slow hash are needed.
func hashToken(t uri.Token) []byte {
	sum := sha256.Sum256(append([]byte("undertone invite v1"), t[:]...))
	return sum[:]
}

func inviteID(hash []byte) string { return hex.EncodeToString(hash)[:idDigits] }

// CheckLabel says why a label cannot be an invite's. Labels end up on the
// operator's terminal, so they hold nothing but what can be printed.
func CheckLabel(label string) error {
	switch {
	case len(label) > maxLabel:
		return fmt.Errorf("the label is longer than %d bytes", maxLabel)
	case !utf8.ValidString(label):
		return errors.New("the label is not UTF-8")
	case strings.ContainsFunc(label, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("the label has characters that cannot be printed")
	case strings.TrimSpace(label) != label:
		return errors.New("the label begins or ends with a space")
	}
	return nil
}
