package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

const passphraseText = `The profile is always encrypted. Without a passphrase its key lies in a file
next to it, so whoever can read the folder can read the profile: your contacts,
your history, and the keys with which he could call in your name. With a
passphrase the file tells him nothing, as far as the passphrase cannot be
guessed. There is no way back for one that is forgotten.

Where the passphrase comes from: --passphrase-file, then the environment
variable UNDERTONE_PASSPHRASE, then a question on the terminal.`

func (a *app) passphraseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "passphrase",
		Short: "Protect the profile with a passphrase",
		Long:  passphraseText,
		Args:  cobra.NoArgs,
		RunE:  a.do(func(cmd *cobra.Command, _ []string) error { return cmd.Help() }),
	}
	var file string
	set := &cobra.Command{
		Use:   "set",
		Short: "Set the passphrase, or change it",
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			return a.setPassphrase(cmd.Context(), file)
		}),
	}
	set.Flags().StringVar(&file, "new-passphrase-file", "", "`file` whose first line is the new passphrase (- is the standard input)")
	remove := &cobra.Command{
		Use:   "remove",
		Short: "Remove the passphrase",
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			if err := a.protect(cmd.Context(), nil); err != nil {
				return err
			}
			fmt.Fprintln(a.Out, "The profile has no passphrase any more; its key is in the same folder.")
			return nil
		}),
	}
	cmd.AddCommand(set, remove)
	return cmd
}

func (a *app) setPassphrase(ctx context.Context, file string) error {
	next := func() ([]byte, error) { return a.askNew(ctx) }
	if file != "" {
		next = func() ([]byte, error) { return a.readSecret(file) }
	}
	if err := a.protect(ctx, next); err != nil {
		return err
	}
	fmt.Fprintln(a.Out, "The passphrase is set. Keep it well: without it, the profile is lost.")
	return nil
}

// protect opens the profile first: who cannot open it is not asked for more.
func (a *app) protect(ctx context.Context, next func() ([]byte, error)) error {
	p, err := a.openToEdit(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	var passphrase []byte
	if next != nil {
		if passphrase, err = next(); err != nil {
			return err
		}
		defer clear(passphrase)
	}
	return p.Protect(passphrase)
}

func (a *app) askNew(ctx context.Context) ([]byte, error) {
	first, err := a.askSecret(ctx, "New passphrase: ")
	if errors.Is(err, errNobodyThere) {
		return nil, errors.New("nobody can be asked for the new passphrase here; give it with --new-passphrase-file FILE")
	}
	if err != nil {
		return nil, err
	}
	second, err := a.askSecret(ctx, "Once more: ")
	defer clear(second)
	switch {
	case err != nil:
	case len(first) == 0:
		err = errors.New("an empty passphrase protects nothing; to do without: undertone passphrase remove")
	case len(first) > maxPassphrase:
		err = fmt.Errorf("the passphrase is longer than %d bytes", maxPassphrase)
	case !bytes.Equal(first, second):
		err = errors.New("the two are not the same; nothing was changed")
	}
	if err != nil {
		clear(first)
		return nil, err
	}
	return first, nil
}
