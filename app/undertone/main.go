// Command undertone is the softphone: see undertone --help. Here its parts are
// wired; package cli has the commands.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"undertone/app/internal/audio/portaudio"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/cli"
	"undertone/app/internal/prove/drive"
)

// stamp is the version, set by the linker.
var stamp = "devel"

// exitKilled is for a program that was told twice to end.
const exitKilled = 130

func main() {
	ready()
	hide()
	if len(os.Args) > 1 && os.Args[1] == sound.Command {
		os.Exit(helper())
	}
	if len(os.Args) > 1 && os.Args[1] == drive.Command {
		os.Exit(measured())
	}
	restore := cli.KeepTerminal(os.Stdin)
	ctx := interruptible(restore)
	code := cli.Run(ctx, cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, stamp, os.Args[1:], window)
	restore()
	os.Exit(code)
}

// helper is the main function of the process that drives the sound card.
func helper() int {
	if err := sound.Main(portaudio.New()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// measured is the main function of a process of "undertone prove", which tells the
// one that started it what goes wrong.
func measured() int {
	if drive.Main(os.Stdin, os.Stdout) != nil {
		return 1
	}
	return 0
}

// hide keeps what is in memory, keys and voices, from reaching the disk if the
// program crashes, and its files from other users of the machine. What cannot be
// had here is no reason not to run.
func hide() {
	unix.Umask(0o077)
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	// Some systems hand cores to a program, which the limit does not stop.
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}

// interruptible returns a context that ends when somebody wants the program to
// end. At the second time it ends at once.
func interruptible(restore func()) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // It is under nohup.
		signals = append(signals, syscall.SIGHUP)
	}
	told := make(chan os.Signal, 2)
	signal.Notify(told, signals...)
	go func() {
		<-told
		cancel()
		<-told
		restore()
		os.Exit(exitKilled)
	}()
	return ctx
}
