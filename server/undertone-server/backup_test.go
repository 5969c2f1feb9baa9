package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"undertone/transport/uri"
)

// A server that runs, with a user in a link, is backed up without him noticing;
// it is killed and its folder is lost; and the server of the backup lets him in
// again, by the same pin, and the invite that was still open works too.
func TestBackupOfARunningServer(t *testing.T) {
	data, invite := newServer(t)
	p := start(t, data)
	anna := newIdentity(t)
	link := p.join(anna, invite)
	_, text, _ := strings.Cut(command(t, "invite", "create", "berta", "--data", data), "\n\n")
	text, _, _ = strings.Cut(text, "\n")
	open, err := uri.ParseInvite(text)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "backup.tar")
	command(t, "backup", file, "--data", data)
	if link.Err() != nil || status(t, data).Online != 1 {
		t.Errorf("the user lost his link: %v", link.Err())
	}
	var out, errOut strings.Builder
	if code := run(t.Context(), []string{"restore", file, "--data", data}, &out, &errOut); code != exitFailed || !strings.Contains(errOut.String(), "a server runs on this data folder already") {
		t.Errorf("restore over a running server: exit %d, %s", code, &errOut)
	}
	if err := p.end(syscall.SIGKILL); err == nil {
		t.Fatal("the server was not killed")
	}
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}

	command(t, "restore", file, "--data", data)
	second := start(t, data)
	invite.Token = uri.Token{}
	back, err := second.online(anna, invite)
	if err != nil {
		t.Fatalf("the user is lost: %v", err)
	}
	defer back.Close()
	berta, err := second.online(newIdentity(t), open)
	if err != nil {
		t.Fatalf("the open invite is lost: %v", err)
	}
	defer berta.Close()
	if s := status(t, data); s.Online != 2 || s.Registered != 2 {
		t.Errorf("status is %+v", s)
	}
	if err := second.end(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, &second.log)
	}
}
