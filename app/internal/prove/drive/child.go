package drive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/prove/record"
	"undertone/app/internal/prove/relay"
)

// leaveFor bounds how long hanging up and taking leave may hold up the end.
const leaveFor = 10 * time.Second

// Main is the main function of a child: it does its job until its input ends.
func Main(in io.Reader, out io.Writer) error {
	// The terminal tells everybody in front of it to stop; a child ends with its
	// input, after what it has recorded is written.
	signal.Ignore(os.Interrupt, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGPIPE, unix.SIGHUP)
	lines := bufio.NewScanner(in)
	events := &writer{to: out}
	var j job
	if err := read(lines, &j); err != nil {
		return fmt.Errorf("no job: %w", err)
	}
	var err error
	switch {
	case j.Serve:
		err = serve(j, lines, events)
	case j.Attack != relay.None:
		err = attack(j, lines, events)
	default:
		err = follow(j, lines, events)
	}
	if err != nil {
		return errors.Join(err, events.write(event{Is: isFailed, Error: err.Error()}))
	}
	return nil
}

// A client is one that is measured, or the other side of its calls.
type client struct {
	job    job
	events *writer
	voice  *voice
	leaks  *leaks
	tape   *record.Tape
	phone  *phone.Phone

	mu      sync.Mutex
	sockets []netip.AddrPort
}

// follow is a client that does what it is told.
func follow(j job, lines *bufio.Scanner, events *writer) error {
	p, err := profile.Open(j.Profile, profile.Options{Passphrase: j.Passphrase})
	clear(j.Passphrase)
	if err != nil {
		return err
	}
	defer p.Close()
	started := monotonic(j.Started)
	c := &client{job: j, events: events, tape: record.NewTape(started)}
	if c.voice, err = newVoice(started); err != nil {
		return err
	}
	content := p.Snapshot()
	interval := content.Account.Server.Interval
	content.Wipe()
	c.leaks = newLeaks(interval, &c.voice.quiet)
	c.phone, err = phone.New(phone.Config{Profile: p, Sound: c.voice, Answer: profile.AnswerNever, Socket: c.socket, UDPOnly: true})
	if err != nil {
		return err
	}
	return c.run(lines)
}

// monotonic returns a time of the wall clock as one of the clock that never jumps.
func monotonic(wall time.Time) time.Time {
	now := time.Now()
	return now.Add(wall.Sub(now.Round(0)))
}

// socket opens the socket of a link.
func (c *client) socket() (net.PacketConn, error) {
	conn, local, err := open(c.tape, c.leaks, c.job)
	if err == nil {
		c.mu.Lock()
		c.sockets = append(c.sockets, local)
		c.mu.Unlock()
	}
	return conn, err
}

// run is online until the last order.
func (c *client) run(lines *bufio.Scanner) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- c.phone.Run(ctx) }()
	told := make(chan error, 1)
	go func() { told <- c.tell() }()
	obeyed := make(chan error, 1)
	go func() { obeyed <- c.obey(lines) }()
	var err error
	select {
	case err = <-obeyed:
		bye, stop := context.WithTimeout(ctx, leaveFor)
		c.phone.Leave(bye)
		stop()
	case err = <-told: // The phone has ended by itself: its error says why.
		told <- nil
	}
	cancel()
	if err := errors.Join(err, <-told, <-result); err != nil {
		return err
	}
	return c.finish()
}

// tell passes on events until there are no more.
func (c *client) tell() error {
	words := map[phone.EventKind]string{
		phone.Online: isOnline, phone.Offline: isOffline, phone.Rings: isRinging, phone.Connected: isTalking, phone.Ended: isOver,
	}
	var err error
	for e := range c.phone.Events() {
		if word, ok := words[e.Kind]; ok && err == nil {
			told := event{Is: word}
			if e.Err != nil {
				told.Error = e.Err.Error()
			}
			err = c.events.write(told)
		}
	}
	return err
}

// obey does what it is told until it is told to end, or nobody is there any more.
func (c *client) obey(lines *bufio.Scanner) error {
	for {
		var o order
		if err := read(lines, &o); errors.Is(err, io.EOF) || err == nil && o.Do == doEnd {
			return nil
		} else if err != nil {
			return err
		}
		// What cannot be done shows by the event that does not come.
		_ = c.do(o)
	}
}

func (c *client) do(o order) error {
	switch o.Do {
	case doCall:
		return c.phone.Call(c.job.With)
	case doAnswer:
		return c.phone.Answer()
	case doDecline:
		return c.phone.Decline()
	case doHangup:
		return c.phone.Hangup()
	case doSpeak, doHush:
		c.voice.quiet.Store(o.Do == doHush)
	case doLeak:
		c.leaks.set(o.Leak)
	}
	return nil
}

// finish writes what was recorded.
func (c *client) finish() error {
	f, err := os.OpenFile(c.job.Capture, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(f)
	if err := errors.Join(c.tape.Write(b), b.Flush(), f.Close()); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events.write(event{Is: isDone, Sockets: c.sockets, Peers: c.tape.Peers(), Voice: c.voice.said()})
}
