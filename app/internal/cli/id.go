package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"rsc.io/qr"

	"undertone/app/internal/profile"
	"undertone/transport/key"
	"undertone/transport/uri"
)

const idText = `Print your contact link. Give it to the people who are to call you, by a way on
which nobody reads along: whoever has it can introduce himself to you, and ring.
When two people have added each other's links, either can call.

On a terminal the link is shown as a QR code as well. In a pipe there is nothing
but the link.`

func (a *app) idCommand() *cobra.Command {
	var asJSON, newLink bool
	cmd := &cobra.Command{
		Use:   "id",
		Short: "Show your contact link, to give to friends",
		Long:  idText,
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			if newLink {
				return a.renewID(cmd.Context(), asJSON)
			}
			return a.look(cmd.Context(), func(c *profile.Content) error { return a.showID(c, asJSON, false) })
		}),
	}
	cmd.Flags().BoolVar(&newLink, "new-link", false, "make a new link; those given away so far then introduce nobody any more")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// renewID makes a new link and shows it once it is stored.
func (a *app) renewID(ctx context.Context, asJSON bool) error {
	var c *profile.Content
	err := a.edit(ctx, func(now *profile.Content) error {
		if err := now.RenewIntro(profile.DayOf(time.Now())); err != nil {
			return err
		}
		c = now.Clone()
		return nil
	})
	if c != nil {
		defer c.Wipe()
	}
	if err != nil {
		return err
	}
	return a.showID(c, asJSON, true)
}

func (a *app) showID(c *profile.Content, asJSON, newLink bool) error {
	link, err := contactLink(c)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.Out, map[string]string{
			"name": c.Name, "link": link.String(), "server": link.Host, "fingerprint": link.Fingerprint.String(),
		})
	}
	if _, ok := terminal(a.Out); !ok {
		fmt.Fprintln(a.Out, link.String())
		return nil
	}
	fmt.Fprintf(a.Out, "You are %s, at %s. Your contact link:\n\n%s\n\n", c.Name, link.Host, link.String())
	if newLink {
		fmt.Fprint(a.Out, "Contacts that you have already stay; the old links introduce nobody any more.\n\n")
	}
	return printQR(a.Out, link.String(), true)
}

// contactLink returns the user's own link.
func contactLink(c *profile.Content) (*uri.Contact, error) {
	id, err := key.IdentityFromSeed(&c.Seed)
	if err != nil {
		return nil, err
	}
	intro := c.Intro()
	if intro == nil {
		return nil, fmt.Errorf("you have no contact link; make one with: undertone id --new-link")
	}
	return &uri.Contact{Name: c.Name, Host: c.Account.Server.Host, Fingerprint: id.Fingerprint(), Intro: intro.Secret}, nil
}

// quiet is the width of the margin that a QR code needs, in modules.
const quiet = 4

// printQR prints text as a QR code, two modules in a character, one above the
// other. In colour it is black on white whatever the terminal's colours are.
func printQR(w io.Writer, text string, colour bool) error {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return fmt.Errorf("the link is too long for a QR code: %w", err)
	}
	blocks := [2][2]string{{" ", "▄"}, {"▀", "█"}}
	begin, end := "", "\n"
	if colour {
		begin, end = "\x1b[30;107m", "\x1b[0m\n"
	}
	index := func(x, y int) int {
		if code.Black(x, y) {
			return 1
		}
		return 0
	}
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString(begin)
		for x := -quiet; x < code.Size+quiet; x++ {
			b.WriteString(blocks[index(x, y)][index(x, y+1)])
		}
		b.WriteString(end)
	}
	_, err = io.WriteString(w, b.String())
	return err
}
