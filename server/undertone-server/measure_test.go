package main

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	localhttp "undertone/server/internal/local"
	"undertone/server/node"
)

// set changes a setting of a server; value is TOML.
func set(t *testing.T, data, name, value string) {
	t.Helper()
	path := filepath.Join(data, node.SettingsFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^` + name + ` = .*$`)
	if !line.Match(text) {
		t.Fatalf("there is no %s in\n%s", name, text)
	}
	if err := os.WriteFile(path, line.ReplaceAllLiteral(text, []byte(name+" = "+value)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fetch reads a page that must be there.
func fetch(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v\n%s", url, resp.StatusCode, err, body)
	}
	return string(body)
}

// A server that is told to can be measured by this machine, and says nothing of
// the users who are online but how many they are.
func TestMeasured(t *testing.T) {
	data, invite := newServer(t)
	set(t, data, "metrics", `"127.0.0.1:0"`)
	p := start(t, data)
	at := p.until(regexp.MustCompile(`msg="metrics can be read" at=(\S+)`))
	if host, _, err := net.SplitHostPort(at); err != nil || host != "127.0.0.1" {
		t.Errorf("it can be measured at %s", at)
	}
	anna := newIdentity(t)
	p.join(anna, invite)
	if got := fetch(t, "http://"+at+"/health"); got != "ok\n" {
		t.Errorf("health is %q", got)
	}
	text := fetch(t, "http://"+at+"/metrics")
	for _, line := range []string{`undertone_users_online 1\n`, `undertone_slots_total [1-9]`, `process_cpu_seconds_total \d`, `process_resident_memory_bytes [1-9]`} {
		if !regexp.MustCompile(`\n` + line).MatchString(text) {
			t.Errorf("%s is not in\n%s", line, text)
		}
	}
	for _, secret := range []string{anna.Account().Handle().String(), "anna", invite.Token.String()} {
		if strings.Contains(text, secret) {
			t.Errorf("a user is named (%s):\n%s", secret, text)
		}
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, &p.log)
	}
}

// SIGHUP changes what can be changed under a user who is online, without him
// noticing, and a broken file changes nothing.
func TestHangUp(t *testing.T) {
	data, invite := newServer(t)
	p := start(t, data)
	link := p.join(newIdentity(t), invite)
	hangUp := func(says string) string {
		t.Helper()
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		return p.until(regexp.MustCompile(says))
	}
	socket := filepath.Join(t.TempDir(), "metrics.sock")
	for _, address := range []string{"127.0.0.1:0", "unix:" + socket} {
		set(t, data, "metrics", `"`+address+`"`)
		// The two lines are of two goroutines, so that either may be the first.
		at := hangUp(`msg="metrics can be read" at=(\S+)`)
		if address == "127.0.0.1:0" {
			if got := fetch(t, "http://"+at+"/health"); got != "ok\n" {
				t.Errorf("health is %q", got)
			}
		} else if info, err := os.Stat(socket); at != socket || err != nil || info.Mode()&os.ModeSocket == 0 {
			t.Errorf("the metrics are at %s: %v, %v", at, info, err)
		}
	}
	set(t, data, "metrics", `"127.0.0.1:1:2"`)
	hangUp(`level=ERROR msg="the settings cannot be read again, and stay as they were" .*metrics`)
	if _, err := os.Stat(socket); err != nil {
		t.Errorf("the metrics are gone: %v", err)
	}
	set(t, data, "metrics", `"unix:`+filepath.Join(data, node.SettingsFile)+`"`)
	hangUp(`level=ERROR msg="a setting stays as it was" setting=metrics .*is no socket`)
	set(t, data, "metrics", `""`)
	set(t, data, "log_level", `"debug"`)
	hangUp(`msg="the settings were read again" changed="metrics log_level"`)
	if s := status(t, data); s.Online != 1 || link.Err() != nil {
		t.Errorf("status is %+v, the link %v", s, link.Err())
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, &p.log)
	}
	if _, err := os.Stat(socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket was left behind: %v", err)
	}
}

// While the service is stopped, the folder of its sockets is not there, and nothing is
// wrong with that; elsewhere it must be made.
func TestCheckMetrics(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "away", "metrics.sock")
	_, none := localhttp.Listen("unix:" + missing)
	if none == nil || !strings.Contains(none.Error(), "the folder "+filepath.Dir(missing)+" is missing") {
		t.Errorf("a server would say %v", none)
	}
	for _, c := range []struct {
		address, data string
		err           error
		level         level
		text          string
	}{
		{"unix:/run/undertone/metrics.sock", installedData, none, fine, "/run/undertone is made when the service starts"},
		{"unix:/run/undertone/metrics.sock", dir, none, problem, "no folder /run/undertone; make it"},
		{"unix:/run/undertone/deep/metrics.sock", installedData, none, problem, "no folder /run/undertone/deep; make it"},
		{"unix:/run/undertone/metrics.sock", installedData, syscall.EACCES, problem, "cannot be used"},
		{"127.0.0.1:9464", installedData, syscall.EADDRINUSE, problem, "stop what uses it"},
		{"127.0.0.1:9464", installedData, nil, fine, "is free"},
	} {
		if f := judgeMetrics(c.address, c.data, c.err); f.Level != c.level || !strings.Contains(f.Text, c.text) {
			t.Errorf("%s for %s, %v: %+v", c.address, c.data, c.err, f)
		}
	}
	s := node.Settings{Metrics: "unix:" + missing}
	if list := checkMetrics(s, dir); len(list) != 1 || list[0].Level != problem || !strings.Contains(list[0].Text, "no folder "+filepath.Dir(missing)+"; make it, or change the address") {
		t.Errorf("%+v", list)
	}
	s.Metrics = "unix:" + filepath.Join(dir, "metrics.sock")
	if list := checkMetrics(s, dir); len(list) != 1 || list[0].Level != fine {
		t.Errorf("%+v", list)
	}
}
