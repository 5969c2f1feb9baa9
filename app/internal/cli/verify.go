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
and exchange links again by another way.

While «undertone idle» runs, the words are shown, and v shows them there in a
call; to mark the contact as verified, end idle first.`

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
	p, c, busy, err := a.openOrRead(ctx)
	if yes && busy != nil {
		err = busy
	}
	if err != nil {
		return err
	}
	if p != nil {
		defer p.Close()
	}
	defer c.Wipe()
	o, err := c.Contact(name)
	if err != nil {
		return err
	}
	words, err := wordsWith(c, o)
	if err != nil {
		return err
	}
	if !asJSON {
		a.printWords(o, words)
	}
	was := o.Verified
	if !yes && !was && !asJSON && p != nil {
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
	if busy != nil && !was {
		fmt.Fprintln(a.Out, "That has to wait until the Undertone that is running with this profile has ended.")
	}
	return nil
}

// openOrRead opens the profile, or reads it if another process has it open; then
// p is nil, and busy says which.
func (a *app) openOrRead(ctx context.Context) (p *profile.Profile, c *profile.Content, busy, err error) {
	var notice string
	err = a.unlock(ctx, func(dir string, o profile.Options) (err error) {
		p, err = profile.Open(dir, o)
		if errors.Is(err, profile.ErrInUse) {
			busy = whileInUse(err, inUseWords)
			c, notice, err = profile.Read(dir, o)
		}
		return err
	})
	if err != nil {
		return nil, nil, nil, err
	}
	if p != nil {
		c, notice = p.Snapshot(), p.Notice()
	}
	a.warn(notice)
	return p, c, busy, nil
}

// wordsWith returns the words that a user compares with a contact.
func wordsWith(c *profile.Content, o *profile.Contact) (safety.Words, error) {
	own, err := key.IdentityFromSeed(&c.Seed)
	if err != nil {
		return safety.Words{}, err
	}
	return safety.Of(own.Fingerprint(), o.Fingerprint), nil
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
