//go:build nogui

package main

import "undertone/app/internal/cli"

// window is not there: the program was built with -tags nogui, and needs no X11.
var window cli.Window

// ready does nothing.
func ready() {}
