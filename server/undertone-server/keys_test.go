package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"undertone/server/node"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

// A running server gets a new online key, with the root key in its folder and with the
// root key elsewhere. Who is online stays; who comes, or comes back, even after a restart
// and with an invite from before, is let in.
func TestRotateWhileRunning(t *testing.T) {
	data, invite := newServer(t)
	p := start(t, data)
	anna := newIdentity(t)
	link := p.join(anna, invite)
	stick := filepath.Join(t.TempDir(), "root.key")
	seen := map[string]bool{}
	for _, args := range [][]string{{"rotate"}, {"offline", stick}, {"rotate", "--root", stick, "--valid", "168h"}} {
		command(t, append(append([]string{"keys"}, args...), "--data", data)...)
		if args[0] == "rotate" {
			p.until(regexp.MustCompile(`msg="another online key is in use"`))
		}
		var keys struct {
			Online  string
			Ends    time.Time `json:"online_ends"`
			Running struct {
				Name string
				Ends time.Time
			}
		}
		if err := json.Unmarshal([]byte(command(t, "keys", "show", "--json", "--data", data)), &keys); err != nil {
			t.Fatal(err)
		}
		if keys.Online == "" || keys.Running.Name != keys.Online || !keys.Running.Ends.Equal(keys.Ends) {
			t.Errorf("%s: the keys are %+v", args, keys)
		}
		seen[keys.Online] = true
		if s := status(t, data); s.Online != 1 || link.Err() != nil {
			t.Errorf("%s: %d online, %v", args, s.Online, link.Err())
		}
	}
	if len(seen) != 2 {
		t.Errorf("%d online keys", len(seen))
	}
	invite.Token = uri.Token{}
	back, err := p.online(anna, invite)
	if err != nil {
		t.Fatalf("the user cannot come back: %v", err)
	}
	defer back.Close()
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, &p.log)
	}
	second := start(t, data)
	again, err := second.online(anna, invite)
	if err != nil {
		t.Fatalf("the user cannot come back after a restart: %v", err)
	}
	defer again.Close()
	if err := second.end(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

// What check says of the online key while its end comes nearer, and the root key is
// there or not.
func TestCheckCertificate(t *testing.T) {
	data, _ := newServer(t)
	f, err := node.OpenFolder(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	leaf, _, err := f.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	says := func(at time.Time, want level, text string) {
		t.Helper()
		if got := checkCertificate(f, "RENEW", at); got.Level != want || !strings.Contains(got.Text, text) {
			t.Errorf("%+v", got)
		}
	}
	renews := signal.RenewAt(leaf)
	says(time.Now(), fine, "and renewed by itself from "+renews.Format(time.DateOnly)+" on")
	says(leaf.NotBefore.Add(-time.Hour), problem, "set the clock; if it is right, it was wrong when the certificate was made, so run: RENEW")
	if err := os.Remove(filepath.Join(data, "root.key")); err != nil {
		t.Fatal(err)
	}
	says(time.Now(), fine, "before that, run where the root key is: RENEW")
	says(renews.AddDate(0, 0, -30), warning, "run, soon: RENEW")
	says(renews, problem, "nobody can come online, and the root key is not here to renew it; where that is, run: RENEW")
	says(leaf.NotAfter.Add(time.Hour), problem, "where that is, run: RENEW")
}
