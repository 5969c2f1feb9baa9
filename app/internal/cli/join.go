package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"undertone/app/internal/audio"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/transport/key"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

// joinFor is how long the line may take to come the first time.
const joinFor = 30 * time.Second

const joinText = `Become a user of a server by an invite, a link that its operator gave you. Put it
in quotes. This makes your identity and your profile, and goes online once to
see that the line works. An invite is good for one person.

If it was interrupted, «undertone join» without a link goes on where it stopped.
With the passphrase in UNDERTONE_PASSPHRASE or --passphrase-file the profile has
one from the start.`

func (a *app) joinCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "join LINK --name NAME",
		Short: "Become a user of a server, with an invite",
		Long:  joinText,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return errors.New("too many arguments: put the invite in quotes, and the name after --name")
			}
			return nil
		},
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			var invite *uri.Invite
			if len(args) == 1 {
				i, err := uri.ParseInvite(args[0])
				if err != nil {
					return err
				}
				invite = &i
			}
			return a.join(cmd.Context(), invite, name)
		}),
	}
	cmd.Flags().StringVar(&name, "name", "", "what you call yourself; it stands in your contact link")
	return cmd
}

func (a *app) join(ctx context.Context, invite *uri.Invite, name string) error {
	dir, err := a.folder()
	if err != nil {
		return err
	}
	if profile.Exists(dir) {
		return a.rejoin(ctx, invite, name)
	}
	switch {
	case invite == nil:
		return a.misused("what is missing is the invite: undertone join LINK --name NAME")
	case name == "":
		return a.misused("what is missing is --name: what you call yourself")
	}
	if err := uri.CheckName(name); err != nil {
		return a.misused("--name: %w", err)
	}
	content, err := newContent(invite, name)
	if err != nil {
		return err
	}
	defer content.Wipe()
	return a.joinNew(ctx, dir, content)
}

// newContent is what the profile of a new user holds.
func newContent(invite *uri.Invite, name string) (*profile.Content, error) {
	id, err := key.NewIdentity()
	if err != nil {
		return nil, err
	}
	c := &profile.Content{Seed: *id.Seed(), Name: name, Account: profile.Account{Server: invite.Server, Token: invite.Token}}
	return c, addIntro(c, profile.DayOf(time.Now()))
}

// joinNew makes the profile before it uses the invite, so that an invite which
// the server has accepted is never lost. If the server cannot have accepted it,
// nothing stays behind.
func (a *app) joinNew(ctx context.Context, dir string, content *profile.Content) error {
	passphrase, err := a.givenPassphrase()
	if err != nil {
		return err
	}
	defer clear(passphrase)
	before, err := names(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the profile's folder: %w", err)
	}
	p, err := profile.Create(dir, content, profile.Options{Passphrase: passphrase})
	switch {
	case errors.Is(err, profile.ErrExists) || errors.Is(err, profile.ErrInUse):
		return err // Somebody else was faster; what is there is not ours.
	case err != nil:
		return errors.Join(err, removeNew(dir, before))
	}
	defer p.Close()
	reached, err := a.tryLine(ctx, p)
	switch {
	case err == nil:
		return a.welcome(content.Name)
	case !reached || signal.Permanent(err):
		p.Close()
		return errors.Join(err, removeNew(dir, before))
	}
	return fmt.Errorf("%w\nYour profile is kept; to go on with the same invite: undertone join", err)
}

// rejoin goes on with a profile whose invite may not have been used yet, or lets
// a user in again whom his server has forgotten.
func (a *app) rejoin(ctx context.Context, invite *uri.Invite, name string) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	c := p.Snapshot()
	defer c.Wipe()
	was := c.Account
	if err := mayRejoin(c, invite, name, p.Dir()); err != nil {
		return err
	}
	if invite != nil {
		if err := setAccount(p, profile.Account{Server: invite.Server, Token: invite.Token}); err != nil {
			return err
		}
	}
	_, err = a.tryLine(ctx, p)
	switch {
	case err == nil:
		return a.welcome(c.Name)
	case invite != nil && signal.Permanent(err):
		return errors.Join(err, setAccount(p, was))
	}
	return err
}

// mayRejoin says why an existing profile cannot join, or nil.
func mayRejoin(c *profile.Content, invite *uri.Invite, name, dir string) error {
	joined := c.Account.Token.IsZero()
	same := invite == nil || invite.Host == c.Account.Server.Host || invite.Pin == c.Account.Server.Pin
	switch {
	case name != "" && name != c.Name:
		return fmt.Errorf("there is a profile in %s already, of %s; for a second one use --profile DIR", dir, c.Name)
	case joined && invite == nil:
		return fmt.Errorf("%s is a user of %s already; to be online: undertone idle", c.Name, c.Account.Server.Host)
	case joined && !same:
		return fmt.Errorf("there is a profile in %s already, for the server %s; for another server use --profile DIR", dir, c.Account.Server.Host)
	case joined && name != "":
		// The same command again: most likely by mistake, and the line works.
		return fmt.Errorf("%s is a user of %s already; to be online: undertone idle; "+
			"if the server has forgotten you, use the new invite without --name", c.Name, c.Account.Server.Host)
	}
	return nil
}

func setAccount(p *profile.Profile, account profile.Account) error {
	err := p.Update(func(c *profile.Content) error {
		c.Account = account
		return nil
	})
	if err != nil {
		return err
	}
	return p.Save()
}

func (a *app) welcome(name string) error {
	_, err := fmt.Fprintf(a.Out, "Welcome, %s: the line works.\n\n"+
		"Next: give your contact link to a friend (undertone id), add the friend's\n"+
		"(undertone contacts add LINK), and stay online (undertone idle).\n"+
		"To protect the profile with a passphrase: undertone passphrase set\n", name)
	return err
}

// tryLine goes online once and offline again. It reports whether anybody was
// reached, without which no invite can have been used.
func (a *app) tryLine(ctx context.Context, p *profile.Profile) (reached bool, err error) {
	var connected atomic.Bool
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err == nil {
			connected.Store(true)
		}
		return conn, err
	}
	set, err := a.newPhone(phone.Config{Profile: p, Sound: audio.Silence{}, Answer: profile.AnswerNever, Connect: dial})
	if err != nil {
		return false, err
	}
	fmt.Fprintln(a.Err, "Going online …")
	s := newSession(set, newReporter(Streams{In: a.In, Out: io.Discard, Err: io.Discard}, false, profile.AnswerNever))
	on := false
	var last error
	s.on = func(e phone.Event) {
		switch e.Kind {
		case phone.Online:
			on = true
			if e.OverTCP {
				words, _ := inWords(e)
				fmt.Fprintln(a.Err, words)
			}
			s.stop(nil)
		case phone.Offline:
			last = e.Err
			if final(e.Err) {
				s.stop(e.Err)
			}
		}
	}
	s.endIn(joinFor, errNoLine)
	err = s.run(ctx)
	switch {
	case errors.Is(err, errNoLine) && last != nil:
		err = fmt.Errorf("%w: %w", err, last)
	case err == nil && !on:
		err = errors.New("interrupted before the line was there")
	}
	return connected.Load(), err
}

var errNoLine = fmt.Errorf("the server was asked, but no line came within %s; a firewall may block UDP, and what is not HTTPS over TCP", joinFor)

// final reports whether a person should be told at once: everything that
// signalling says. A line that was opened and lost may come the next time.
func final(err error) bool {
	var e *signal.Error
	return errors.As(err, &e)
}

// names lists a folder.
func names(dir string) (map[string]bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	all := make(map[string]bool, len(entries))
	for _, e := range entries {
		all[e.Name()] = true
	}
	return all, nil
}

// removeNew removes from a folder what was not there before, and the folder if
// that was not: before is nil then.
func removeNew(dir string, before map[string]bool) error {
	if before == nil {
		return os.RemoveAll(dir)
	}
	now, failed := names(dir)
	for name := range now {
		if !before[name] {
			failed = errors.Join(failed, os.Remove(filepath.Join(dir, name)))
		}
	}
	return failed
}
