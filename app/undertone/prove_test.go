package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The program measures itself in processes of its own: all come online, and Ctrl-C
// ends all, with a word of why nothing is said.
func TestProveIsStopped(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(filepath.Join(programs, "undertone"), "prove", "--loopback", "--quick", "--interval", "20ms")
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "the line settles") {
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
		}
	}
	const failed = 1
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != failed || !strings.Contains(said.String(), "stopped before anything was measured") {
		t.Errorf("%v:\n%s", cmd.ProcessState, &said)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
