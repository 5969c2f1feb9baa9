package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"undertone/app/internal/audio"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/mixclient/call"
)

const (
	// lineFor is how long a call waits for the line.
	lineFor = 30 * time.Second
	// lastWord is how long the line is kept after the last sample of a file was
	// read: for a slot to be filled and sent, the way to the other side, and the
	// wait in the jitter buffer there.
	lastWord = time.Second
)

const callText = `Call a contact. It rings for half a minute. You learn whether the contact
answered, and nothing else: busy, declined, away and blocked look the same,
unless the contact chose to tell. Before the first call keys are exchanged, which
takes half a minute when both are online, and is given up after three minutes.

With --in FILE.wav the file is played when the call is answered, and the call
ends after it. --for bounds the time that you talk. Ctrl-C, h or q hangs up.

This command goes online for the call and offline after it, which shows. To hide
that, do not go offline: let «undertone idle» run and be called.`

func (a *app) callCommand() *cobra.Command {
	var o talk
	cmd := &cobra.Command{
		Use:               "call NAME",
		Short:             "Call a contact",
		Long:              callText + "\n\n" + exitText,
		Args:              needs("the name of the contact"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return a.misused("%w", err)
			}
			return a.call(cmd.Context(), o, args[0])
		}),
	}
	o.flags(cmd, audio.Mic, audio.Speaker)
	cmd.Flags().DurationVar(&o.length, "for", 0, "hang up when you have talked for this time, such as 10s")
	return cmd
}

func (a *app) call(ctx context.Context, o talk, name string) (err error) {
	p, settings, err := a.openOnline(ctx)
	if err != nil {
		return whileInUse(err, "idle is running on this profile (process %d); press c there to call")
	}
	defer p.Close()
	if name, err = callable(p, name); err != nil {
		return err
	}
	device, err := o.open(settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, device.Close()) }()
	c := &outgoing{name: name, length: o.length}
	err = a.online(ctx, p, device, connection{answer: profile.AnswerNever, asJSON: o.asJSON, typing: true}, func(s *session) {
		c.begin(s, device.Done())
	})
	if err != nil {
		return err
	}
	return c.exit()
}

// callable returns the name of a contact as it is written in the profile.
func callable(p *profile.Profile, name string) (string, error) {
	c := p.Snapshot()
	defer c.Wipe()
	o, err := c.Contact(name)
	if err != nil {
		return "", err
	}
	if o.Blocked {
		return "", fmt.Errorf("%s is blocked; to call: undertone contacts unblock %s", o.Name, quoted(o.Name))
	}
	return o.Name, nil
}

// An outgoing is the one call of the command.
type outgoing struct {
	name   string
	length time.Duration // 0: as long as both want
	s      *session

	dialed, talked, lost bool
}

func (c *outgoing) begin(s *session, played <-chan struct{}) {
	c.s = s
	s.on, s.played = c.on, played
	s.ended = func() { s.endIn(lastWord, nil) }
	s.endIn(lineFor, fmt.Errorf("no line to the server within %s, so nobody was called; try again later", lineFor))
}

func (c *outgoing) on(e phone.Event) {
	switch e.Kind {
	case phone.Online:
		if !c.dialed {
			c.dial()
		}
	case phone.Connected:
		c.talked = true
		if c.length > 0 {
			c.s.endIn(c.length, nil)
		}
	case phone.Ended:
		if e.Name == c.name {
			c.lost = c.talked && e.Outcome == call.Lost
			c.s.stop(nil)
		}
	}
}

func (c *outgoing) dial() {
	c.dialed = true
	c.s.goOn()
	err := c.s.set.Call(c.name)
	if errors.Is(err, call.ErrBusy) {
		err = c.meet()
	}
	if err != nil {
		c.s.stop(err)
		return
	}
	c.s.dialed(c.name)
}

// meet is for somebody who calls at the same moment.
func (c *outgoing) meet() error {
	if with := c.s.set.State().With; with != c.name {
		return fmt.Errorf("%s is calling you at this moment; be online with «undertone idle» to answer", with)
	}
	return c.s.set.Answer()
}

// exit returns what the call came to as an exit code.
func (c *outgoing) exit() error {
	switch {
	case c.lost:
		return exitError(exitCutOff)
	case !c.talked:
		return exitError(exitNoAnswer)
	}
	return nil
}
