package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/pulsetest"
	"undertone/assets"
	"undertone/codec"
	"undertone/transport/cell"
)

// programs is the folder with both programs, built once.
var programs string

func TestMain(m *testing.M) {
	pulsetest.Hurry()
	dir, err := os.MkdirTemp("", "undertone-programs-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	programs = dir
	code := 1
	if out, err := exec.Command("go", "build", "-o", dir+"/", "undertone/app/undertone", "undertone/server/undertone-server").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "cannot build the programs: %v\n%s", err, out)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// A world is a server and users, each a process of its own, in one folder.
type world struct {
	t      testing.TB
	dir    string
	data   string
	server *process
	listen string
}

// newWorld makes a server and starts it.
func newWorld(t testing.TB, m cell.Mode, i cell.Interval) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), listen: freePort(t)}
	w.data = filepath.Join(w.dir, "server")
	w.admin("init", "--listen", w.listen, "--host", w.listen, "--mode", m.String(), "--interval", i.String())
	w.serve()
	return w
}

// freePort returns an address at which nobody listens, TCP and UDP.
func freePort(t testing.TB) string {
	t.Helper()
	for range 50 {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := tcp.Addr().String()
		udp, err := net.ListenPacket("udp", addr)
		_ = tcp.Close()
		if err == nil {
			_ = udp.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

// admin runs undertone-server and returns what it printed.
func (w *world) admin(args ...string) string {
	w.t.Helper()
	out, err := w.command("undertone-server", append([]string{"--data", w.data}, args...)...).Output()
	if err != nil {
		w.t.Fatalf("undertone-server %s: %v", strings.Join(args, " "), withStderr(err))
	}
	return string(out)
}

func withStderr(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return err
}

func (w *world) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(programs, program), args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+w.dir)
	return cmd
}

// serve starts the server, and waits until it answers.
func (w *world) serve() {
	w.t.Helper()
	w.server = w.start(w.command("undertone-server", "--data", w.data, "run"))
	w.until("the server serves", func() bool {
		conn, err := net.Dial("tcp", w.listen)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// until waits for a condition.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			w.t.Fatalf("20 seconds, and not yet: %s", what)
		}
	}
}

// user runs undertone for a user and returns what it printed.
func (w *world) user(name string, args ...string) string {
	w.t.Helper()
	out, err := w.command("undertone", append([]string{"--profile", name}, args...)...).Output()
	if err != nil {
		w.t.Fatalf("undertone %s: %v", strings.Join(args, " "), withStderr(err))
	}
	return string(out)
}

// join makes a user by an invite, and returns his contact link.
func (w *world) join(name string) string {
	w.t.Helper()
	w.user(name, "join", field(w.t, w.admin("invite", "create", name, "--json"), "link"), "--name", name)
	return field(w.t, w.user(name, "id", "--json"), "link")
}

func field(t testing.TB, text, name string) string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	s, ok := all[name].(string)
	if !ok {
		t.Fatalf("no %q in %s", name, text)
	}
	return s
}

// A process is a program that runs and reports in lines of JSON.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	lines  chan event
	stderr bytes.Buffer
	seen   []event
	err    error // of Wait, once lines is closed
}

// An event is a line of a report.
type event struct {
	Event        string  `json:"event"`
	Name         string  `json:"name"`
	Outcome      string  `json:"outcome"`
	TalkedS      float64 `json:"talked_s"`
	CellsSent    int     `json:"cells_sent"`
	CellsSkipped int     `json:"cells_skipped"`
	CellsLost    int     `json:"cells_lost"`
	Heard        int     `json:"voice_heard"`
	Concealed    int     `json:"voice_concealed"`
	SoundFaults  int     `json:"sound_faults"`
	Error        string  `json:"error"`
}

// start starts a command that is ended with the test.
func (w *world) start(cmd *exec.Cmd, env ...string) *process {
	w.t.Helper()
	p := &process{t: w.t, cmd: cmd, lines: make(chan event, 256)}
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = &p.stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			var e event
			if json.Unmarshal(s.Bytes(), &e) == nil {
				p.lines <- e
			}
		}
		p.err = cmd.Wait()
	}()
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill() // It has ended, most of the time.
		for range p.lines {    //nolint:revive // until it has ended
		}
	})
	return p
}

// run starts a command of a user that stays.
func (w *world) run(name string, env []string, args ...string) *process {
	w.t.Helper()
	return w.start(w.command("undertone", append(append([]string{"--profile", name}, args...), "--json")...), env...)
}

// awaitFor is longer than two who never talked need to exchange keys, letter by
// letter, on a busy machine.
const awaitFor = 3 * time.Minute

// await waits for an event, and returns it.
func (p *process) await(name string) event {
	p.t.Helper()
	late := time.After(awaitFor)
	for {
		select {
		case e, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("%s has ended (%v) without %q: %+v\n%s", p.cmd, p.err, name, p.seen, p.stderr.String())
			}
			p.seen = append(p.seen, e)
			if e.Event == name {
				return e
			}
		case <-late:
			p.t.Fatalf("%s: no %q in %v: %+v", p.cmd, name, awaitFor, p.seen)
		}
	}
}

// end waits until the process has ended by itself, and returns its summary and
// its exit code.
func (p *process) end() (event, int) {
	p.t.Helper()
	summary := p.await("summary")
	for range p.lines { //nolint:revive // until it has ended
	}
	return summary, p.cmd.ProcessState.ExitCode()
}

// stop ends the process with a signal and waits.
func (p *process) stop(s syscall.Signal) int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	for range p.lines { //nolint:revive // until it has ended
	}
	return p.cmd.ProcessState.ExitCode()
}

// wavFile writes a recording into the world.
func (w *world) wavFile(name string, s assets.Sound) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, s, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// pcm returns a recording at the rate of all sound.
func pcm(t testing.TB, s assets.Sound) []float32 {
	t.Helper()
	out, err := codec.Convert(s.PCM(), assets.SampleRate, cell.SampleRate)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// load reads a sound file.
func load(t testing.TB, path string) []float32 {
	t.Helper()
	clip, err := audio.OpenClip(path)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float32, audio.Samples(clip.Length()))
	clip.Live(true)
	clip.Read(out)
	return out
}
