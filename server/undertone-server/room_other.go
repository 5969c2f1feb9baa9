//go:build !linux

package main

// socketRoom does not know whom to ask here.
func socketRoom() (room int, ok bool) { return 0, false }
