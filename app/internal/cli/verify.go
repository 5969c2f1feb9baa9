package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"undertone/app/internal/profile"
	"undertone/app/internal/safety"
	"undertone/transport/key"
)

const verifyText = `Show the safety words that you and a contact have in common. Read them to each
other, in a call in which you know the voice, or face to face; the other person
sees them with the same command. If they are the same, nobody stands between you
and listens. If they differ, somebody may: do not trust the contact, remove it,
and exchange links again by another way.`

func (a *app) verifyCommand() *cobra.Command {
	var yes, asJSON bool
	cmd := &cobra.Command{
		Use:               "verify NAME",
		Short:             "Compare safety words with a contact",
		Long:              verifyText,
		Args:              needs("the name of the contact"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			return a.verify(cmd.Context(), args[0], yes, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "you have compared the words, and they are the same")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (a *app) verify(ctx context.Context, name string, yes, asJSON bool) error {
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	c := p.Snapshot()
	defer c.Wipe()
	o, err := c.Contact(name)
	if err != nil {
		return err
	}
	own, err := key.IdentityFromSeed(&c.Seed)
	if err != nil {
		return err
	}
	words := safety.Of(own.Fingerprint(), o.Fingerprint)
	if !asJSON {
		a.printWords(o, words)
	}
	was := o.Verified
	if !yes && !was && !asJSON {
		if yes, err = a.askSame(ctx, o.Name); err != nil {
			return err
		}
	}
	if yes && !was {
		if err := markVerified(p, o.Name); err != nil {
			return err
		}
	}
	if asJSON {
		return writeJSON(a.Out, map[string]any{"name": o.Name, "words": words, "verified": yes || was})
	}
	a.sayVerified(o.Name, yes || was)
	return nil
}

func (a *app) printWords(o *profile.Contact, words safety.Words) {
	fmt.Fprintf(a.Out, "The safety words of you and %s:\n\n    %s\n\n", o.Name, strings.ReplaceAll(words.String(), "\n", "\n    "))
}

// askSame asks whether the words are the same; where nobody can be asked, they
// are not known to be.
func (a *app) askSame(ctx context.Context, name string) (bool, error) {
	same, err := a.confirm(ctx, fmt.Sprintf("Does %s see exactly the same words?", name))
	if errors.Is(err, errNobodyThere) {
		return false, nil
	}
	return same, err
}

func markVerified(p *profile.Profile, name string) error {
	err := p.Update(func(c *profile.Content) error {
		o, err := c.Contact(name)
		if err == nil {
			o.Verified = true
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.Save()
}

func (a *app) sayVerified(name string, verified bool) {
	if verified {
		fmt.Fprintf(a.Out, "%s is verified.\n", name)
		return
	}
	fmt.Fprintf(a.Out, "%s is not verified. When you have compared the words, and they are the same: undertone contacts verify %s --yes\n",
		name, quoted(name))
}
