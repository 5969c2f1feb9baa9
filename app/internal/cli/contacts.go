package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"undertone/app/internal/profile"
	"undertone/transport/uri"
)

func (a *app) contactsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "contacts",
		Short: "The people you can call",
		Args:  cobra.NoArgs,
		RunE:  a.do(func(cmd *cobra.Command, _ []string) error { return cmd.Help() }),
	}
	cmd.AddCommand(a.addCommand(), a.listCommand(), a.verifyCommand(),
		a.contactCommand("block NAME", "Let a contact no longer ring you; he cannot tell", block),
		a.contactCommand("unblock NAME", "Let a blocked contact ring you again", unblock),
		a.contactCommand("remove NAME", "Forget a contact, with his keys", remove))
	return cmd
}

const addText = `Add somebody by the contact link that «undertone id» shows him. Put the link in
quotes. The other person must add yours, too. Then, the first time that both of
you are online, your computers agree on keys; that happens by itself, inside the
usual packets, and takes half a minute. Compare safety words soon
(undertone contacts verify NAME): they show that the link was not exchanged on
its way to you.`

func (a *app) addCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "add LINK",
		Short: "Add somebody by his contact link",
		Long:  addText,
		Args:  needs("the contact link of the person, in quotes"),
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			return a.addContact(cmd.Context(), args[0], name)
		}),
	}
	cmd.Flags().StringVar(&name, "name", "", "`name` that you want to use for the person, instead of the one in the link")
	return cmd
}

// needs checks that there is the one argument that a command needs.
func needs(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch len(args) {
		case 1:
			return nil
		case 0:
			return fmt.Errorf("what is missing is %s", what)
		}
		return fmt.Errorf("too many arguments: only %s is needed, in quotes if it has spaces", what)
	}
}

// needsSome is for a command of at least one.
func needsSome(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("what is missing is %s", what)
		}
		return nil
	}
}

func (a *app) addContact(ctx context.Context, link, name string) error {
	l, err := uri.ParseContact(link)
	if err != nil {
		return err
	}
	if name == "" {
		name = l.Name
	}
	if err := uri.CheckName(name); err != nil {
		return fmt.Errorf("the contact cannot have this name: %w", err)
	}
	var said string
	var elsewhere string
	err = a.edit(ctx, func(c *profile.Content) error {
		if l.Host != c.Account.Server.Host {
			elsewhere = c.Account.Server.Host
		}
		var err error
		said, err = addTo(c, l, name)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(a.Out, said)
	if elsewhere != "" {
		fmt.Fprintf(a.Err, "Note: this link is for the server %s, and you are at %s. Unless the two are the same server, you cannot call each other.\n",
			l.Host, elsewhere)
	}
	return nil
}

// addTo adds the person of a link, or notes a known person's new link. It
// returns what to say about it.
func addTo(c *profile.Content, l *uri.Contact, name string) (string, error) {
	for i := range c.Contacts {
		known := &c.Contacts[i]
		switch {
		case known.Fingerprint == l.Fingerprint:
			known.Intro = l.Intro
			return fmt.Sprintf("%s is a contact already; the new link was noted.", known.Name), nil
		case strings.EqualFold(known.Name, name):
			return "", fmt.Errorf("your contact %[1]s has another identity than this link. "+
				"If this is another person, add the link with --name and another name. "+
				"If %[1]s has set up Undertone anew, ask in person or by telephone; then: "+
				"undertone contacts remove %[2]s, and add the link again", known.Name, quoted(known.Name))
		}
	}
	err := c.AddContact(profile.Contact{Name: name, Fingerprint: l.Fingerprint, Intro: l.Intro, Added: profile.DayOf(time.Now())})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%[1]s is a contact now; for calls, %[1]s must add your link, too (undertone id).\nCall with: undertone call %[2]s\nCompare safety words soon: undertone contacts verify %[2]s",
		name, quoted(name)), nil
}

// quoted puts a name in quotes where a shell needs them.
func quoted(name string) string {
	plain := func(r rune) bool {
		return r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || r >= 0x80
	}
	if strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) < 0 && !strings.HasPrefix(name, "-") {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// contactCommand is a command that changes one contact.
func (a *app) contactCommand(use, short string, change func(c *profile.Content, name string) (said string, err error)) *cobra.Command {
	return &cobra.Command{
		Use:               use,
		Short:             short,
		Args:              needs("the name of the contact"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			var said string
			err := a.edit(cmd.Context(), func(c *profile.Content) error {
				var err error
				said, err = change(c, args[0])
				return err
			})
			if err == nil {
				fmt.Fprintln(a.Out, said)
			}
			return err
		}),
	}
}

func block(c *profile.Content, name string) (string, error) {
	return setBlocked(c, name, true, "%s is blocked: calls do not reach you, and look to the caller as if nobody answers.")
}

func unblock(c *profile.Content, name string) (string, error) {
	return setBlocked(c, name, false, "%s can ring you again.")
}

func setBlocked(c *profile.Content, name string, on bool, said string) (string, error) {
	o, err := c.Contact(name)
	if err != nil {
		return "", err
	}
	o.Blocked = on
	return fmt.Sprintf(said, o.Name), nil
}

func remove(c *profile.Content, name string) (string, error) {
	o, err := c.Contact(name)
	if err != nil {
		return "", err
	}
	name = o.Name
	return fmt.Sprintf("%s is no contact any more. Whoever has your contact link can introduce himself again; "+
		"to prevent that, block a contact instead, or make a new link: undertone id --new-link", name), c.RemoveContact(name)
}

// A contactEntry is a contact as list --json shows it.
type contactEntry struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	Paired      bool   `json:"paired"`
	Verified    bool   `json:"verified"`
	Blocked     bool   `json:"blocked"`
	Added       string `json:"added"`
}

func (a *app) listCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List your contacts",
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			return a.look(cmd.Context(), func(c *profile.Content) error {
				if asJSON {
					return writeJSON(a.Out, entries(c))
				}
				return a.printContacts(c)
			})
		}),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func entries(c *profile.Content) []contactEntry {
	all := make([]contactEntry, 0, len(c.Contacts))
	for i := range c.Contacts {
		o := &c.Contacts[i]
		all = append(all, contactEntry{
			Name: o.Name, Fingerprint: o.Fingerprint.String(), Paired: len(o.State) > 0,
			Verified: o.Verified, Blocked: o.Blocked, Added: o.Added.String(),
		})
	}
	return all
}

func (a *app) printContacts(c *profile.Content) error {
	if len(c.Contacts) == 0 {
		fmt.Fprintln(a.Out, "You have no contacts yet. Give your link to a friend (undertone id), or add his: undertone contacts add LINK")
		return nil
	}
	t := table(a.Out)
	fmt.Fprintln(t, "NAME\tSINCE\tVERIFIED\tNOTE")
	for _, e := range entries(c) {
		verified, note := "no", ""
		if e.Verified {
			verified = "yes"
		}
		switch {
		case e.Blocked:
			note = "blocked"
		case !e.Paired:
			note = "keys are exchanged when both of you are online"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", e.Name, e.Added, verified, note)
	}
	return t.Flush()
}
