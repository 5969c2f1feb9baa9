package registry

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"undertone/transport/key"
	"undertone/transport/uri"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, path string) *Registry {
	t.Helper()
	r, err := Create(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func fresh(t *testing.T) *Registry {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "registry.db"))
}

// account makes an account that differs for each n.
func account(n byte) key.Account {
	a := key.Account{}
	a.Ed25519[0], a.Inner[0] = n, ^n
	return a
}

func invite(t *testing.T, r *Registry, label string, expires time.Time) (uri.Token, Invite) {
	t.Helper()
	token, i, err := r.CreateInvite(t.Context(), label, expires)
	if err != nil {
		t.Fatal(err)
	}
	return token, i
}

func want(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error is %v, want %v", err, target)
	}
}

func TestRedeem(t *testing.T) {
	ctx := t.Context()
	r := fresh(t)
	token, _ := invite(t, r, "kitchen", noon.Add(time.Hour))

	_, err := r.Redeem(ctx, uri.Token{}, account(1), noon)
	want(t, err, ErrUserUnknown)
	_, err = r.Redeem(ctx, uri.Token{1}, account(1), noon)
	want(t, err, ErrInviteUnknown)

	u, err := r.Redeem(ctx, token, account(1), noon)
	want(t, err, nil)
	if u.Label != "kitchen" || !u.Joined.Equal(noon.Truncate(24*time.Hour)) || u.Handle() != account(1).Handle() {
		t.Fatalf("redeemed user is %+v", u)
	}
	for name, token := range map[string]uri.Token{"the same token": token, "no token": {}, "a wrong token": {1}} {
		if again, err := r.Redeem(ctx, token, account(1), noon.Add(48*time.Hour)); err != nil || again != u {
			t.Errorf("a known account with %s: %+v, %v", name, again, err)
		}
	}
	_, err = r.Redeem(ctx, token, account(2), noon)
	want(t, err, ErrInviteUsed)
}

func TestKnownAccountSpendsNoInvite(t *testing.T) {
	r := fresh(t)
	first, _ := invite(t, r, "", noon.Add(time.Hour))
	second, _ := invite(t, r, "", noon.Add(time.Hour))
	for _, token := range []uri.Token{first, second} {
		if _, err := r.Redeem(t.Context(), token, account(1), noon); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Redeem(t.Context(), second, account(2), noon); err != nil {
		t.Fatalf("the second invite was spent by a user who did not need it: %v", err)
	}
}

func TestInviteStates(t *testing.T) {
	ctx := t.Context()
	r := fresh(t)
	expired, _ := invite(t, r, "late", noon)
	revokedToken, revoked := invite(t, r, "back", noon.Add(time.Hour))
	usedToken, used := invite(t, r, "used", noon.Add(2*time.Hour))
	_, err := r.Redeem(ctx, usedToken, account(1), noon)
	want(t, err, nil)
	want(t, r.RevokeInvite(ctx, revoked), nil)
	want(t, r.RevokeInvite(ctx, used), ErrInviteUsed)

	_, err = r.Redeem(ctx, expired, account(2), noon)
	want(t, err, ErrInviteExpired)
	if _, err = r.Redeem(ctx, revokedToken, account(2), noon); !errors.Is(err, ErrInviteRevoked) {
		t.Fatal(err)
	}
	invites, err := r.Invites(ctx)
	want(t, err, nil)
	var states []string
	for _, i := range invites {
		states = append(states, i.Label+" "+string(i.State(noon.Add(3*time.Hour))))
	}
	if got := strings.Join(states, ", "); got != "late expired, back revoked, used used" {
		t.Errorf("the states are %s", got)
	}
	found, err := r.FindInvite(ctx, revoked.ID[:6], noon)
	if err != nil || found.ID != revoked.ID {
		t.Errorf("FindInvite: %+v, %v", found, err)
	}
	_, err = r.FindInvite(ctx, "00", noon)
	want(t, err, ErrInviteUnknown)
}

func TestDisableAndRemove(t *testing.T) {
	ctx := t.Context()
	r := fresh(t)
	token, _ := invite(t, r, "", noon.Add(time.Hour))
	u, err := r.Redeem(ctx, token, account(1), noon)
	want(t, err, nil)

	want(t, r.SetDisabled(ctx, u.Handle(), true), nil)
	_, err = r.Redeem(ctx, uri.Token{}, account(1), noon)
	want(t, err, ErrUserDisabled)
	other, _ := invite(t, r, "", noon.Add(time.Hour))
	_, err = r.Redeem(ctx, other, account(1), noon)
	want(t, err, ErrUserDisabled)
	want(t, r.SetDisabled(ctx, u.Handle(), false), nil)
	_, err = r.Redeem(ctx, uri.Token{}, account(1), noon)
	want(t, err, nil)

	want(t, r.RemoveUser(ctx, u.Handle(), noon), nil)
	_, err = r.Redeem(ctx, uri.Token{}, account(1), noon)
	want(t, err, ErrUserUnknown)
	_, err = r.Redeem(ctx, token, account(1), noon)
	want(t, err, ErrInviteUnknown)
	want(t, r.RemoveUser(ctx, u.Handle(), noon), ErrUserUnknown)
	want(t, r.SetDisabled(ctx, u.Handle(), true), ErrUserUnknown)
}

func TestFindUser(t *testing.T) {
	ctx := t.Context()
	r := fresh(t)
	for n, label := range []string{"anna", "twin", "twin"} {
		token, _ := invite(t, r, label, noon.Add(time.Hour))
		if _, err := r.Redeem(ctx, token, account(byte(n)), noon); err != nil {
			t.Fatal(err)
		}
	}
	handle := account(0).Handle().String()
	for _, name := range []string{"anna", handle, handle[:8], strings.ToUpper(handle[:8])} {
		if u, err := r.FindUser(ctx, name); err != nil || u.Account != account(0) {
			t.Errorf("FindUser(%q): %+v, %v", name, u, err)
		}
	}
	_, err := r.FindUser(ctx, "twin")
	want(t, err, ErrAmbiguous)
	for _, name := range []string{"", handle[:3], "nobody"} {
		_, err := r.FindUser(ctx, name)
		want(t, err, ErrUserUnknown)
	}
}

// Many clients show one token at once, through two open registries as when a
// command runs beside the server: exactly one account gets in.
func TestRedeemIsAtomic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	halves := []*Registry{open(t, path), open(t, path)}
	token, _ := invite(t, halves[0], "", noon.Add(time.Hour))
	const clients = 16
	results := make([]error, clients)
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			_, results[n] = halves[n%2].Redeem(t.Context(), token, account(byte(n)), noon)
		})
	}
	wg.Wait()
	in := 0
	for n, err := range results {
		switch {
		case err == nil:
			in++
		case !errors.Is(err, ErrInviteUsed):
			t.Errorf("client %d: %v", n, err)
		}
	}
	users, err := halves[1].Users(t.Context())
	if in != 1 || len(users) != 1 || err != nil {
		t.Errorf("%d got in, %d users, %v", in, len(users), err)
	}
}

// The token itself is not in any file of the registry, and a removed user's
// account leaves them.
func TestFilesHoldNoTokenAndNoRemovedUser(t *testing.T) {
	dir := t.TempDir()
	r := open(t, filepath.Join(dir, "registry.db"))
	token, _ := invite(t, r, "", noon.Add(time.Hour))
	a := account(1)
	copy(a.Inner[:], "needle in the haystack of pages.")
	if _, err := r.Redeem(t.Context(), token, a, noon); err != nil {
		t.Fatal(err)
	}
	if !inFiles(t, dir, string(a.Inner[:])) {
		t.Fatal("the search does not even find a user who is there")
	}
	if err := r.RemoveUser(t.Context(), a.Handle(), noon); err != nil {
		t.Fatal(err)
	}
	if inFiles(t, dir, string(a.Inner[:])) {
		t.Error("a removed user is still in the files")
	}
	if inFiles(t, dir, string(token[:])) || inFiles(t, dir, token.String()) {
		t.Error("the token of an invite is in the files")
	}
}

func inFiles(t *testing.T, dir, needle string) bool {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name())) //nolint:gosec // a file of the test
		if err != nil {
			t.Fatal(err)
		}
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others: %v, %v", e.Name(), info.Mode(), err)
		}
		if strings.Contains(string(b), needle) {
			return true
		}
	}
	return false
}

func TestRefusesNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	r, err := Create(t.Context(), path)
	want(t, err, nil)
	if _, err := r.db.ExecContext(t.Context(), `PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	want(t, r.Close(), nil)
	_, err = Open(t.Context(), path)
	want(t, err, ErrNewer)
	if !strings.Contains(err.Error(), "99") || !strings.Contains(err.Error(), "update undertone-server") {
		t.Errorf("the message does not help: %v", err)
	}
}

func TestRefusesForeignFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	db, err := sql.Open("sqlite", path)
	want(t, err, nil)
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE x (y); PRAGMA application_id = 7; PRAGMA user_version = 1`); err != nil {
		t.Fatal(err)
	}
	want(t, db.Close(), nil)
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("a foreign database: %v", err)
	}
	garbage := filepath.Join(t.TempDir(), "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 99)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), garbage)
	want(t, err, ErrDamaged)
	if !strings.Contains(err.Error(), "restore a backup") {
		t.Errorf("the message does not help: %v", err)
	}
	if kept, err := os.ReadFile(garbage); err != nil || !strings.HasPrefix(string(kept), "not a database ") { //nolint:gosec // a file of the test
		t.Errorf("the damaged file was changed: %v", err)
	}
}

// Paths may hold what URLs hold otherwise.
func TestOddPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#d%20e")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	open(t, filepath.Join(dir, "registry.db"))
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 || entries[0].Name() != "registry.db" {
		t.Errorf("the file is not where it should be: %v, %v", entries, err)
	}
}

func TestDurability(t *testing.T) {
	r := fresh(t)
	var mode string
	var level int
	row := r.db.QueryRowContext(t.Context(), `SELECT * FROM pragma_journal_mode, pragma_synchronous`)
	if err := row.Scan(&mode, &level); err != nil || mode != "wal" || level != 2 {
		t.Errorf("journal %s, synchronous %d, %v; want wal and 2 (FULL)", mode, level, err)
	}
}

func TestCheckLabel(t *testing.T) {
	for _, label := range []string{"", "Anna", "größte Küche 7"} {
		if err := CheckLabel(label); err != nil {
			t.Errorf("CheckLabel(%q): %v", label, err)
		}
	}
	for _, label := range []string{" x", "x\n", "\x1b[2J", "\xff", strings.Repeat("x", maxLabel+1)} {
		if CheckLabel(label) == nil {
			t.Errorf("CheckLabel(%q) let it pass", label)
		}
		if _, _, err := (&Registry{}).CreateInvite(context.Background(), label, noon); err == nil {
			t.Errorf("CreateInvite took the label %q", label)
		}
	}
}

// While another process writes, who has no open invite is refused and who is known is
// let in: neither waits for the lock, and strangers cannot hold up anybody with tokens
// that they made up.
func TestOnlyOpenInvitesTakeTheLock(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "registry.db")
	r, other := open(t, path), open(t, path)
	used, _ := invite(t, r, "", noon.Add(time.Hour))
	_, err := r.Redeem(ctx, used, account(1), noon)
	want(t, err, nil)
	expired, _ := invite(t, r, "", noon)
	token, revoked := invite(t, r, "", noon.Add(time.Hour))
	want(t, r.RevokeInvite(ctx, revoked), nil)

	want(t, other.write(ctx, func(*sql.Tx) error { // The lock is held in here.
		for token, wanted := range map[uri.Token]error{{}: ErrUserUnknown, {7}: ErrInviteUnknown,
			used: ErrInviteUsed, expired: ErrInviteExpired, token: ErrInviteRevoked} {
			_, err := r.Redeem(ctx, token, account(2), noon) // Whoever waits for it fails.
			want(t, err, wanted)
			_, err = r.Redeem(ctx, token, account(1), noon)
			want(t, err, nil)
		}
		return nil
	}), nil)
}
