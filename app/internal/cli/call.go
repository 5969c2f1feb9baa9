package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

With several names it is a call of up to eight in which everybody hears
everybody, in sets of mode bmix and smix. Who calls can add others with c, and
ends the call for all. Put names with spaces in quotes.

With --in FILE.wav the file is played when the call is answered, and the call
ends after it. --for bounds the time that you talk. Ctrl-C, h or q hangs up.

This command goes online for the call and offline after it, which shows. To hide
that, do not go offline: let «undertone idle» run and be called.`

func (a *app) callCommand() *cobra.Command {
	var o talk
	cmd := &cobra.Command{
		Use:               "call NAME...",
		Short:             "Call a contact, or several",
		Long:              callText + "\n\n" + exitText,
		Args:              needsSome("the name of the contact"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return a.misused("%w", err)
			}
			return a.call(cmd.Context(), o, args)
		}),
	}
	o.flags(cmd, audio.Mic, audio.Speaker)
	cmd.Flags().DurationVar(&o.length, "for", 0, "hang up when you have talked for this time, such as 10s")
	return cmd
}

func (a *app) call(ctx context.Context, o talk, names []string) (err error) {
	p, settings, err := a.openOnline(ctx)
	if err != nil {
		return whileInUse(err, "idle is running on this profile (process %d); press c there to call")
	}
	defer p.Close()
	if names, err = callable(p, names); err != nil {
		return err
	}
	device, err := o.open(settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, device.Close()) }()
	c := &outgoing{names: names, length: o.length}
	err = a.online(ctx, p, device, connection{answer: profile.AnswerNever, asJSON: o.asJSON, typing: true}, func(s *session) {
		s.missing = lookFor(ctx, device, nil)
		c.begin(s, device.Done())
	})
	if err != nil {
		return err
	}
	return c.exit()
}

// callable returns the names of contacts as they are written in the profile.
func callable(p *profile.Profile, names []string) (all []string, err error) {
	c := p.Snapshot()
	defer c.Wipe()
	for _, name := range names {
		o, err := c.Contact(name)
		switch {
		case err != nil && len(names) > 1:
			return nil, fmt.Errorf("%w (of several names each is one word, or in quotes)", err)
		case err != nil:
			return nil, err
		case o.Blocked:
			return nil, fmt.Errorf("%s is blocked; to call: undertone contacts unblock %s", o.Name, quoted(o.Name))
		case slices.Contains(all, o.Name):
			return nil, fmt.Errorf("%s is named twice", o.Name)
		}
		all = append(all, o.Name)
	}
	return all, nil
}

// An outgoing is the one call of the command.
type outgoing struct {
	names  []string
	length time.Duration // 0: as long as all want
	s      *session

	dialed, talked, lost bool
	over                 []string // those whose part of the call is over
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
		if c.length > 0 && !c.talked {
			c.s.endIn(c.length, nil)
		}
		c.talked = true
	case phone.Ended:
		if slices.Contains(c.names, e.Name) && !slices.Contains(c.over, e.Name) {
			c.over = append(c.over, e.Name)
			c.lost = c.talked && e.Outcome == call.Lost
		}
		if len(c.over) == len(c.names) {
			c.s.stop(nil)
		}
	}
}

func (c *outgoing) dial() {
	c.dialed = true
	c.s.goOn()
	err := c.s.set.Call(c.names...)
	if errors.Is(err, call.ErrBusy) {
		err = c.meet()
	}
	if err != nil {
		c.s.stop(err)
		return
	}
	for _, name := range c.names {
		c.s.dialed(name)
	}
}

// meet is for somebody who calls at the same moment.
func (c *outgoing) meet() error {
	if with := c.s.set.State().With; !slices.Contains(c.names, with) {
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
