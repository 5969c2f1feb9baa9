package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"undertone/app/internal/ui/autostart"
	"undertone/app/internal/ui/desk"
)

// Without a command there is the window, where one can be seen; else the help.
func TestWindow(t *testing.T) {
	dir := t.TempDir()
	var got []desk.Config
	p := newConsole(t)
	p.app.window = func(_ context.Context, c desk.Config, hidden bool, start *autostart.File) error {
		got = append(got, c)
		if !hidden || start == nil {
			return errors.New("it is not as it was said")
		}
		return nil
	}
	p.run(exitDone, "--profile", dir)
	says(t, p.out.String(), "undertone join")
	p.app.getenv = func(name string) string { return map[string]string{"DISPLAY": ":0"}[name] }
	p.run(exitDone, "--profile", dir, "--hidden")
	if len(got) != 1 || got[0].Dir != dir || got[0].NewPhone == nil || got[0].OpenSound == nil || got[0].OpenRinger == nil || got[0].ListDevices == nil {
		t.Errorf("the window was opened %d times: %+v", len(got), got)
	}
	p.run(exitFailed, "--profile", dir)
	says(t, p.err.String(), "not as it was said")
}

func TestDrawnElsewhere(t *testing.T) {
	for _, c := range []struct {
		display, ssh string
		want         bool
	}{
		{":0", "", false}, {"unix:0", "", false}, {"/tmp/x:0", "", false}, {"", "", false},
		{"localhost:10.0", "", true}, {"example.org:0", "", true}, {":0", "10.0.0.1 22 10.0.0.2 22", true},
	} {
		env := map[string]string{"DISPLAY": c.display, "SSH_CONNECTION": c.ssh}
		if got := drawnElsewhere(func(name string) string { return env[name] }); got != c.want {
			t.Errorf("%q, %q: %t", c.display, c.ssh, got)
		}
	}
}

func TestAutostart(t *testing.T) {
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	p := newConsole(t)
	p.run(exitDone, "autostart")
	says(t, p.out.String(), "does not start")
	p.run(exitDone, "autostart", "on", "--profile", "/x/y")
	says(t, p.out.String(), "starts when you log in")
	p.run(exitDone, "autostart", "on")
	all, err := filepath.Glob(filepath.Join(config, "autostart", "*.desktop"))
	if err != nil || len(all) != 2 {
		t.Fatalf("two profiles have the files %v, %v", all, err)
	}
	b, err := os.ReadFile(all[0])
	if err != nil {
		t.Fatal(err)
	}
	says(t, string(b), "--hidden --profile /x/y\n")
	p.run(exitDone, "autostart", "off")
	p.run(exitDone, "autostart")
	says(t, p.out.String(), "does not start")
	p.run(exitDone, "autostart", "--profile", "/x/y")
	says(t, p.out.String(), "starts when you log in")
}

func TestWindowSettings(t *testing.T) {
	dir := makeProfile(t, "Anna", nil)
	p := newConsole(t)
	for name, values := range map[string]map[string]int{
		"ring-volume":   {"30": exitDone, "100%": exitDone, "101": exitUsage, "loud": exitUsage},
		"language":      {"de": exitDone, "": exitDone, "tlh": exitUsage},
		"theme":         {"dark": exitDone, "pink": exitUsage},
		"notifications": {"on": exitDone, "yes": exitUsage},
		"start-hidden":  {"on": exitDone},
	} {
		for value, code := range values {
			p.run(code, "settings", "set", name, value, "--profile", dir)
		}
	}
	p.run(exitDone, "settings", "set", "ring-volume", "30", "--profile", dir)
	p.run(exitDone, "settings", "--json", "--profile", dir)
	says(t, p.out.String(), `"ring-volume":"30"`, `"theme":"dark"`, `"notifications":"on"`)
}
