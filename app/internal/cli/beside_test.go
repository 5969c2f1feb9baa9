package cli

import (
	"fmt"
	"os"
	"testing"

	"undertone/app/internal/profile"
)

// Beside a session that is online, everything that changes nothing works, and
// everything else says what to do instead.
func TestBesideASession(t *testing.T) {
	dir := dirWithBert(t)
	bert := linkOf(t, makeProfile(t, "Bert B", nil))
	session, err := profile.Open(dir, profile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()

	p := newConsole(t)
	for _, c := range []struct {
		args  []string
		words string
	}{
		{[]string{"id"}, "undertone://"},
		{[]string{"contacts", "list"}, "Bert"},
		{[]string{"history"}, "No calls"},
		{[]string{"contacts", "verify", "Bert"}, "has to wait"},
		{[]string{"contacts", "verify", "Bert", "--json"}, `"verified":false`},
	} {
		p.run(exitDone, append(c.args, "--profile", dir)...)
		says(t, p.out.String(), c.words)
	}
	for _, args := range [][]string{
		{"contacts", "add", bert},
		{"contacts", "block", "Bert"},
		{"contacts", "remove", "Bert"},
		{"contacts", "verify", "Bert", "--yes"},
		{"id", "--new-link"},
		{"history", "clear"},
		{"passphrase", "remove"},
	} {
		p.run(exitFailed, append(args, "--profile", dir)...)
		says(t, p.err.String(), fmt.Sprintf("(process %d); end it for a moment", os.Getpid()))
	}
	p.run(exitFailed, with(silent, "call", "Bert", "--profile", dir)...)
	says(t, p.err.String(), "idle is running on this profile", "press c there")
	p.run(exitFailed, with(silent, "idle", "--profile", dir)...)
	says(t, p.err.String(), "close it or use --profile")
}

// A new link is shown though the passphrase can be taken from the environment
// only once.
func TestNewLinkWithPassphrase(t *testing.T) {
	dir := dirWithBert(t)
	p, err := profile.Open(dir, profile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Protect([]byte("correct horse")); err != nil {
		t.Fatal(err)
	}
	p.Close()
	t.Setenv(passphraseVariable, "correct horse")
	c := newConsole(t)
	c.run(exitDone, "id", "--new-link", "--profile", dir)
	says(t, c.out.String(), "undertone://")
}
