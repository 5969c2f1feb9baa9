package drive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// A child is another process, as whoever runs it sees it.
type child struct {
	name   string
	cmd    *exec.Cmd
	orders *writer
	stdin  io.Closer
	events chan event
	exited chan struct{} // closed when it has ended

	// As the events tell.
	online  bool
	busy    bool // there is a call, or it rings
	talking bool // somebody has answered
	lost    int  // how often the line was lost
	serves  []string
	at      netip.AddrPort // where a server or an attacker is
	end     *event         // the last event of all
}

// Times of children.
const (
	// comeFor is how long one may take to come online.
	comeFor = 60 * time.Second
	// replyFor is how long it may take until what was ordered has happened.
	replyFor = 10 * time.Second
	// endFor is how long the last things may take.
	endFor = leaveFor + 10*time.Second
)

// start starts a child with a job. Nobody but its input tells it to end.
func start(program, name string, j job) (*child, error) {
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(program, Command)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c := &child{name: name, cmd: cmd, orders: &writer{to: in}, stdin: in, events: make(chan event, 64), exited: make(chan struct{})}
	go c.listen(out)
	return c, c.orders.write(j)
}

// listen passes on events until the child has ended.
func (c *child) listen(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, maxLine)
	for {
		var e event
		if read(lines, &e) != nil {
			break // The reason is the child's, which its exit code tells.
		}
		c.events <- e
	}
	close(c.events)
	// How it ended, its last event has said.
	_ = c.cmd.Wait()
	close(c.exited)
}

// take takes in an event.
func (c *child) take(e event, open bool) error {
	switch {
	case !open:
		return fmt.Errorf("the process of the %s has ended", c.name)
	case e.Is == isFailed:
		return fmt.Errorf("the %s: %s", c.name, e.Error)
	}
	switch e.Is {
	case isOnline:
		c.online = true
	case isOffline:
		c.online, c.busy = false, false
		c.lost++
	case isTalking:
		c.busy, c.talking = true, true
	case isRinging:
		c.busy = true
	case isOver:
		c.busy = false
	case isServing:
		c.serves, c.at = e.Clients, e.At
	case isDone:
		c.end = &e
	}
	return nil
}

// errLate is returned when something did not happen in time.
var errLate = errors.New("it took too long")

// await takes events until ok.
func (c *child) await(ctx context.Context, most time.Duration, ok func() bool) error {
	late := time.NewTimer(most)
	defer late.Stop()
	for !ok() {
		select {
		case e, open := <-c.events:
			if err := c.take(e, open); err != nil {
				return err
			}
		case <-late.C:
			return fmt.Errorf("the %s: %w", c.name, errLate)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// look takes the events that are there.
func (c *child) look() error {
	for {
		select {
		case e, open := <-c.events:
			if err := c.take(e, open); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (c *child) order(do string) error { return c.orders.write(order{Do: do}) }

// finish has the child end and returns what it tells at last, nil for a server.
func (c *child) finish() (*event, error) {
	ctx, cancel := context.WithTimeout(context.Background(), endFor)
	defer cancel()
	// One that has ended already is noticed below.
	_ = c.orders.write(order{Do: doEnd})
	_ = c.stdin.Close()
	err := c.await(ctx, endFor, func() bool { return c.end != nil })
	if c.end != nil {
		err = nil
	}
	c.kill(ctx)
	return c.end, err
}

// kill waits for the end of the child, and ends it if that takes too long.
func (c *child) kill(ctx context.Context) {
	_ = c.stdin.Close()
	events, late := c.events, ctx.Done()
	for {
		select {
		case _, open := <-events:
			if !open {
				events = nil
			}
		case <-late:
			_ = c.cmd.Process.Kill()
			late = nil
		case <-c.exited:
			return
		}
	}
}
