// Command undertone-server hosts a set of Undertone users: it lets them online,
// and exchanges one cell with each of them in every slot.
//
// This package is the command line only. What a server is made of stands in
// server/node; the commands of the operator change the registry in the data
// folder, and tell a running server through its admin socket.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	outliveHangUp()
	if err := harden(); err != nil {
		_, _ = os.Stderr.WriteString("undertone-server: " + err.Error() + "\n")
		os.Exit(exitFailed)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// outliveHangUp keeps SIGHUP from ending the process, until endOnHangUp. What a server is
// asked to read again before it serves, it has not read yet: it needs no more than to
// stay alive.
func outliveHangUp() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
}

// endOnHangUp lets SIGHUP end the process, as a command whose terminal is closed should.
func endOnHangUp() { signal.Reset(syscall.SIGHUP) }
