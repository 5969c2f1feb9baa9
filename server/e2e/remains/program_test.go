package remains

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"undertone/mixclient/clienttest"
	"undertone/server/internal/admin"
	"undertone/server/node"
	"undertone/transport/cell"
)

// TestProgram does the same with the program as people get it, over real sockets: two
// of them run side by side, for the same number of slots.
func TestProgram(t *testing.T) {
	t.Parallel()
	program := build(t)
	settings := node.DefaultSettings()
	settings.Listen, settings.PublicHost = "127.0.0.1:0", "127.0.0.1:7443"
	settings.Interval, settings.LogLevel = cell.Interval40, slog.LevelDebug
	s := newSet(t, filepath.Join(t.TempDir(), "data"), settings, len(names))
	idle, busy := newRecord(), newRecord()
	t.Run("runs", func(t *testing.T) {
		for name, r := range map[string]*record{"idle": idle, "busy": busy} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := newProcess(t, program, s, r)
				p.play(func(c *cast) {
					if r == busy {
						c.calls(false)
					}
				})
			})
		}
	})
	for name, text := range map[string]string{
		"standard error": "msg=serving", "before: files": "admin.sock", "admin status": "slots", "metrics": "undertone_users_online 4",
		"at rest: rows of " + registryFile: `"anna"`, "backup: " + registryFile: "SQLite",
	} {
		if !strings.Contains(idle.has(name), text) {
			t.Errorf("%q is not in %s:\n%s", text, name, idle.has(name))
		}
	}
	compare(t, idle, busy)
}

// build builds the server's program.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "undertone-server")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "undertone/server/undertone-server")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// slots is for how many a server runs at least: as long as the calls take.
const slots = 150

// A process is the program, serving.
type process struct {
	t       *testing.T
	program string
	set     *set
	record  *record
	dir     string // short, since sockets are in it
	cmd     *exec.Cmd
	out     bytes.Buffer // standard output
	err     bytes.Buffer // standard error
	admin   *admin.Client
	members []*clienttest.Member
}

// newProcess starts the program on a folder of its own.
func newProcess(t *testing.T, program string, s *set, r *record) *process {
	t.Helper()
	dir, err := os.MkdirTemp("", "remains-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &process{t: t, program: program, set: s, record: r, dir: dir, admin: admin.NewClient(node.SocketPath(filepath.Join(dir, "data")))}
	s.folder.writeTo(t, p.data())
	p.cmd = p.command("run")
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) data() string    { return filepath.Join(p.dir, "data") }
func (p *process) metrics() string { return filepath.Join(p.dir, "metrics.sock") }

// command is the program with arguments.
func (p *process) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(p.t.Context(), p.program, append(args, "--data", p.data())...)
	cmd.Env = append(os.Environ(), node.EnvPrefix+"METRICS=unix:"+p.metrics())
	return cmd
}

// until waits until the server says something of itself.
func (p *process) until(what string, ok func(s admin.Status) bool) (last admin.Status) {
	p.t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	late := time.After(patience)
	for {
		select {
		case <-look.C:
		case <-late:
			p.t.Fatalf("not within %v: %s; the last status is %+v", patience, what, last)
		}
		s, err := p.admin.Status(p.t.Context())
		if err == nil && ok(s) {
			return s
		}
		last = s
	}
}

func (p *process) play(act func(c *cast)) {
	server := p.set.server
	server.Host = p.until("the server serves", func(admin.Status) bool { return true }).Signal
	for _, who := range p.set.people {
		m, err := who.Start(server, clienttest.Place{})
		if err != nil {
			p.t.Fatal(err)
		}
		p.members = append(p.members, m)
		p.t.Cleanup(func() { _ = m.Close() })
	}
	all := func(s admin.Status) bool { return s.Online == len(p.members) }
	p.until("all are online", all)
	for _, m := range p.members {
		p.online(m)
	}
	before := p.look("before")
	act(newCast(p.t, true, p.members))
	p.until("it has served for long enough", func(s admin.Status) bool { return s.Slots >= slots })
	p.record.add("changed meanwhile", changes(before, p.look("after")))
	p.until("all are online", all)
	p.ask()
	p.backup()
	p.stop()
	p.look("at rest")
	p.record.add("standard output", p.out.String())
	p.record.add("standard error", sorted(withoutPlaces.ReplaceAllString(p.err.String(), "$1=")))
}

// online waits until somebody has heard the server.
func (p *process) online(m *clienttest.Member) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	if _, err := m.AwaitOnline(ctx); err != nil {
		p.t.Fatal(err)
	}
}

// withoutPlaces finds in the log what is another in each run: times, and ports and
// folders.
var withoutPlaces = regexp.MustCompile(`(?m)\b(time|signal|cells|at)=\S+`)

func (p *process) look(when string) folder {
	f := readFolder(p.t, p.data())
	f.note(p.t, p.record, when)
	return f
}

// stop has everybody leave, and then the server.
func (p *process) stop() {
	p.t.Helper()
	for _, m := range p.members {
		if err := m.Close(); err != nil {
			p.t.Error(err)
		}
	}
	p.until("all are gone", func(s admin.Status) bool { return s.Online == 0 })
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("the server: %v\n%s", err, &p.err)
	}
}

// steady are the figures that a busy machine does not change: of these the values are
// compared, and of all others that they are there.
var (
	steadyStatus  = []string{"version", "mode", "interval", "online", "places", "cells_unreadable", "faults", "requests_refused", "certificate_ends"}
	steadyMetrics = regexp.MustCompile(`^(undertone_(info|users_online|places|faults_total|certificate_end_time_seconds|requests_\w+)\b|undertone_cells_useless_total\{why="(odd|unopened)"\}|#)`)
)

// ask notes what the server says.
func (p *process) ask() {
	p.t.Helper()
	answers := map[string]string{}
	for name, path := range map[string]string{adminName: node.SocketPath(p.data()), metricsName: p.metrics()} {
		a := newAsker(name, func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "unix", path) })
		for what, answer := range a.askAll(p.t, p.set.people) {
			answers[name+" "+what] = answer
		}
	}
	for name, answer := range answers {
		head, body, _ := strings.Cut(answer, "\r\n\r\n")
		switch name {
		case adminName + " GET /v1/status":
			p.record.add("admin status", steadyKeys(p.t, body))
		case metricsName + " GET /metrics":
			p.record.add("metrics", steadyLines(body))
		default:
			p.record.add(name, body)
		}
		p.record.add(name+": head", changingHead.ReplaceAllString(head, "$1:"))
	}
}

// changingHead finds the lines of a head with another value each time.
var changingHead = regexp.MustCompile(`(?m)^(Date|Content-Length):.*$`)

// steadyKeys prints a JSON object, with those values that are steady.
func steadyKeys(t *testing.T, body string) (text string) {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(body), &object); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		text += name
		if slices.Contains(steadyStatus, name) {
			text += fmt.Sprint(": ", object[name])
		}
		text += "\n"
	}
	return text
}

// steadyLines prints metrics, with those values that are steady.
func steadyLines(body string) (text string) {
	for line := range strings.Lines(body) {
		if i := strings.LastIndex(line, " "); i > 0 && !steadyMetrics.MatchString(line) {
			line = line[:i] + "\n"
		}
		text += line
	}
	return text
}

// backup notes what comes out of a backup that the program makes meanwhile.
func (p *process) backup() {
	p.t.Helper()
	path, restored := filepath.Join(p.dir, "backup"), filepath.Join(p.dir, "restored")
	if out, err := p.command("backup", path).CombinedOutput(); err != nil {
		p.t.Fatalf("%v\n%s", err, out)
	}
	if err := restore(p.t.Context(), path, restored); err != nil {
		p.t.Fatal(err)
	}
	for name, x := range readFolder(p.t, restored) {
		p.record.add("backup: "+name, hex.Dump(x.data))
	}
}
