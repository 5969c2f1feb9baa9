package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"undertone/app/internal/audio/sound"
	"undertone/app/internal/phone"
)

// Exit codes, as the help of the root command explains them.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNoAnswer = 3
	exitCutOff   = 4
)

// Streams are what a person sees and types.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// An app is one run of the program.
type app struct {
	Streams
	version string
	started bool // the command line made sense, and its command began

	// Flags of every command.
	dir            string
	passphraseFile string
	takeover       bool

	// window is nil where there is none; getenv is os.Getenv but in tests.
	window Window
	getenv func(string) string

	// newPhone is replaced in tests that have no server.
	newPhone func(phone.Config) (phone.Handset, error)
	// newRinger and listDevices are replaced in tests that have no sound.
	newRinger   func(device string) (ringer, error)
	listDevices func(context.Context) ([]sound.Device, error)
}

// Run runs the program with its arguments, without its name, and returns the
// exit code. What is online hangs up and ends when ctx does. It must be called from the
// main goroutine, to which a window belongs.
func Run(ctx context.Context, s Streams, version string, args []string, w Window) int {
	a := newApp(s, version)
	a.window = w
	return a.run(ctx, args)
}

func newApp(s Streams, version string) *app {
	return &app{
		Streams:   s,
		version:   version,
		getenv:    os.Getenv,
		newPhone:  func(c phone.Config) (phone.Handset, error) { return phone.New(c) },
		newRinger: func(device string) (ringer, error) { return openRinger(device) },
		listDevices: func(ctx context.Context) ([]sound.Device, error) {
			return sound.Devices(ctx, sound.Config{})
		},
	}
}

func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	cmd, err := root.ExecuteContextC(ctx)
	var exit exitError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &exit):
		return int(exit)
	}
	fmt.Fprintln(a.Err, "undertone:", err)
	if a.started {
		return exitFailed
	}
	fmt.Fprintf(a.Err, "How it is used: %s --help\n", cmd.CommandPath())
	return exitUsage
}

// An exitError ends the program with a code when all has been said already.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// do makes a command's function of f, which begins once the command line has
// been found to make sense.
func (a *app) do(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		return f(cmd, args)
	}
}

// misused is for a command line that is found wrong only after do has begun.
func (a *app) misused(format string, args ...any) error {
	a.started = false
	return fmt.Errorf(format, args...)
}

const rootText = `Undertone makes voice calls that cannot be observed: somebody who records all
that crosses the network cannot tell whether you are in a call, are being rung,
or are idle. For that, your computer exchanges a small sealed packet with a
server many times a second, day and night, and a call only changes what is
inside. So stay online all the time; whoever comes online only to call shows
when he calls.

You need an invite from somebody who runs an Undertone server. Then:

  undertone join 'undertone://…' --name Anna   once, with the invite in quotes
  undertone id                                 your contact link, for friends
  undertone contacts add 'undertone://…'       the contact link of a friend
  undertone idle                               be online, and be called
  undertone call Bert                          call (end idle first)

Without a command, undertone opens its window, where all of this can be done too.

To see it work without any server: undertone demo`

const exitText = `Exit codes: 0 done, and for a call: it was answered · 1 something went wrong
(standard error says what) · 2 the command line makes no sense · 3 no answer to
a call · 4 a call was cut off`

func (a *app) root() *cobra.Command {
	var hidden bool
	root := &cobra.Command{
		Use:           "undertone",
		Short:         "Voice calls that cannot be observed",
		Long:          rootText + "\n\n" + exitText,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			if opened, err := a.openWindow(cmd.Context(), hidden); opened || err != nil {
				return err
			}
			return cmd.Help()
		}),
	}
	root.Flags().BoolVar(&hidden, "hidden", false, "open no window at first where there is a tray")
	flags := root.PersistentFlags()
	flags.StringVar(&a.dir, "profile", "", "`folder` of your profile (default: $XDG_DATA_HOME/undertone)")
	flags.StringVar(&a.passphraseFile, "passphrase-file", "", "`file` with the profile's passphrase (or set UNDERTONE_PASSPHRASE)")
	flags.BoolVar(&a.takeover, "takeover", false, "open a profile that another computer has not closed")
	if err := root.MarkPersistentFlagDirname("profile"); err != nil {
		panic(err) // The flag stands a few lines above.
	}
	root.AddCommand(
		a.joinCommand(), a.idCommand(), a.contactsCommand(),
		a.idleCommand(), a.callCommand(), a.echoCommand(),
		a.historyCommand(), a.devicesCommand(), a.settingsCommand(), a.passphraseCommand(), a.backupCommand(), a.restoreCommand(), a.autostartCommand(), a.demoCommand(), a.proveCommand(), a.versionCommand(),
	)
	return root
}
