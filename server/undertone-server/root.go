package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"undertone/server/internal/admin"
	"undertone/server/node"
	"undertone/transport/key"
)

// What the process returns to the shell.
const (
	exitDone       = 0
	exitFailed     = 1
	exitUsage      = 2
	exitNotRunning = 3
)

// A cli is one run of the program.
type cli struct {
	stdout, stderr io.Writer
	environ        []string // what may override settings
	data           string   // --data
	json           bool     // --json
	started        bool     // The arguments were right; whatever fails now is no usage error.
}

// run runs one command and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := &cli{stdout: stdout, stderr: stderr, environ: os.Environ()}
	root := c.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errReported):
		return exitFailed
	case !c.started:
		_, _ = fmt.Fprintf(stderr, "undertone-server: %v\nSee: undertone-server help\n", err)
		return exitUsage
	}
	var usage usageError
	_, _ = fmt.Fprintf(stderr, "undertone-server: %v\n", err)
	if errors.Is(err, admin.ErrNotRunning) {
		return exitNotRunning
	}
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// errReported ends a command whose output says already what is wrong.
var errReported = errors.New("reported")

// A usageError is an argument that makes no sense, found by a command itself.
type usageError struct{ error }

// Unwrap returns what is wrong.
func (e usageError) Unwrap() error { return e.error }

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "undertone-server",
		Short: "Host unobservable voice calls",
		Long: `Host unobservable voice calls: every user of this server exchanges small
encrypted cells with it at a fixed rate, day and night, whether he is in a call or
not. Start with: undertone-server init, and then: undertone-server run.

Environment variables override the settings in server.toml: max_users, for instance,
is UNDERTONE_SERVER_MAX_USERS. UNDERTONE_SERVER_DATA is the data folder. Set them for
all commands alike.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the server is not running.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			c.started = true
			if cmd.Name() != runName {
				endOnHangUp()
			}
			if cmd.Annotations[withFiles] != "" {
				return nil
			}
			return actAsOwner(c.data)
		},
	}
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	root.PersistentFlags().StringVar(&c.data, "data", defaultData(), "the server's data `folder`")
	root.AddCommand(c.initCommand(), c.runCommand(), c.inviteCommand(), c.userCommand(),
		c.statusCommand(), c.checkCommand(), c.keysCommand(), c.backupCommand(), c.restoreCommand(), c.dashboardCommand(), c.versionCommand())
	return root
}

// withFiles marks the commands that also use a file of the one who calls them, which
// the owner of the data folder may not be able to.
const withFiles = "with files"

// installedData is the data folder of a server that was installed as a package.
const installedData = "/var/lib/undertone"

// defaultData is the data folder that the environment names, or that of the server
// that was installed, for those who operate it, and otherwise that of the XDG
// specification.
func defaultData() string {
	if dir := os.Getenv(node.EnvData); dir != "" {
		return dir
	}
	base := os.Getenv("XDG_DATA_HOME")
	if base == "" && operates(installedData) {
		return installedData
	}
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "undertone-server" // A service without a home names its folder itself.
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "undertone-server")
}

// jsonFlag lets a command report as JSON.
func (c *cli) jsonFlag(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVar(&c.json, "json", false, "report as JSON")
	return cmd
}

// report prints v as JSON if that was asked for, and text otherwise.
func (c *cli) report(v any, text string) error {
	if !c.json {
		_, err := io.WriteString(c.stdout, text)
		return err
	}
	enc := json.NewEncoder(c.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false) // Links are for people and shells.
	return enc.Encode(v)
}

// withFolder opens the data folder for f.
func (c *cli) withFolder(ctx context.Context, f func(*node.Folder) error) (err error) {
	folder, err := node.OpenFolder(ctx, c.data, c.environ...)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := folder.Close(); err == nil {
			err = closeErr
		}
	}()
	return f(folder)
}

// tell makes a running server act on a user who was changed in the registry.
func (c *cli) tell(ctx context.Context, h key.Handle) error {
	err := admin.NewClient(node.SocketPath(c.data)).CheckUser(ctx, h)
	if errors.Is(err, admin.ErrNotRunning) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the change is in the registry, but the running server has not taken it up (%w); restart it", err)
	}
	return nil
}
