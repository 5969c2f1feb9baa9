package autostart

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSet(t *testing.T) {
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	f, err := Of(`/x/a"b$c%d\e`, "/opt/under tone/undertone", "--hidden")
	if err != nil {
		t.Fatal(err)
	}
	if f.On() {
		t.Error("it starts before anybody wanted that")
	}
	if err := f.Set(false); err != nil {
		t.Errorf("switching off what is not on: %v", err)
	}
	if err := f.Set(true); err != nil || !f.On() {
		t.Fatalf("on: %v, %v", f.On(), err)
	}
	b, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	want := `Exec="/opt/under tone/undertone" --hidden --profile "/x/a\\"b\\$c%%d\\\\e"` + "\n"
	if !strings.Contains(string(b), want) {
		t.Errorf("%s\nlacks\n%s", b, want)
	}
	if err := f.Set(false); err != nil || f.On() {
		t.Errorf("off: %v, %v", f.On(), err)
	}
}

// Each profile starts by itself, wherever its folder was named from.
func TestProfiles(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Chdir(t.TempDir())
	of := func(profile string) *File {
		t.Helper()
		f, err := Of(profile, "/u")
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	usual, mine, work := of(""), of("mine"), of("work")
	if err := mine.Set(true); err != nil {
		t.Fatal(err)
	}
	if !mine.On() || usual.On() || work.On() {
		t.Errorf("on: mine %t, the usual %t, work %t", mine.On(), usual.On(), work.On())
	}
	here, err := filepath.Abs("mine")
	if err != nil {
		t.Fatal(err)
	}
	if again := of(here); again.path != mine.path || !strings.Contains(again.text(), here) {
		t.Errorf("by its whole path it is another: %+v", again)
	}
	if filepath.Base(usual.path) != "undertone.desktop" {
		t.Errorf("the usual one is %s", usual.path)
	}
}

// Who has switched it off in the settings of his desktop has switched it off.
func TestTheDesktopSwitchesItOff(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	f, err := Of("", "/u")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"Hidden=true", "X-GNOME-Autostart-enabled = false"} {
		if err := f.Set(true); err != nil || !f.On() {
			t.Fatalf("on: %t, %v", f.On(), err)
		}
		if err := os.WriteFile(f.path, []byte(f.text()+line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if f.On() {
			t.Errorf("it starts with %s", line)
		}
	}
}
