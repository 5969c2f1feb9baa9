package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"undertone/transport/key"
	"undertone/transport/rtc"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

// patience is how long a test waits for something that happens at once on an
// idle machine.
const patience = 30 * time.Second

// A process is the real program, serving.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
	addr  string // where users come online
	log   strings.Builder
}

// program is a run of the real program.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...) //nolint:gosec // this very binary
	cmd.Env = append(os.Environ(), mainEnv+"=1")
	return cmd
}

// start runs the program on a data folder until it says that it serves.
func start(t *testing.T, data string) *process {
	t.Helper()
	p := &process{t: t, cmd: program(t, "run", "--data", data)}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(stderr)
	p.addr = p.until(regexp.MustCompile(`msg=serving .*signal=(\S+)`))
	return p
}

// until reads the log up to a line that matches, and returns its group.
func (p *process) until(pattern *regexp.Regexp) string {
	p.t.Helper()
	for p.lines.Scan() {
		_, _ = p.log.WriteString(p.lines.Text() + "\n")
		if found := pattern.FindStringSubmatch(p.lines.Text()); found != nil {
			return found[len(found)-1]
		}
	}
	p.t.Fatalf("the server ended without saying %s:\n%s", pattern, &p.log)
	return ""
}

// end sends a signal and returns how the process ended.
func (p *process) end(s os.Signal) error {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	for p.lines.Scan() {
		_, _ = p.log.WriteString(p.lines.Text() + "\n")
	}
	return p.cmd.Wait()
}

// command runs a command in this process, which must succeed.
func command(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	if code := run(t.Context(), args, &out, &errOut); code != exitDone {
		t.Fatalf("%s: exit %d\n%s%s", args, code, &out, &errOut)
	}
	return out.String()
}

// newServer makes a data folder, and returns it with the first invite.
func newServer(t *testing.T) (data string, first uri.Invite) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "data")
	out := command(t, "init", "--data", data, "--listen", "127.0.0.1:0", "--host", "127.0.0.1:7443", "--label", "anna", "--json")
	var report struct {
		Invite struct{ Link string }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	first, err := uri.ParseInvite(report.Invite.Link)
	if err != nil {
		t.Fatal(err)
	}
	return data, first
}

// online brings a user online over real sockets, as the app does.
func (p *process) online(id *key.Identity, i uri.Invite) (*rtc.Link, error) {
	p.t.Helper()
	c := &signal.Client{Server: i.Server, Identity: id, Token: i.Token}
	c.Server.Host = p.addr
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	return rtc.Dial(ctx, rtc.DialConfig{}, func(ctx context.Context, offer string) (string, error) {
		a, err := c.Online(ctx, offer)
		return a.SDP, err
	})
}

// join does so until the end of the test.
func (p *process) join(id *key.Identity, i uri.Invite) *rtc.Link {
	p.t.Helper()
	link, err := p.online(id, i)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(link.Close)
	return link
}

func newIdentity(t *testing.T) *key.Identity {
	t.Helper()
	id, err := key.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// status asks the running server.
func status(t *testing.T, data string) (s struct {
	Running    bool
	Registered int
	Online     int
	Slots      uint64
},
) {
	t.Helper()
	if err := json.Unmarshal([]byte(command(t, "status", "--json", "--data", data)), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestServeAndManage(t *testing.T) {
	data, invite := newServer(t)
	p := start(t, data)
	anna := newIdentity(t)
	link := p.join(anna, invite)
	if s := status(t, data); !s.Running || s.Online != 1 || s.Registered != 1 {
		t.Errorf("status is %+v", s)
	}
	if _, err := p.online(newIdentity(t), invite); !errors.Is(err, signal.ErrInviteUsed) {
		t.Errorf("a second user with the invite: %v", err)
	}

	// A second server on the folder is refused; commands go on working.
	var out, errOut bytes.Buffer
	if code := run(t.Context(), []string{"run", "--data", data}, &out, &errOut); code != exitFailed || !strings.Contains(errOut.String(), "a server runs on this data folder already") {
		t.Errorf("a second run: exit %d, %s", code, &errOut)
	}
	if got := command(t, "check", "--data", data); !strings.Contains(got, "the server runs, at TCP 127.0.0.1:") {
		t.Errorf("check says %s", got)
	}

	// Disabling takes effect at once.
	command(t, "user", "disable", "anna", "--data", data)
	select {
	case <-link.Done():
	case <-time.After(patience):
		t.Fatal("a disabled user stays online")
	}
	if s := status(t, data); s.Online != 0 {
		t.Errorf("status is %+v", s)
	}
	if _, err := p.online(anna, invite); !errors.Is(err, signal.ErrUserDisabled) {
		t.Errorf("a disabled user comes back: %v", err)
	}
	command(t, "user", "enable", "anna", "--data", data)
	again, err := p.online(anna, invite)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()

	if err := p.end(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, &p.log)
	}
	for _, secret := range []string{anna.Account().Handle().String(), "anna", invite.Token.String()} {
		if strings.Contains(p.log.String(), secret) {
			t.Errorf("the log names a user (%s):\n%s", secret, &p.log)
		}
	}
}

// A server that is killed has lost no user and no invite, and its lock and its
// socket are in nobody's way.
func TestKilledServer(t *testing.T) {
	data, invite := newServer(t)
	p := start(t, data)
	anna := newIdentity(t)
	p.join(anna, invite)
	if err := p.end(syscall.SIGKILL); err == nil {
		t.Fatal("the server was not killed")
	}

	second := start(t, data)
	invite.Token = uri.Token{}
	back, err := second.online(anna, invite)
	if err != nil {
		t.Errorf("the user is lost: %v", err)
	} else {
		defer back.Close()
	}
	if err := second.end(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, &second.log)
	}
}

// The process leaves no core dump, and makes no file that others can read.
func TestHardened(t *testing.T) {
	data, _ := newServer(t)
	p := start(t, data)
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`Max core file size +0 +0 `).Match(limits) {
		t.Errorf("core dumps are on:\n%s", limits)
	}
	entries, err := os.ReadDir(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v, %v", e.Name(), info, err)
		}
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}
