package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"undertone/app/internal/profile"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/uri"
)

const passphrase = "correct horse"

// profileFolder makes a profile whose server is not there.
func profileFolder(t *testing.T, o profile.Options) string {
	t.Helper()
	id, err := key.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	c := &profile.Content{Seed: *id.Seed(), Name: "Anna"}
	// Nobody listens at port 1.
	c.Account.Server = uri.Server{Host: "127.0.0.1:1", Mode: cell.TMIX, Interval: cell.Interval40}
	c.AddIntro(id.Seed(), 1)
	dir := t.TempDir()
	p, err := profile.Create(dir, c, o)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	return dir
}

// A screen is a terminal with the program in it.
type screen struct {
	t    *testing.T
	cmd  *exec.Cmd
	file *os.File // the person's end
	all  bytes.Buffer
}

// onScreen starts the program in a terminal of its own.
func onScreen(t *testing.T, args ...string) *screen {
	t.Helper()
	file, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	s := &screen{t: t, cmd: exec.CommandContext(t.Context(), filepath.Join(programs, "undertone"), args...), file: file}
	number := 0
	s.control(func(fd int) error {
		if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
			return err
		}
		number, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		return err
	})
	program, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = program, program, program
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// control runs f with the terminal's descriptor.
func (s *screen) control(f func(fd int) error) {
	s.t.Helper()
	raw, err := s.file.SyscallConn()
	if err != nil {
		s.t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil || failed != nil {
		s.t.Fatal(err, failed)
	}
}

// shown reads until the screen has shown words.
func (s *screen) shown(words string) {
	s.t.Helper()
	if err := s.file.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	b := make([]byte, 4096)
	for !strings.Contains(s.all.String(), words) {
		n, err := s.file.Read(b)
		if err != nil {
			s.t.Fatalf("%v before %q; the screen shows:\n%s", err, words, &s.all)
		}
		s.all.Write(b[:n])
	}
}

func (s *screen) types(keys string) {
	s.t.Helper()
	if _, err := s.file.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// ends waits for the end, and checks that the terminal is as it was before.
func (s *screen) ends(code int) {
	s.t.Helper()
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = s.all.ReadFrom(s.file) // Until the program, the other end, has gone.
	}()
	err := s.cmd.Wait()
	<-read
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit code %d (%v), want %d; the screen shows:\n%s", got, err, code, &s.all)
	}
	s.control(func(fd int) error {
		state, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err == nil && state.Lflag&(unix.ECHO|unix.ICANON) != unix.ECHO|unix.ICANON {
			s.t.Error("the terminal is left without echo or lines")
		}
		return err
	})
}

func TestPassphrasePrompt(t *testing.T) {
	s := onScreen(t, "id", "--profile", profileFolder(t, profile.Options{Passphrase: []byte(passphrase)}))
	s.shown("Passphrase of the profile: ")
	s.types("wrong\r")
	s.shown("try again.\r\nPassphrase of the profile: ")
	s.types(passphrase + "\r")
	s.shown("undertone://127.0.0.1:1/contact")
	s.ends(0)
	if text := s.all.String(); strings.Contains(text, passphrase) || strings.Contains(text, "wrong") {
		t.Errorf("the screen shows what was typed:\n%s", text)
	}
	if !strings.Contains(s.all.String(), "█▀▀▀▀▀█") {
		t.Errorf("there is no QR code on:\n%s", &s.all)
	}
}

func TestInterruptedPrompt(t *testing.T) {
	s := onScreen(t, "id", "--profile", profileFolder(t, profile.Options{Passphrase: []byte(passphrase)}))
	s.shown("Passphrase of the profile: ")
	s.types("\x03")
	s.shown("interrupted")
	s.ends(1)
}

// On a terminal keys work without Enter and are not shown; Ctrl-C ends, and
// Ctrl-Z must not stop what has cells to send.
func TestKeysOnTerminal(t *testing.T) {
	dir := profileFolder(t, profile.Options{})
	for _, end := range []string{"q", "\x03"} {
		s := onScreen(t, "idle", "--profile", dir, "--in", "none", "--out", "none")
		s.shown("Keys: c call, a answer")
		s.shown("You are offline")
		s.types("h")
		s.shown("there is no call")
		s.types("\x1a")
		s.types("m")
		s.shown("\r\nMuted")
		s.types(end)
		s.ends(0)
	}
}

// stuck starts the program so that it waits in the system for ever: for a
// passphrase that nobody writes.
func stuck(t *testing.T) *exec.Cmd {
	t.Helper()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "undertone"),
		"id", "--passphrase-file", fifo, "--profile", profileFolder(t, profile.Options{}))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Whoever opens the other end waits until the program has opened it too, and
	// by then its main function has done all that these tests look at.
	f, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return cmd
}

// Somebody who says it twice does not want to wait.
func TestSecondInterrupt(t *testing.T) {
	cmd := stuck(t)
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		// Two signals at once may count as one.
		if err := cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		select {
		case <-tick.C:
			continue
		case err := <-ended:
			if got := cmd.ProcessState.ExitCode(); got != exitKilled {
				t.Errorf("exit code %d: %v", got, err)
			}
		}
		return
	}
}

// What is in memory does not reach the disk, and files are nobody else's.
func TestHidden(t *testing.T) {
	cmd := stuck(t)
	for file, want := range map[string][]string{
		"limits": {"Max core file size 0 0 bytes"},
		"status": {"Umask: 0077"},
	} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", cmd.Process.Pid, file))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(string(b)), " ")
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%q is not in %s", w, text)
			}
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // It was killed.
}
