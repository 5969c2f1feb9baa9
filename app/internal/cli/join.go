package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"undertone/app/internal/join"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/transport/uri"
)

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
	content, err := join.Content(invite, name)
	if err != nil {
		return err
	}
	defer content.Wipe()
	return a.joinNew(ctx, dir, content)
}

// joinNew makes the profile, with the passphrase that was given.
func (a *app) joinNew(ctx context.Context, dir string, content *profile.Content) error {
	passphrase, err := a.givenPassphrase()
	if err != nil {
		return err
	}
	defer clear(passphrase)
	err = join.New(ctx, dir, content, profile.Options{Passphrase: passphrase}, a.onLine)
	switch {
	case err == nil:
		return a.welcome(content.Name)
	case errors.Is(err, join.ErrKept):
		return fmt.Errorf("%w\nYour profile is kept; to go on with the same invite: undertone join", err)
	}
	return err
}

// onLine makes the phone that goes online once.
func (a *app) onLine(c phone.Config) (join.Phone, error) {
	set, err := a.newPhone(c)
	if err == nil {
		fmt.Fprintln(a.Err, "Going online …")
	}
	return set, err
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
	if err := mayRejoin(c, invite, name, p.Dir()); err != nil {
		return err
	}
	var account *profile.Account
	if invite != nil {
		account = &profile.Account{Server: invite.Server, Token: invite.Token}
	}
	if err := join.Again(ctx, p, account, a.onLine); err != nil {
		return err
	}
	return a.welcome(c.Name)
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

func (a *app) welcome(name string) error {
	_, err := fmt.Fprintf(a.Out, "Welcome, %s: the line works.\n\n"+
		"Next: give your contact link to a friend (undertone id), add the friend's\n"+
		"(undertone contacts add LINK), and stay online (undertone idle).\n"+
		"To protect the profile with a passphrase: undertone passphrase set\n", name)
	return err
}
