package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"undertone/app/internal/audio"
	"undertone/app/internal/profile"
)

const idleText = `Stay online and be called. Leave this running all the time: being online is all
that anybody can see, so the longer, the less it says. Ctrl-C or q ends it.

c calls somebody: type the name, then Enter. In a call that you began it adds him
(in sets of mode bmix and smix). Calls from here show to nobody. When
a contact calls: a answers, d declines (the caller cannot tell that from no
answer), h hangs up, m mutes the microphone, l lets you hear nothing of the other
side for a while, v shows the safety words of the two of you. Where keys are not
read singly, as in a pipe, each is a line, and «c NAME» calls.

Meanwhile other commands can show your link, contacts and history; those that
change something have to wait until idle has ended.

It rings by the loudspeaker that «undertone devices --ring-device» names, unless
--out is something else than the loudspeaker.

With --answer auto every call is answered at once, and your microphone is open
in it. With --answer never nothing rings; missed calls are shown and remembered.

Sit at the computer on which this runs: through SSH, what it prints when it
rings crosses the network.`

func (a *app) idleCommand() *cobra.Command {
	var o talk
	var answer string
	var tellBusy bool
	cmd := &cobra.Command{
		Use:   "idle",
		Short: "Stay online, and be called",
		Long:  idleText,
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return a.misused("%w", err)
			}
			if answer != "" {
				if _, err := profile.ParseAnswerMode(answer); err != nil {
					return a.misused("--answer: %w", err)
				}
			}
			var tell *bool
			if cmd.Flags().Changed("tell-busy") {
				tell = &tellBusy
			}
			return a.idle(cmd.Context(), o, answer, tell)
		}),
	}
	o.flags(cmd, audio.Mic, audio.Speaker)
	cmd.Flags().DurationVar(&o.length, "for", 0, "end after this time, such as 10s or 8h (default: stay)")
	cmd.Flags().StringVar(&answer, "answer", "", "when somebody calls: ask, auto or never (default: the one of your settings, else ask)")
	cmd.Flags().StringVar(&o.ring, ringSetting, "", "ring on the loudspeaker of this `name` this time (default: that of the settings, or the system's)")
	cmd.Flags().BoolVar(&tellBusy, "tell-busy", false, "let callers know when you are in a call or decline; remembered until --tell-busy=false")
	err := cmd.RegisterFlagCompletionFunc("answer", cobra.FixedCompletions([]string{"ask", "auto", "never"}, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // The flag stands a few lines above.
	}
	return cmd
}

// A talk is what the commands that talk have in common.
type talk struct {
	sounds
	length time.Duration // 0: no end
	asJSON bool
}

func (o *talk) flags(cmd *cobra.Command, in, out string) {
	o.sounds.flags(cmd, in, out)
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print each event, and figures at the end, as a line of JSON")
}

func (o *talk) check() error {
	if o.length < 0 {
		return errors.New("--for: a time cannot be negative")
	}
	return o.sounds.check()
}

func (a *app) idle(ctx context.Context, o talk, answer string, tellBusy *bool) (err error) {
	p, settings, err := a.openOnline(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	c := p.Snapshot()
	server := c.Account.Server
	c.Wipe()
	mode := settings.Answer
	if answer != "" {
		if mode, err = profile.ParseAnswerMode(answer); err != nil {
			return err
		}
	}
	if tellBusy != nil {
		err := p.Update(func(c *profile.Content) error {
			c.Settings.TellBusy = *tellBusy
			return nil
		})
		if err != nil {
			return err
		}
	}
	device, err := o.open(settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, device.Close()) }()
	b, err := a.newBell(o, mode, o.over(settings))
	if err != nil {
		return err
	}
	defer b.close()
	return a.online(ctx, p, device, connection{answer: mode, asJSON: o.asJSON, typing: true}, func(s *session) {
		s.missing, s.bell = lookFor(ctx, device, b), b
		if !o.asJSON {
			s.report.note(promise(server))
		}
		if s.report.typing && !o.asJSON {
			s.report.keys()
		}
		if o.length > 0 {
			s.endIn(o.length, nil)
		}
	})
}
