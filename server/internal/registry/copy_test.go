package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"undertone/transport/uri"
)

// A copy is the registry of one moment, however much is written meanwhile and
// through whatever other handle: what had happened before is in it, and of what
// happens at the time each transaction is in it wholly or not at all.
func TestCopyWhileOthersWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	writer, copier := open(t, path), open(t, path)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	joined := make(chan int) // how many have, while the next one does
	wg.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			token, _, err := writer.CreateInvite(t.Context(), fmt.Sprint(n), noon.Add(time.Hour))
			if err == nil {
				_, err = writer.Redeem(t.Context(), token, account(byte(n)), noon)
			}
			if err != nil {
				t.Error(err)
			}
			select {
			case joined <- n + 1:
			case <-ctx.Done():
			}
		}
	})
	defer wg.Wait()
	defer stop()
	for range 10 {
		n := <-joined
		to := filepath.Join(t.TempDir(), fmt.Sprint("copy", n))
		if err := copier.Copy(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		if got := checkCopy(t, to); got < n || got > n+1 {
			t.Errorf("%d users in a copy that was begun when there were %d", got, n)
		}
	}
}

// checkCopy wants as many users as used invites, without a gap, and returns how
// many that are.
func checkCopy(t *testing.T, path string) int {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy is %v, %v", info, err)
	}
	if err := CheckFile(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("checking a file made another one: %v", err)
	}
	r := open(t, path)
	users, err := r.Users(t.Context())
	want(t, err, nil)
	invites, err := r.Invites(t.Context())
	want(t, err, nil)
	joined, used := map[string]bool{}, 0
	for _, u := range users {
		joined[u.Label] = true
	}
	for _, i := range invites {
		if i.State(noon) == InviteUsed {
			used++
		}
	}
	for n := range len(users) {
		if !joined[fmt.Sprint(n)] {
			t.Errorf("user %d of %d is missing", n, len(users))
		}
	}
	if used != len(users) || len(invites) > used+1 {
		t.Errorf("%d users, %d used invites of %d", len(users), used, len(invites))
	}
	return len(users)
}

// A copy holds no removed user, and overwrites nothing.
func TestCopyHoldsNoRemovedUser(t *testing.T) {
	r := fresh(t)
	token, _ := invite(t, r, "", noon.Add(time.Hour))
	a := account(1)
	copy(a.Inner[:], "needle in the haystack of pages.")
	if _, err := r.Redeem(t.Context(), token, a, noon); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	want(t, r.Copy(t.Context(), filepath.Join(dir, "with")), nil)
	if !inFiles(t, dir, string(a.Inner[:])) {
		t.Fatal("the search does not even find a user who is there")
	}
	want(t, os.Remove(filepath.Join(dir, "with")), nil)
	want(t, r.RemoveUser(t.Context(), a.Handle(), noon), nil)
	want(t, r.Copy(t.Context(), filepath.Join(dir, "without")), nil)
	if inFiles(t, dir, string(a.Inner[:])) || inFiles(t, dir, string(token[:])) {
		t.Error("a removed user, or a token, is in a copy")
	}
	want(t, r.Copy(t.Context(), filepath.Join(dir, "without")), fs.ErrExist)
	moved := open(t, filepath.Join(dir, "without"))
	_, err := moved.Redeem(t.Context(), token, account(2), noon)
	want(t, err, ErrInviteUnknown)
	_, err = moved.Redeem(t.Context(), uri.Token{}, a, noon)
	want(t, err, ErrUserUnknown)
}

func TestCheckFile(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	r := open(t, filepath.Join(dir, "registry.db"))
	for n := range byte(200) {
		token, _ := invite(t, r, strings.Repeat("x", 60), noon.Add(time.Hour))
		if _, err := r.Redeem(ctx, token, account(n), noon); err != nil {
			t.Fatal(err)
		}
	}
	good := filepath.Join(dir, "good")
	want(t, r.Copy(ctx, good), nil)
	want(t, CheckFile(ctx, good), nil)
	text, err := os.ReadFile(good)
	want(t, err, nil)
	write := func(name string, text []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const page = 4096
	garbled := append([]byte(nil), text...)
	for i := 5 * page; i < 6*page; i++ {
		garbled[i] = 0xa5
	}
	want(t, CheckFile(ctx, write("garbled", garbled)), ErrDamaged)
	want(t, CheckFile(ctx, write("cut off", text[:len(text)/2/page*page])), ErrDamaged)
	want(t, CheckFile(ctx, write("text", []byte(strings.Repeat("not a database ", 99)))), ErrDamaged)
	want(t, CheckFile(ctx, write("empty", nil)), ErrDamaged)
	if err := CheckFile(ctx, filepath.Join(dir, "nothing")); err == nil {
		t.Error("a file that is not there is whole")
	}
	if _, err := os.Stat(filepath.Join(dir, "nothing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("checking a file made it: %v", err)
	}

	newer := open(t, write("newer", text))
	if _, err := newer.db.ExecContext(ctx, `PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	if _, err := newer.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	want(t, CheckFile(ctx, filepath.Join(dir, "newer")), ErrNewer)
	foreign := open(t, write("foreign", text))
	if _, err := foreign.db.ExecContext(ctx, `PRAGMA application_id = 7; PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	want(t, CheckFile(ctx, filepath.Join(dir, "foreign")), errForeign)
}
