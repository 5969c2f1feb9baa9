package registry

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"undertone/transport/cell"
	"undertone/transport/uri"
)

// The terms can change as long as nobody depends on them.
func TestSettle(t *testing.T) {
	ctx := t.Context()
	r := fresh(t)
	slow, fast := Terms{cell.TMIX, cell.Interval100}, Terms{cell.TMIX, cell.Interval20}
	refused := func(offered Terms, joined bool, says string) {
		t.Helper()
		var differ *TermsError
		err := r.Settle(ctx, offered, noon)
		if !errors.As(err, &differ) || differ.Settled != fast || differ.Joined != joined || !strings.Contains(err.Error(), says) {
			t.Errorf("error is %v, want the words %q", err, says)
		}
		if err := r.CheckTerms(ctx, offered, noon); !errors.As(err, &differ) {
			t.Errorf("CheckTerms: %v", err)
		}
		want(t, r.CheckTerms(ctx, fast, noon), nil)
	}
	want(t, r.CheckTerms(ctx, slow, noon), nil)
	want(t, r.Settle(ctx, slow, noon), nil)
	want(t, r.Settle(ctx, fast, noon), nil)

	invite(t, r, "past", noon)
	want(t, r.CheckTerms(ctx, slow, noon), nil)
	_, open := invite(t, r, "", noon.Add(time.Hour))
	refused(slow, false, "open invites say 20ms")
	want(t, r.RevokeInvite(ctx, open), nil)
	want(t, r.CheckTerms(ctx, slow, noon), nil)

	token, _ := invite(t, r, "", noon.Add(time.Hour))
	u, err := r.Redeem(ctx, token, account(1), noon)
	want(t, err, nil)
	refused(slow, true, "users have joined with 20ms")
	refused(Terms{cell.SMIX, cell.Interval20}, true, "users have joined with tmix at 20ms")
	want(t, r.RemoveUser(ctx, u.Handle(), noon), nil)
	want(t, r.Settle(ctx, slow, noon), nil)
}

// A registry from before there were terms gets them, and keeps its users.
func TestTermsOfAnOldRegistry(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "registry.db")
	r, err := Create(ctx, path)
	want(t, err, nil)
	token, _ := invite(t, r, "", noon.Add(time.Hour))
	_, err = r.Redeem(ctx, token, account(1), noon)
	want(t, err, nil)
	if _, err := r.db.ExecContext(ctx, `DROP TABLE terms; PRAGMA user_version = 1`); err != nil {
		t.Fatal(err)
	}
	want(t, r.Close(), nil)

	r = open(t, path)
	_, err = r.Redeem(ctx, uri.Token{}, account(1), noon)
	want(t, err, nil)
	want(t, r.Settle(ctx, Terms{cell.TMIX, cell.Interval40}, noon), nil)
	if err := r.Settle(ctx, Terms{cell.TMIX, cell.Interval20}, noon); err == nil {
		t.Error("the terms were not remembered")
	}
}

func TestFindInviteByLabel(t *testing.T) {
	ctx := t.Context()
	r := fresh(t)
	_, first := invite(t, r, "anna", noon.Add(time.Hour))
	want(t, r.RevokeInvite(ctx, first), nil)
	found, err := r.FindInvite(ctx, "anna", noon)
	if err != nil || found.ID != first.ID {
		t.Errorf("the only one: %+v, %v", found, err)
	}
	_, second := invite(t, r, "anna", noon.Add(time.Hour))
	found, err = r.FindInvite(ctx, "anna", noon)
	if err != nil || found.ID != second.ID {
		t.Errorf("the open one: %+v, %v", found, err)
	}
	invite(t, r, "anna", noon.Add(time.Hour))
	_, err = r.FindInvite(ctx, "anna", noon)
	want(t, err, ErrAmbiguous)
	invite(t, r, "", noon.Add(time.Hour))
	_, err = r.FindInvite(ctx, "", noon)
	want(t, err, ErrInviteUnknown)
}
