package sound

import (
	"errors"
	"strings"
	"testing"
)

func TestPick(t *testing.T) {
	devices := []Device{
		{Name: "out.usb", Description: "Headset", Outputs: 2},
		{Name: "out.pci", Description: "Built-in", Outputs: 2, DefaultOutput: true},
		{Name: "out.pci2", Description: "Built-in", Outputs: 2},
		{Name: "in.usb", Description: "Headset", Inputs: 1},
		{Name: "in.pci", Description: "Built-in", Inputs: 2, DefaultInput: true},
	}
	for _, c := range []struct {
		name  string
		input bool
		want  string // the name, or what the error says
	}{
		{"", false, "out.pci"},
		{"", true, "in.pci"},
		{"out.usb", false, "out.usb"},
		{"Headset", false, "out.usb"},
		{"Headset", true, "in.usb"},
		{"heads", true, "in.usb"},
		{"out.pci", false, "out.pci"}, // although another contains it
		{"USB", false, "out.usb"},
		{"Built-in", true, "in.pci"},
		{"Built-in", false, `"Built-in" could be any of 2 loudspeakers: out.pci, out.pci2; give more`},
		{"out", false, "could be any of 3 loudspeakers"},
		{"out.usb", true, `there is no microphone "out.usb" now; «undertone devices»`},
		{"trumpet", false, `there is no loudspeaker "trumpet" now`},
	} {
		d, err := Pick(devices, c.name, c.input)
		if err == nil && d.Name != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q, input %t: %+v, %v; want %s", c.name, c.input, d, err, c.want)
		}
	}
	if d, err := Pick(devices[:1], "", false); err != nil || d.Name != "out.usb" {
		t.Errorf("without a default: %+v, %v", d, err)
	}
	if _, err := Pick(devices[:3], "", true); !hasHint(err, "no microphone was found") {
		t.Errorf("error %v", err)
	}
}

// What is missing, or carries the voice away, is said before the first call.
func TestMissing(t *testing.T) {
	for _, c := range []struct {
		fake, mic, speaker     string
		micHint, speakerHint   string
		micBeware, earsBewares bool
	}{
		{fakeGood, "", "", "", "", false, false},
		{fakeGood, "viola", "", `no microphone "viola"`, "", true, false},
		{fakeNone, "", "", "no sound device", "no sound device", false, false},
		{fakeRadio, "", "", "A [2Jheadset is on Bluetooth", "", true, false},
		{fakeRadio, "", "far", "A [2Jheadset is on Bluetooth", "A far ear is reached by a network", true, true},
	} {
		config := fakeConfig(t, c.fake)
		config.MicName, config.SpeakerName = c.mic, c.speaker
		card := openConfig(t, config)
		mic, speaker := card.Mic(), card.Speaker()
		for _, got := range []struct {
			err    error
			hint   string
			beware bool
		}{
			{mic.Missing(t.Context()), c.micHint, c.micBeware},
			{speaker.Missing(t.Context()), c.speakerHint, c.earsBewares},
		} {
			var caution Caution
			var lack Lack
			if got.err != nil && errors.As(got.err, &lack) == got.beware {
				t.Errorf("%s: %T", c.fake, got.err)
			}
			if got.hint == "" && got.err != nil || got.hint != "" && !hasHint(got.err, got.hint) || errors.As(got.err, &caution) != got.beware {
				t.Errorf("%s: %v, want %q", c.fake, got.err, got.hint)
			}
		}
		if c.fake == fakeRadio && (!hasHint(mic.Caution(), c.micHint) || (c.speakerHint != "") != hasHint(speaker.Caution(), "a network")) {
			t.Errorf("known is %v and %v", mic.Caution(), speaker.Caution())
		}
	}
}
