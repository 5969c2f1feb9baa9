package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"undertone/app/internal/profile"
)

const backupText = `Write a copy of your identity, contacts and settings to a file that a passphrase
of its own opens. Past calls stay out of it. It works while you are online.`

const restoreText = `Make a profile of a backup, as on a new computer. Use it in one place only: while
the profile that it was made of is still in use elsewhere, the two get into each
other's way.`

func (a *app) backupCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write identity and contacts to an encrypted file",
		Long:  backupText,
		Args:  needs("the name of the file to write"),
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			return a.backUp(cmd.Context(), args[0], file)
		}),
	}
	cmd.Flags().StringVar(&file, "new-passphrase-file", "", "`file` whose first line is the passphrase of the backup (- is the standard input)")
	return cmd
}

func (a *app) backUp(ctx context.Context, path, passphraseFile string) error {
	c, err := a.read(ctx)
	if err != nil {
		return err
	}
	defer c.Wipe()
	var passphrase []byte
	if passphraseFile != "" {
		passphrase, err = a.readSecret(passphraseFile)
	} else {
		passphrase, err = a.askNew(ctx)
	}
	if err != nil {
		return err
	}
	defer clear(passphrase)
	b, err := profile.Backup(c, passphrase)
	if err != nil {
		return err
	}
	err = profile.WriteBackup(path, b)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("there is a file %s already; give another name", path)
	}
	if err != nil {
		return fmt.Errorf("the backup was not written: %w", err)
	}
	fmt.Fprintf(a.Out, "The backup is in %s. Its passphrase opens it; without that it is worth nothing.\n", path)
	return nil
}

func (a *app) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a profile of a backup",
		Long:  restoreText + "\n\nThe passphrase of the backup becomes the profile's.",
		Args:  needs("the file of the backup"),
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			return a.restore(cmd.Context(), args[0])
		}),
	}
}

func (a *app) restore(ctx context.Context, path string) error {
	dir, err := a.folder()
	if err != nil {
		return err
	}
	b, err := readBackup(path)
	if err != nil {
		return err
	}
	given, err := a.givenPassphrase()
	if err != nil {
		return err
	}
	defer clear(given)
	try := func(passphrase []byte) error {
		c, err := profile.ReadBackup(b, passphrase)
		if err != nil {
			return err
		}
		defer c.Wipe()
		p, err := profile.Create(dir, c, profile.Options{Passphrase: passphrase})
		if err != nil {
			return err
		}
		p.Close()
		_, err = fmt.Fprintf(a.Out, "Welcome back, %s. To be online: undertone idle\n", c.Name)
		return err
	}
	err = try(given)
	if errors.Is(err, profile.ErrPassphraseNeeded) {
		return a.unlockAsking(ctx, try)
	}
	return err
}

// readBackup reads a file that may be anything.
func readBackup(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the backup: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, profile.MaxBackup+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the backup: %w", err)
	}
	return b, nil
}
