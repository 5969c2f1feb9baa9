package sound

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// Tuning constants of the supervisor.
const (
	// patience is how many silences a helper may take to do what it was told:
	// a sound server that starts needs its time.
	patience = 5
	// minPause and maxPause bound the time between two helpers.
	minPause = 100 * time.Millisecond
	maxPause = time.Second
	// calmTime is how long a helper must live to start over with minPause.
	calmTime = 5 * time.Second
)

// The reasons to give up a helper. They are for a person.
var (
	errSilent = errors.New("the sound helper stopped answering; it was started again")
	errStuck  = errors.New("the sound device stopped; it is being opened again")
	errSlow   = errors.New("the sound device does not open or close")
	errDied   = errors.New("the sound helper ended; it was started again")
)

// A Detour is trouble in which sound goes through, by other devices than those
// that were chosen. It is for a person.
type Detour string

// Error says what is used, and why.
func (d Detour) Error() string { return string(d) }

// detour is what Trouble says while the streams are open.
func detour(o Opened) *error {
	if o.Detour == "" {
		return nil
	}
	var err error = Detour(printable([]byte(o.Detour)))
	return &err
}

// A state is where a helper stands; see the package comment.
type state uint8

const (
	starting state = iota
	resting
	opening
	playing
	closing
	gone
)

// supervise keeps a helper running until Close.
func (c *Card) supervise() {
	defer close(c.done)
	defer c.file.Close()
	pause := minPause
	for {
		began := time.Now()
		err := c.tend()
		c.setSession(nil)
		c.stats.process.Store(0)
		if err == nil {
			return
		}
		c.trouble.Store(&err)
		if time.Since(began) > calmTime {
			pause = minPause
		}
		if !c.rest(pause) {
			return
		}
		pause = min(2*pause, maxPause)
	}
}

// rest waits between two helpers, and reports false when the card is closed.
func (c *Card) rest(pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.quit:
		return false
	}
}

// A keeper looks after one helper. Only the supervisor's goroutine uses it.
type keeper struct {
	card    *Card
	process *process
	orders  io.Writer // to the process

	state      state
	since      time.Time // when state was entered
	heard      time.Time // the last sign of life
	generation uint32    // of the last live order
	choice     Choice    // what that order said

	captured, played uint64 // the counts when they last moved
	moved            time.Time
	flowing          bool // they have moved since the streams opened

	asking []chan<- listed // who waits for a list of devices
}

// tend runs one helper. It returns nil when the card was closed, otherwise why
// the helper is gone.
func (c *Card) tend() error {
	p, err := startProcess(c.config, c.file)
	if err != nil {
		return fmt.Errorf("cannot start the sound helper: %w", err)
	}
	c.stats.helpers.Add(1)
	c.stats.process.Store(int64(p.cmd.Process.Pid))
	now := time.Now()
	k := &keeper{card: c, process: p, orders: p.orders, since: now, heard: now}
	err = k.run()
	k.setState(gone, time.Now())
	if err == nil {
		p.end(graceTime)
	} else {
		p.end(0)
	}
	for _, reply := range k.asking {
		reply <- listed{err: err}
	}
	return err
}

func (k *keeper) run() error {
	// The same number of looks in a call and out of it.
	tick := time.NewTicker(beatTime)
	defer tick.Stop()
	for {
		var err error
		select {
		case m, open := <-k.process.messages:
			if !open {
				return k.died()
			}
			err = k.hear(m, time.Now())
		case <-tick.C:
			err = k.watch(time.Now())
		case <-k.card.wake:
			err = k.follow(time.Now())
		case reply := <-k.card.lists:
			k.asking = append(k.asking, reply)
			err = writeMessage(k.orders, message{kind: kindList})
		case <-k.card.quit:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// died says why the helper ended, as well as it can be known.
func (k *keeper) died() error {
	if k.process.wait(beatTime) {
		if line := k.process.chatter.reason(); line != "" {
			return fmt.Errorf("%w: %w: %s", errDied, k.process.waitErr, printable([]byte(line)))
		}
		return fmt.Errorf("%w: %w", errDied, k.process.waitErr)
	}
	return errDied
}

// setState is the only thing that changes the state, and what the slots see of it.
func (k *keeper) setState(s state, now time.Time) {
	k.state, k.since = s, now
	if s != playing {
		k.card.setSession(nil)
		return
	}
	m := k.card.memory
	k.captured, k.played, k.moved = m.Captured.Count.Load(), m.Played.Count.Load(), now
	k.flowing = false
	k.card.setSession(newSession(m, k.choice))
}

// follow brings the helper towards what is wanted, when it is not busy.
func (k *keeper) follow(now time.Time) error {
	live := k.card.live.Load() != 0
	switch {
	case k.state == resting && live:
		k.setState(opening, now)
		// What was left of the last call must not be heard in this one.
		m := k.card.memory
		m.Queued.Count.Store(m.Played.Count.Load())
		return k.order(k.card.config.Choice)
	case k.state == playing && !live:
		k.setState(closing, now)
		return k.order(Choice{})
	}
	return nil
}

func (k *keeper) order(c Choice) error {
	k.generation++
	k.choice = c
	return writeMessage(k.orders, message{kindLive, numbered(k.generation, encode(c))})
}

// hear takes in one message. Any message is a sign of life.
func (k *keeper) hear(m message, now time.Time) error {
	k.heard = now
	switch m.kind {
	case kindBeat:
		if k.state != starting {
			return nil
		}
		k.setState(resting, now)
	case kindOpened, kindClosed, kindFailed:
		if err := k.answered(m, now); err != nil {
			return err
		}
	case kindCautions:
		if err := k.cautioned(m); err != nil {
			return err
		}
	case kindDevices, kindNone:
		return k.listed(m)
	default: // from a newer helper
		return nil
	}
	return k.follow(now)
}

// answered takes in the answer to a live order, unless it is to an earlier one.
func (k *keeper) answered(m message, now time.Time) error {
	generation, rest, err := parseNumbered(m.body)
	if err != nil || generation != k.generation {
		return err
	}
	switch {
	case m.kind == kindFailed:
		return errors.New(printable(rest))
	case m.kind == kindOpened && (k.state == opening || k.state == playing):
		var o Opened
		if err := decode(rest, &o); err != nil {
			return err
		}
		k.card.trouble.Store(detour(o))
		k.card.beware(o.Cautions)
		k.setState(playing, now)
	case m.kind == kindClosed && k.state == closing:
		k.setState(resting, now)
	default:
		return errProtocol
	}
	return nil
}

// cautioned takes in that the devices in use are others now, unless that was for an
// earlier order.
func (k *keeper) cautioned(m message) error {
	generation, rest, err := parseNumbered(m.body)
	if err != nil || generation != k.generation || k.state != playing {
		return err
	}
	var c Cautions
	if err := decode(rest, &c); err != nil {
		return err
	}
	k.card.beware(c)
	return nil
}

func (k *keeper) listed(m message) error {
	var l listed
	if m.kind == kindNone {
		l.err = errors.New(printable(m.body))
	} else if err := decode(m.body, &l.devices); err != nil {
		return err
	}
	for i := range l.devices {
		d := &l.devices[i]
		// A headset gives itself its name.
		d.Name, d.Description, d.System = stripControls(d.Name), stripControls(d.Description), stripControls(d.System)
	}
	for _, reply := range k.asking {
		reply <- l
	}
	k.asking = nil
	return nil
}

// watch is the watchdog: it returns an error when the helper must go.
func (k *keeper) watch(now time.Time) error {
	silence := k.card.config.Silence
	switch {
	case now.Sub(k.heard) > silence:
		return errSilent
	case (k.state == opening || k.state == closing) && now.Sub(k.since) > patience*silence:
		return errSlow
	case k.state == playing && k.stuck(now, silence):
		return errStuck
	}
	return nil
}

// stuck tells whether an open stream has not moved for a silence, or at first,
// when a sound server may have to wake its device, with patience. Playback moves
// only as far as sound is queued for it.
func (k *keeper) stuck(now time.Time, silence time.Duration) bool {
	m := k.card.memory
	captured, played := m.Captured.Count.Load(), m.Played.Count.Load()
	micMoves := !k.choice.Mic || captured != k.captured
	speakerMoves := !k.choice.Speaker || played != k.played || m.Queued.Count.Load() == played
	if micMoves && speakerMoves {
		k.flowing = k.flowing || captured != k.captured || played != k.played
		k.captured, k.played, k.moved = captured, played, now
	}
	if !k.flowing {
		silence *= patience
	}
	return now.Sub(k.moved) > silence
}

// printable makes text of the helper's safe for a terminal.
func printable(b []byte) string {
	return fmt.Sprintf("%.500s", stripControls(string(b)))
}

func stripControls(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
}
