package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"undertone/server/node"
)

// A server whose clock was set serves again, and says why; one that ends for another
// reason, or without any, does not.
func TestServesByTheClock(t *testing.T) {
	broken := errors.New("broken")
	for _, last := range []error{nil, broken} {
		var log strings.Builder
		ends := []error{fmt.Errorf("%w: it says 1970", node.ErrClock), fmt.Errorf("%w: it says 2026", node.ErrClock), last}
		runs := 0
		err := byClock(slog.New(slog.NewTextHandler(&log, nil)), func() error {
			runs++
			return ends[runs-1]
		})
		if runs != 3 || !errors.Is(err, last) || err != nil && last == nil {
			t.Errorf("%d runs, %v", runs, err)
		}
		if text := log.String(); strings.Count(text, "starts anew") != 2 || !strings.Contains(text, "it says 1970") {
			t.Errorf("the log is\n%s", text)
		}
	}
}

// hangUpEnv makes the test binary the process of awaitHangUps.
const hangUpEnv = "UNDERTONE_TEST_SERVER_HANGUP"

// awaitHangUps goes the way of main, and says how far it is, to be sent a SIGHUP at each
// place: before a command is known, with the server's, and with another one. It goes on
// with each line that it reads.
func awaitHangUps() {
	in := bufio.NewScanner(os.Stdin)
	at := func(place string) {
		fmt.Println(place)
		in.Scan()
	}
	outliveHangUp()
	at("begun")
	run(context.Background(), []string{"run", "--data", os.DevNull}, io.Discard, io.Discard)
	at("run")
	run(context.Background(), []string{"version"}, io.Discard, io.Discard)
	at("version")
	os.Exit(0)
}

// SIGHUP does not end a server, not even before it serves; it ends other commands.
func TestEarlyHangUp(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe) //nolint:gosec // this very binary
	cmd.Env = append(os.Environ(), hangUpEnv+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	// Where all of this runs under nohup the child would ignore the signal too; one that
	// is caught here has its own effect there.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	defer signal.Stop(caught)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(patience, func() { _ = in.Close() }).Stop() // It ends by itself then.
	lines := bufio.NewScanner(out)
	for _, place := range []string{"begun", "run", "version"} {
		if !lines.Scan() || lines.Text() != place {
			t.Fatalf("the process ended before %q: %v", place, cmd.Wait())
		}
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if place != "version" { // There nothing but the signal ends it.
			if _, err := io.WriteString(in, "\n"); err != nil {
				t.Fatal(err)
			}
		}
	}
	var end *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &end) || end.Sys().(syscall.WaitStatus).Signal() != syscall.SIGHUP { //nolint:forcetypeassert // that is what it is
		t.Errorf("a command whose terminal is closed ends with %v", err)
	}
}
