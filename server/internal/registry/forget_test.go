package registry

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"undertone/transport/uri"
)

// The label of a removed user is in no file any more, and in no list, however many
// rows have come and gone around his; all others are as they were.
func TestRemovedUserLeavesNoLabel(t *testing.T) {
	const users = 150 // Several pages: rows have moved between them.
	ctx, dir := t.Context(), t.TempDir()
	r := open(t, filepath.Join(dir, "registry.db"))
	label := func(n int) string { return fmt.Sprintf("needle %d in the haystack", n) }
	tokens := make([]uri.Token, users)
	for n := range users {
		tokens[n], _ = invite(t, r, label(n), noon.Add(time.Hour))
		a := account(0)
		copy(a.Inner[1:], fmt.Sprintf("%s of its user", label(n)))
		_, err := r.Redeem(ctx, tokens[n], a, noon)
		want(t, err, nil)
	}
	for n := 0; n < users; n += 10 {
		u, err := r.FindUser(ctx, label(n))
		want(t, err, nil)
		if !inFiles(t, dir, label(n)) {
			t.Fatal("the search does not even find a user who is there")
		}
		want(t, r.RemoveUser(ctx, u.Handle(), noon), nil)
		if inFiles(t, dir, label(n)) {
			t.Errorf("%q is still in the files", label(n))
		}
		_, err = r.Redeem(ctx, tokens[n], account(1), noon)
		want(t, err, ErrInviteUnknown)
		_, err = r.Redeem(ctx, uri.Token{}, u.Account, noon)
		want(t, err, ErrUserUnknown)
	}
	list, err := r.Users(ctx)
	want(t, err, nil)
	invites, err := r.Invites(ctx)
	want(t, err, nil)
	if left := users - users/10; len(list) != left || len(invites) != left {
		t.Errorf("%d users and %d invites are left, not %d", len(list), len(invites), left)
	}
	_, err = r.Redeem(ctx, tokens[1], account(1), noon)
	want(t, err, ErrInviteUsed)
}

// labels lists the invites as an operator sees them.
func labels(t *testing.T, r *Registry) (list []string) {
	t.Helper()
	invites, err := r.Invites(t.Context())
	want(t, err, nil)
	for _, i := range invites {
		list = append(list, i.Label+" "+string(i.State(noon)))
	}
	return list
}

// With one of two users of a label goes one used invite, and with the last one all
// that is past; an invite that is open stays, since it is for who is to come.
func TestRemovedUserLeavesNoPastInvite(t *testing.T) {
	ctx := t.Context()
	r := fresh(t)
	invite(t, r, "twin", noon.Add(-time.Hour)) // It has expired.
	_, revoked := invite(t, r, "twin", noon.Add(time.Hour))
	want(t, r.RevokeInvite(ctx, revoked), nil)
	invite(t, r, "other", noon.Add(-time.Minute))
	var twins []User
	for n := range byte(2) {
		token, _ := invite(t, r, "twin", noon.Add(time.Duration(2+n)*time.Hour))
		u, err := r.Redeem(ctx, token, account(n), noon)
		want(t, err, nil)
		twins = append(twins, u)
	}
	again, _ := invite(t, r, "twin", noon.Add(4*time.Hour))
	for n, wanted := range []string{
		"[twin expired other expired twin revoked twin used twin used twin open]",
		"[twin expired other expired twin revoked twin used twin open]",
		"[other expired twin open]",
	} {
		if n > 0 {
			want(t, r.RemoveUser(ctx, twins[n-1].Handle(), noon), nil)
		}
		if got := fmt.Sprint(labels(t, r)); got != wanted {
			t.Errorf("%d removed: the invites are %s, not %s", n, got, wanted)
		}
	}
	_, err := r.Redeem(ctx, again, account(0), noon)
	want(t, err, nil)
}

// A registry of a program that kept the used invites of removed users loses them, and
// nothing else.
func TestOldRegistryForgetsRemovedUsers(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	path := filepath.Join(dir, "registry.db")
	oldRegistry(t, path)
	if !inFiles(t, dir, "Source X") {
		t.Fatal("the old registry holds nothing to be forgotten")
	}
	r := open(t, path)
	if inFiles(t, dir, "Source X") {
		t.Error("a user who was removed long ago is still in the files")
	}
	if got := fmt.Sprint(labels(t, r)); got != "[anna used twin used berta open]" {
		t.Errorf("the invites are %s", got)
	}
	u, err := r.Redeem(ctx, uri.Token{}, account(1), noon)
	if err != nil || u.Label != "anna" {
		t.Errorf("the user is %+v, %v", u, err)
	}
	want(t, r.Close(), nil)
	if got := fmt.Sprint(labels(t, open(t, path))); got != "[anna used twin used berta open]" {
		t.Errorf("the second time the invites are %s", got)
	}
}

// oldRegistry writes a registry of schema 2: anna and a twin are users; another twin,
// Source X and somebody without a label were removed.
func oldRegistry(t *testing.T, path string) {
	t.Helper()
	want(t, touch(path), nil)
	db, err := sql.Open("sqlite", dsn(path))
	want(t, err, nil)
	for _, stmt := range append(migrations[:2:2], fmt.Sprintf(`PRAGMA application_id = %d; PRAGMA user_version = 2`, applicationID)) {
		_, err := db.ExecContext(t.Context(), stmt)
		want(t, err, nil)
	}
	for n, label := range []string{"anna", "twin", "twin", "Source X", "", "berta"} {
		token := hashToken(uri.Token{byte(n + 1)})
		_, err := db.ExecContext(t.Context(), `INSERT INTO invites (hash, label, expires, spent) VALUES (?, ?, ?, ?)`,
			token, label, noon.Add(time.Duration(n+1)*time.Hour).Unix(), label != "berta")
		want(t, err, nil)
	}
	for n, label := range []string{"anna", "twin"} {
		a := account(byte(n + 1))
		h := a.Handle()
		_, err := db.ExecContext(t.Context(), `INSERT INTO users (handle, ed25519, inner, label, day) VALUES (?, ?, ?, ?, 20000)`,
			h[:], a.Ed25519[:], a.Inner[:], label)
		want(t, err, nil)
	}
	want(t, db.Close(), nil)
}
