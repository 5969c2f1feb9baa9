package child

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// maxLine is longer than any answer.
const maxLine = 1 << 20

// A Program is what a child runs.
type Program struct {
	Path string
	Args []string
	// Env is added to this process's own.
	Env []string
}

// With returns the program with more arguments.
func (p Program) With(args ...string) Program {
	p.Args = append(append([]string{}, p.Args...), args...)
	return p
}

// A Child is a running process. Its methods may be called from any goroutine.
type Child struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Scanner
	chatter chatter       // its standard error
	exited  chan struct{} // closed when it has ended

	asking sync.Mutex // one question at a time
}

// Start starts a program.
func Start(p Program) (*Child, error) {
	cmd := exec.Command(p.Path, p.Args...)
	c := &Child{cmd: cmd, exited: make(chan struct{})}
	// Whatever the program says of itself at its end, it says of all goroutines.
	cmd.Env = append(append(os.Environ(), "GOTRACEBACK=all"), p.Env...)
	cmd.Stderr = &c.chatter
	cmd.SysProcAttr = attributes()
	// Something that it has started may keep its standard error open.
	cmd.WaitDelay = time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.in, c.answers = in, bufio.NewScanner(out)
	c.answers.Buffer(nil, maxLine)
	if err := c.start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Path, err)
	}
	return c, nil
}

// start starts the process from a thread that lives as long as it: the kernel
// takes the end of that thread for the end of the parent.
func (c *Child) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			_ = c.cmd.Wait() // Who cares how it ended reads what it said.
			close(c.exited)
		}
	}()
	return <-started
}

// PID returns the process's number.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Usage returns what the process has cost so far. It fails when that has ended.
func (c *Child) Usage() (Usage, error) {
	select {
	case <-c.exited:
		return Usage{}, fmt.Errorf("process %d has ended, and has said:\n%s", c.PID(), c.Chatter())
	default:
		return usageOf(c.PID())
	}
}

// Exited is closed when the process has ended.
func (c *Child) Exited() <-chan struct{} { return c.exited }

// Chatter returns the last lines that the process has said on standard error.
func (c *Child) Chatter() string { return c.chatter.text() }

// Dumped returns how many goroutines the process has listed on standard error, as
// programs in Go do when they are told to quit.
func (c *Child) Dumped() int { return c.chatter.dumped() }

// Ask puts a question, and waits for the answer. A child that gives none before ctx
// ends is killed.
func (c *Child) Ask(ctx context.Context, question, answer any) error {
	c.asking.Lock()
	defer c.asking.Unlock()
	defer context.AfterFunc(ctx, c.kill)()
	b, err := json.Marshal(question)
	if err != nil {
		return err
	}
	if _, err := c.in.Write(append(b, '\n')); err != nil {
		return c.gone(errors.Join(err, ctx.Err()))
	}
	if !c.answers.Scan() {
		return c.gone(errors.Join(c.answers.Err(), ctx.Err()))
	}
	return json.Unmarshal(c.answers.Bytes(), answer)
}

// gone explains an error by what the process has said.
func (c *Child) gone(err error) error {
	c.wait(time.Second)
	return fmt.Errorf("process %d gives no answer (%w), and has said:\n%s", c.PID(), err, c.Chatter())
}

// Signal sends the process a signal.
func (c *Child) Signal(s os.Signal) error { return c.cmd.Process.Signal(s) }

// End has the process end, by the end of its input, and kills it if it takes longer
// than the grace. When it returns the process is gone.
func (c *Child) End(grace time.Duration) {
	_ = c.in.Close() // It may have ended already.
	if !c.wait(grace) {
		c.kill()
		<-c.exited
	}
}

func (c *Child) kill() { _ = c.cmd.Process.Kill() } // It may have ended already.

// wait returns whether the process ends in time.
func (c *Child) wait(d time.Duration) bool {
	late := time.NewTimer(d)
	defer late.Stop()
	select {
	case <-c.exited:
		return true
	case <-late.C:
		return false
	}
}
