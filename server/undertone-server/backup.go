package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"undertone/server/node"
)

func (c *cli) backupCommand() *cobra.Command {
	return c.jsonFlag(&cobra.Command{
		Annotations: map[string]string{withFiles: "yes"},

		Use:   "backup FILE",
		Short: "Write settings, keys, users and invites into one file",
		Long: `Write settings, keys, users and invites into one file. The server may run meanwhile.
If server.toml leaves settings that a server needs to the environment, they are in it.
FILE must not be there yet. Whoever has it can pretend to be this server: keep it
where nobody else can read it, and not on this machine alone.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.backup(cmd.Context(), args[0])
		},
	})
}

func (c *cli) backup(ctx context.Context, path string) error {
	var b node.Copy
	err := asOwner(c.data, func() error {
		return c.withFolder(ctx, func(f *node.Folder) (err error) {
			b, err = f.Copy(ctx, version())
			return err
		})
	})
	if err == nil {
		err = b.Write(path)
	}
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s holds the settings, the keys, the invites and %d users of %s.\n", path, b.Users, c.data)
	if !b.HasRoot {
		text += "The root key is not in the data folder, and so not in the backup: keep yours.\n"
	}
	return c.report(b.Backup, text+"Keep it where nobody else can read it: whoever has it can pretend to be this server.\n")
}

func (c *cli) restoreCommand() *cobra.Command {
	return c.jsonFlag(&cobra.Command{
		Annotations: map[string]string{withFiles: "yes"},

		Use:   "restore FILE",
		Short: "Make the data folder of a server out of a backup",
		Long: `Make the data folder of a server out of a backup. The whole file is checked first.
A folder that holds a server, or a part of one, is not overwritten.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.restore(cmd.Context(), args[0])
		},
	})
}

func (c *cli) restore(ctx context.Context, path string) error {
	from, err := node.ReadBackup(path)
	if err == nil {
		err = actAsOwner(c.data)
	}
	if err != nil {
		return err
	}
	b, err := from.Restore(ctx, c.data)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s holds the server of %s again, with %d users.\n", c.data, b.Made.Local().Format("2 January 2006 15:04"), b.Users)
	if !b.HasRoot {
		text += "The root key was not in the backup; where it is, renew the certificate with: " + c.renewCommand() + "\n"
	}
	text += "Whom you disabled or removed since then is back, and invites that were used since are open: see user list and invite list.\n"
	return c.report(b, text+"Look at it, and start it:\n  "+c.command("check")+"\n  "+c.startCommand()+"\n")
}
