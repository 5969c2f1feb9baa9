//go:build !linux

package ui

func yield() {}
