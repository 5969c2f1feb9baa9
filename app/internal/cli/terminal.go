package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// terminal returns the descriptor of v if v is a terminal.
func terminal(v any) (fd int, ok bool) {
	f, ok := v.(*os.File)
	if !ok {
		return 0, false
	}
	fd = int(f.Fd())
	return fd, term.IsTerminal(fd)
}

// KeepTerminal returns a function that puts the terminal of f back to how it is
// now: for the end of the program, however it ends.
func KeepTerminal(f *os.File) (restore func()) {
	fd, ok := terminal(f)
	if !ok {
		return func() {}
	}
	state, err := term.GetState(fd)
	if err != nil {
		return func() {}
	}
	return func() { _ = term.Restore(fd, state) } // At the end: nobody is left to tell.
}

// singleKeys makes the terminal hand over each key at once and not show it.
// Ctrl-C stays what it is, and so does what is printed. It reports whether
// anybody can type here: not so in the background, nor if In is no terminal.
func singleKeys(in io.Reader) (typing bool, restore func()) {
	fd, ok := terminal(in)
	if !ok {
		return false, func() {}
	}
	front, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	if err != nil || front != unix.Getpgrp() {
		return false, func() {}
	}
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return false, func() {}
	}
	keys := *old
	keys.Lflag &^= unix.ICANON | unix.ECHO
	keys.Cc[unix.VMIN], keys.Cc[unix.VTIME] = 1, 0
	if unix.IoctlSetTermios(fd, unix.TCSETS, &keys) != nil {
		return false, func() {}
	}
	return true, func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, old) } // As in KeepTerminal.
}

// readKeys hands on what is typed, until ctx or the input ends. A read cannot be
// called off, so the goroutine may live until the program ends; it then takes
// nothing with it.
func readKeys(ctx context.Context, in io.Reader) <-chan byte {
	keys := make(chan byte)
	go func() {
		r := bufio.NewReader(in)
		for {
			b, err := r.ReadByte()
			if err != nil {
				return
			}
			select {
			case keys <- b:
			case <-ctx.Done():
				return
			}
		}
	}()
	return keys
}

// readLines is readKeys for where keys are not read singly.
func readLines(ctx context.Context, in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		r := bufio.NewScanner(in)
		for r.Scan() {
			select {
			case lines <- r.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

var errNobodyThere = errors.New("nobody can be asked here")

// askSecret asks for something that must not be seen on the screen. The terminal
// stops showing what is typed before the question appears, since some type at
// once, and shows it again however this ends.
func (a *app) askSecret(ctx context.Context, prompt string) ([]byte, error) {
	fd, ok := terminal(a.In)
	if !ok {
		return nil, errNobodyThere
	}
	show, err := hideTyping(fd)
	if err != nil {
		return nil, fmt.Errorf("cannot hide what is typed here: %w", err)
	}
	defer show()
	fmt.Fprint(a.Err, prompt)
	defer fmt.Fprintln(a.Err) // The one of Enter was not shown.
	return wait(ctx, func() ([]byte, error) { return readTyped(a.In) })
}

// hideTyping makes the terminal hand over lines without showing them. Ctrl-C
// stays what it is.
func hideTyping(fd int) (show func(), err error) {
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	hidden := *old
	hidden.Lflag &^= unix.ECHO
	hidden.Lflag |= unix.ICANON | unix.ISIG
	hidden.Iflag |= unix.ICRNL
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &hidden); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, old) }, nil // As in KeepTerminal.
}

// lineSize is the longest line that a terminal hands over, with its end.
const lineSize = 4096

// readTyped reads what was typed up to Enter. A terminal gives a line at a time,
// so one read is all, and leaves no copy behind.
func readTyped(in io.Reader) ([]byte, error) {
	line := make([]byte, lineSize)
	n, err := in.Read(line)
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(line[:n], []byte("\n")), nil
}

// confirm asks a question that is answered with yes or no.
func (a *app) confirm(ctx context.Context, question string) (bool, error) {
	if _, ok := terminal(a.In); !ok {
		return false, errNobodyThere
	}
	fmt.Fprint(a.Err, question, " [y/N] ")
	line, err := wait(ctx, func() ([]byte, error) { return bufio.NewReader(a.In).ReadBytes('\n') })
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return isYes(string(line)), nil
}

func isYes(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "y", "yes":
		return true
	}
	return false
}

// wait returns what read returns, or the end of ctx: Ctrl-C must get somebody
// out of a question.
func wait(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type answer struct {
		b   []byte
		err error
	}
	done := make(chan answer, 1)
	go func() {
		b, err := read()
		done <- answer{b, err}
	}()
	select {
	case r := <-done:
		return r.b, r.err
	case <-ctx.Done():
		return nil, errors.New("interrupted")
	}
}
