package cli

import (
	"context"
	"os"
	"strings"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/autostart"
	"undertone/app/internal/ui/desk"
)

// A Window opens the window of the softphone, and returns when it was quit. Hidden
// opens none at first where there is a tray. A program that was built without one has
// nil.
type Window func(ctx context.Context, c desk.Config, hidden bool, start *autostart.File) error

// hasDisplay reports whether a window could be shown.
func hasDisplay(getenv func(string) string) bool {
	return getenv("DISPLAY") != "" || getenv("WAYLAND_DISPLAY") != ""
}

// drawnElsewhere reports whether the window is drawn by way of a network, as through
// SSH: what it draws when it rings then crosses that network.
func drawnElsewhere(getenv func(string) string) bool {
	host, _, _ := strings.Cut(getenv("DISPLAY"), ":")
	return host != "" && host != "unix" && !strings.HasPrefix(host, "/") || getenv("SSH_CONNECTION") != ""
}

// openWindow opens the window, if the program has one and somebody could see it. It
// reports whether it did.
func (a *app) openWindow(ctx context.Context, hidden bool) (opened bool, err error) {
	if a.window == nil || !hasDisplay(a.getenv) {
		return false, nil
	}
	dir, err := a.folder()
	if err != nil {
		return true, err
	}
	passphrase, err := a.givenPassphrase()
	if err != nil {
		return true, err
	}
	start, err := a.starter()
	if err != nil {
		return true, err
	}
	defer keepGoing()()
	return true, a.window(ctx, desk.Config{
		Dir: dir, Passphrase: passphrase, Takeover: a.takeover, Elsewhere: drawnElsewhere(a.getenv),
		NewPhone:    func(c phone.Config) (desk.Phone, error) { return phone.New(c) },
		OpenSound:   openSound,
		OpenRinger:  func(device string) (desk.Ringer, error) { return openRinger(device) },
		ListDevices: a.listDevices,
	}, hidden, start)
}

// openSound opens the devices of calls that the settings name.
func openSound(s profile.Settings) (audio.Device, error) {
	return audio.Open(audio.Options{
		In: audio.Mic, Out: audio.Speaker, Enhance: desk.Enhancement(s),
		Sound: sound.Config{Choice: sound.Choice{MicName: s.Microphone, SpeakerName: s.Speaker, Latency: s.Latency}},
	})
}

// starter returns the file that starts this program with this profile at login.
func (a *app) starter() (*autostart.File, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return autostart.Of(a.dir, exe, "--hidden")
}
