//go:build !nogui

package main

import (
	"context"

	"undertone/app/internal/ui"
	"undertone/app/internal/ui/autostart"
	"undertone/app/internal/ui/desk"
	"undertone/app/internal/ui/locale"
	"undertone/app/internal/ui/profiles"
)

// ready is what the window's packages leave to do before anything else.
func ready() { locale.Restore() }

// window opens the window.
func window(ctx context.Context, c desk.Config, hidden bool, start *autostart.File) error {
	cfg := ui.Config{Desk: c, Hidden: hidden, Starter: start}
	if others, err := profiles.Of(c.Dir); err == nil { // Without, this one is the only one.
		cfg.Profiles = others
	}
	return ui.Run(ctx, cfg)
}
