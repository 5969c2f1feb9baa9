package sound

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A process is one running helper.
type process struct {
	cmd      *exec.Cmd
	orders   *os.File // its standard input
	messages chan message
	quit     chan struct{} // closed by end: nobody reads messages any more
	exited   chan struct{}
	chatter  tail // the end of its standard error
	waitErr  error
}

// startProcess starts a helper that finds memory as its descriptor memoryFile.
func startProcess(c Config, memory *os.File) (*process, error) {
	in, orders, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	replies, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close(), orders.Close())
	}
	p := &process{
		orders:   orders,
		messages: make(chan message, 16),
		quit:     make(chan struct{}),
		exited:   make(chan struct{}),
	}
	p.cmd = exec.Command(c.Program[0], c.Program[1:]...)
	// A crash in a driver says little in Go's stacks, and much before them.
	p.cmd.Env = append(append(os.Environ(), "GOTRACEBACK=none"), c.Env...)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = in, out, &p.chatter
	p.cmd.ExtraFiles = []*os.File{memory}
	// Something that a driver started may keep standard error open.
	p.cmd.WaitDelay = time.Second
	p.cmd.SysProcAttr = &syscall.SysProcAttr{
		// Ctrl-C on the terminal is for the parent, which hangs up in peace.
		Setpgid:   true,
		Pdeathsig: syscall.SIGKILL,
	}
	err = p.start()
	in.Close()
	out.Close()
	if err != nil {
		return nil, errors.Join(err, orders.Close(), replies.Close())
	}
	go p.read(replies)
	return p, nil
}

// start starts the process from a thread that lives as long as it: the kernel
// takes the end of that thread for the end of the parent.
func (p *process) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.waitErr = p.cmd.Wait()
			close(p.exited)
		}
	}()
	return <-started
}

// read hands on the helper's messages until it ends or talks nonsense.
func (p *process) read(r *os.File) {
	defer r.Close()
	defer close(p.messages)
	for {
		m, err := readMessage(r)
		if err != nil {
			return
		}
		select {
		case p.messages <- m:
		case <-p.quit:
			return
		}
	}
}

// end lets the helper end by itself for a grace, then kills it.
func (p *process) end(grace time.Duration) {
	close(p.quit)
	p.orders.Close()
	if grace > 0 && p.wait(grace) {
		return
	}
	p.cmd.Process.Kill() //nolint:errcheck // it may have ended
	// A process that the kernel keeps, in a driver, cannot run: leave it.
	p.wait(graceTime)
}

func (p *process) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.exited:
		return true
	case <-timer.C:
		return false
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailSize = 2048

var _ io.Writer = (*tail)(nil)

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if extra := len(t.b) - tailSize; extra > 0 {
		t.b = append(t.b[:0], t.b[extra:]...)
	}
	return len(b), nil
}

// reason returns the line that says most about why a helper ended: that of a
// failed assertion or panic, otherwise the last.
func (t *tail) reason() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.b)), "\n")
	for _, line := range lines {
		if strings.Contains(line, "Assertion") || strings.HasPrefix(line, "panic:") {
			return line
		}
	}
	return lines[len(lines)-1]
}
