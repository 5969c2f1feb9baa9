package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"undertone/app/internal/audio/sound"
	"undertone/app/internal/profile"
)

func TestPassphrase(t *testing.T) {
	dir := makeProfile(t, "Anna", nil)
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first, second := file("1", "correct horse\nand a second line\n"), file("2", "battery staple\r\n")
	p := newConsole(t)
	p.run(exitDone, "passphrase", "set", "--new-passphrase-file", first, "--profile", dir)
	says(t, p.out.String(), "The passphrase is set")

	p.run(exitFailed, "id", "--profile", dir)
	says(t, p.err.String(), "has a passphrase", "--passphrase-file", "UNDERTONE_PASSPHRASE")
	p.run(exitFailed, "id", "--profile", dir, "--passphrase-file", second)
	says(t, p.err.String(), "not the profile's passphrase")
	p.run(exitDone, "id", "--profile", dir, "--passphrase-file", first)

	t.Setenv(passphraseVariable, "correct horse")
	p.run(exitDone, "id", "--profile", dir)
	if _, there := os.LookupEnv(passphraseVariable); there {
		t.Error("child processes would inherit the passphrase")
	}

	p.app.In = strings.NewReader("battery staple\nand what is for others")
	p.run(exitDone, "passphrase", "set", "--profile", dir, "--passphrase-file", first, "--new-passphrase-file", "-")
	if rest, err := io.ReadAll(p.app.In); err != nil || string(rest) != "and what is for others" {
		t.Errorf("of the standard input is left %q: %v", rest, err)
	}
	p.run(exitFailed, "id", "--profile", dir, "--passphrase-file", first)
	p.run(exitDone, "passphrase", "remove", "--profile", dir, "--passphrase-file", second)
	says(t, p.out.String(), "no passphrase any more")
	p.run(exitDone, "id", "--profile", dir)
}

func TestBadPassphrases(t *testing.T) {
	dir := makeProfile(t, "Anna", nil)
	folder := t.TempDir()
	for name, c := range map[string]struct{ text, words string }{
		"empty":      {"", "is empty"},
		"empty line": {"\nsecret", "is empty"},
		"long":       {strings.Repeat("x", maxPassphrase+1), "longer than"},
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		p := newConsole(t)
		p.run(exitFailed, "passphrase", "set", "--new-passphrase-file", path, "--profile", dir)
		says(t, p.err.String(), c.words)
	}
	p := newConsole(t)
	p.run(exitFailed, "passphrase", "set", "--new-passphrase-file", filepath.Join(folder, "none"), "--profile", dir)
	says(t, p.err.String(), "cannot read the passphrase")
	p.run(exitFailed, "passphrase", "set", "--profile", dir)
	says(t, p.err.String(), "--new-passphrase-file")
	p.run(exitDone, "id", "--profile", dir)
}

// A user can have a passphrase from the start.
func TestJoinWithPassphrase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "p")
	t.Setenv(passphraseVariable, "correct horse")
	p := newConsole(t)
	p.use(newFakePhone(accepts))
	p.run(exitDone, "join", testInvite(7).String(), "--name", "Anna", "--profile", dir)
	p.run(exitFailed, "id", "--profile", dir)
	says(t, p.err.String(), "has a passphrase")
}

func TestHistory(t *testing.T) {
	start := time.Date(2026, 3, 1, 9, 5, 0, 0, time.UTC)
	dir := makeProfile(t, "Anna", func(c *profile.Content) {
		withContact(t, "Bert")(c)
		with := c.Contacts[0].Handle()
		c.AddCall(profile.Call{With: with, Direction: profile.Outgoing, Outcome: profile.Answered, Start: start, Length: 65 * time.Second})
		with[0]++
		c.AddCall(profile.Call{With: with, Direction: profile.Incoming, Outcome: profile.NoAnswer, Start: start.Add(time.Hour)})
	})
	p := newConsole(t)
	p.run(exitDone, "history", "--profile", dir)
	says(t, p.out.String(), "outgoing", "Bert", "answered", "1m5s", "incoming", "somebody who is no contact any more", "no answer")
	p.run(exitDone, "history", "--profile", dir, "--json")
	var calls []pastCall
	if err := json.Unmarshal(p.out.Bytes(), &calls); err != nil {
		t.Fatal(err)
	}
	if want := (pastCall{With: "Bert", Direction: "outgoing", Outcome: "answered", Start: start, LengthS: 65}); len(calls) != 2 || calls[0] != want {
		t.Errorf("the history is %+v", calls)
	}
	for _, c := range []struct {
		command string
		off     bool
	}{{"clear", false}, {"off", true}, {"on", false}} {
		p.run(exitDone, "history", c.command, "--profile", dir)
		if got := content(t, dir); len(got.Calls) != 0 || got.Settings.NoHistory != c.off {
			t.Errorf("after %s there are %d calls; switched off: %t", c.command, len(got.Calls), got.Settings.NoHistory)
		}
	}
	p.run(exitDone, "history", "--profile", dir)
	says(t, p.out.String(), "No calls are remembered.")
}

var testDevices = []sound.Device{
	{Name: "Headset", Description: "A headset", System: "ALSA", Inputs: 1, Outputs: 2, DefaultInput: true},
	{Name: "HDMI", System: "ALSA", Outputs: 8, DefaultOutput: true, Leaves: sound.LeavesByNetwork},
}

func TestDevices(t *testing.T) {
	p := newConsole(t)
	if err := p.app.printDevices(testDevices); err != nil {
		t.Fatal(err)
	}
	says(t, p.out.String(), "A headset  yes (default)  yes", "HDMI       -", "yes (default)", "ALSA    Headset",
		"Beware: HDMI is reached by a network")
}

func TestChooseDevices(t *testing.T) {
	dir := makeProfile(t, "Anna", nil)
	p := newConsole(t)
	p.app.dir = dir
	called, headset, hdmi, none := "a head", "Headset", "HDMI", ""
	if err := p.app.choose(t.Context(), testDevices, choice{mic: &called}); err != nil {
		t.Fatal(err)
	}
	if err := p.app.choose(t.Context(), testDevices, choice{speaker: &hdmi, ring: &called}); err != nil {
		t.Fatal(err)
	}
	if s := content(t, dir).Settings; s.Microphone != headset || s.Speaker != hdmi || s.RingDevice != headset {
		t.Errorf("remembered: %q, %q and %q", s.Microphone, s.Speaker, s.RingDevice)
	}
	if err := p.app.choose(t.Context(), testDevices, choice{mic: &hdmi}); err == nil || !strings.Contains(err.Error(), `no microphone "HDMI"`) {
		t.Errorf("a loudspeaker as a microphone: %v", err)
	}
	if err := p.app.choose(t.Context(), nil, choice{mic: &none, speaker: &none, ring: &none}); err != nil {
		t.Fatal(err)
	}
	if s := content(t, dir).Settings; s.Microphone+s.Speaker+s.RingDevice != "" {
		t.Errorf("still remembered: %q and %q", s.Microphone, s.Speaker)
	}
}

// What is set is kept, shown and reset.
func TestSettings(t *testing.T) {
	dir := makeProfile(t, "Anna", nil)
	p := newConsole(t)
	p.app.listDevices = func(context.Context) ([]sound.Device, error) { return testDevices, nil }
	shown := func() (values map[string]string) {
		p.run(exitDone, "settings", "--json", "--profile", dir)
		if err := json.Unmarshal(p.out.Bytes(), &values); err != nil {
			t.Fatal(err)
		}
		return values
	}
	usual := shown()
	all := settingNames()
	for _, c := range []struct{ name, value, want string }{
		{"mic", "a headset", "Headset"},
		{"speaker", "hdmi", "HDMI"},
		{"ring-device", "HDMI", "HDMI"},
		{"echo-cancellation", "off", "off"},
		{"noise-suppression", "off", "off"},
		{"gain-control", "off", "off"},
		{"latency", "60ms", "60ms"},
		{"answer", "never", "never"},
		{"tell-busy", "on", "on"},
		{"history", "off", "off"},
		{"ring-volume", "30%", "30"},
		{"language", "de", "de"},
		{"theme", "dark", "dark"},
		{"notifications", "on", "on"},
		{"push-to-talk", "on", "on"},
		{"only-verified", "on", "on"},
		{"push-to-talk-anywhere", "on", "on"},
		{"start-hidden", "on", "on"},
	} {
		if usual[c.name] == c.want {
			t.Errorf("%s is %s before it is set", c.name, c.want)
		}
		p.run(exitDone, "settings", "set", c.name, c.value, "--profile", dir)
		says(t, p.out.String(), "next time")
		if got := shown()[c.name]; got != c.want {
			t.Errorf("%s is %q, want %q", c.name, got, c.want)
		}
		p.run(exitDone, "settings", "--profile", dir)
		says(t, p.out.String(), c.name)
		all = slices.DeleteFunc(all, func(name string) bool { return name == c.name })
	}
	if len(all) > 0 {
		t.Errorf("not tested: %q", all)
	}
	want := profile.Settings{
		Microphone: "Headset", Speaker: "HDMI", RingDevice: "HDMI", NoEcho: true, NoNoise: true, NoGain: true,
		Latency: 60 * time.Millisecond, Answer: profile.AnswerNever, TellBusy: true, NoHistory: true,
		RingSofter: 70, Language: "de", Theme: profile.ThemeDark, Notify: true, PushToTalk: true, OnlyVerified: true, TalkAnywhere: true, StartHidden: true,
	}
	if got := content(t, dir).Settings; got != want {
		t.Errorf("kept: %+v", got)
	}
	p.run(exitDone, "settings", "set", "speaker", "", "--profile", dir)
	if got := shown()["speaker"]; got != "" {
		t.Errorf("the loudspeaker is still %q", got)
	}
	p.run(exitDone, append([]string{"settings", "reset", "--profile", dir}, settingNames()...)...)
	if got := content(t, dir).Settings; got != (profile.Settings{}) {
		t.Errorf("after a reset: %+v", got)
	}
}

func TestBadSettings(t *testing.T) {
	dir := makeProfile(t, "Anna", nil)
	p := newConsole(t)
	p.app.listDevices = func(context.Context) ([]sound.Device, error) { return testDevices, nil }
	for _, c := range []struct {
		code  int
		args  []string
		words string
	}{
		{exitUsage, []string{"set", "volume", "11"}, `no setting "volume"; there are: mic, speaker`},
		{exitUsage, []string{"set", "echo-cancellation", "maybe"}, "use on or off"},
		{exitUsage, []string{"set", "latency", "much"}, "such as 60ms"},
		{exitUsage, []string{"set", "latency", "1h"}, "at most 300ms"},
		{exitUsage, []string{"set", "answer", "always"}, "ask, auto or never"},
		{exitUsage, []string{"set", "history"}, "one value"},
		{exitUsage, []string{"set", "mic", "a", "headset"}, "in quotes"},
		{exitUsage, []string{"reset"}, "the name of a setting"},
		{exitUsage, []string{"reset", "everything"}, "there are: mic"},
		{exitFailed, []string{"set", "mic", "HDMI"}, `no microphone "HDMI"`},
	} {
		p.run(c.code, append([]string{"settings", "--profile", dir}, c.args...)...)
		says(t, p.err.String(), c.words)
	}
	p.app.listDevices = func(context.Context) ([]sound.Device, error) { return nil, errors.New("no devices today") }
	p.run(exitFailed, "settings", "set", "mic", "HDMI", "--profile", dir)
	says(t, p.err.String(), "no devices today")
	if got := content(t, dir).Settings; got != (profile.Settings{}) {
		t.Errorf("kept: %+v", got)
	}
}

// A flag says something else than the settings for one time, nothing included.
func TestFlagsOverSettings(t *testing.T) {
	kept := profile.Settings{Microphone: "horn", Speaker: "drum", RingDevice: "bell", Latency: 50 * time.Millisecond, NoEcho: true}
	for _, c := range []struct {
		args []string
		want func(*profile.Settings)
	}{
		{nil, func(*profile.Settings) {}},
		{[]string{"--mic", "harp", "--latency", "0"}, func(s *profile.Settings) { s.Microphone, s.Latency = "harp", 0 }},
		{[]string{"--speaker", "", "--ring-device", "gong"}, func(s *profile.Settings) { s.Speaker, s.RingDevice = "", "gong" }},
	} {
		var o talk
		cmd := &cobra.Command{}
		o.flags(cmd, "mic", "speaker")
		cmd.Flags().StringVar(&o.ring, ringSetting, "", "")
		if err := cmd.ParseFlags(c.args); err != nil {
			t.Fatal(err)
		}
		want := kept
		c.want(&want)
		if got := o.over(kept); got != want {
			t.Errorf("%q: %+v, want %+v", c.args, got, want)
		}
	}
}
