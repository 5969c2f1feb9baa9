package portaudio

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/gordonklaus/portaudio"

	"undertone/app/internal/audio/pulse"
	"undertone/app/internal/audio/sound"
)

// An environment is what libpulse is told by environment variables: the sound
// server's names of a sink and a source, empty for its defaults.
type environment struct{ sink, source string }

const (
	sinkVariable   = "PULSE_SINK"
	sourceVariable = "PULSE_SOURCE"
)

func readEnvironment() environment {
	return environment{sink: os.Getenv(sinkVariable), source: os.Getenv(sourceVariable)}
}

// write reaches C's environment too, as Go does in programs with C in them.
func (e environment) write() {
	for name, value := range map[string]string{sinkVariable: e.sink, sourceVariable: e.source} {
		if value == "" {
			os.Unsetenv(name) //nolint:errcheck // fails for names without meaning only
		} else {
			os.Setenv(name, value) //nolint:errcheck // the same
		}
	}
}

func (e environment) of(input bool) string {
	if input {
		return e.source
	}
	return e.sink
}

// A target is what to open for one direction.
type target struct {
	info   *portaudio.DeviceInfo
	served bool   // by a sound server
	node   string // its name of the device, "" for its default
	detour string // why it is another than was chosen
}

// targets are those of both directions; one that is closed has none.
type targets struct {
	speaker, mic target
	cautions     sound.Cautions // of what is used now
	silent       bool           // there is a sound server, but it does not answer
}

func (t targets) detour() string {
	return strings.Join(slices.DeleteFunc([]string{t.speaker.detour, t.mic.detour}, func(s string) bool { return s == "" }), "; ")
}

// targets finds what to open now.
func (b *Backend) targets(c sound.Choice) (t targets, err error) {
	infos, err := b.infos()
	if err != nil {
		return t, err
	}
	served, silent := b.served(infos)
	t.silent = silent
	defer func() {
		if silent && errors.Is(err, ErrNoDevice) {
			err = errHangs
		}
	}()
	if c.Speaker {
		t.speaker, err = b.target(infos, served, c.SpeakerName, false)
		t.cautions.Speaker = t.speaker.caution(served, false)
	}
	if c.Mic && err == nil {
		t.mic, err = b.target(infos, served, c.MicName, true)
		t.cautions.Mic = t.mic.caution(served, true)
	}
	return t, err
}

// caution says what to know of the device that it leads to. Where that is the
// server's default, it is another whenever that changes.
func (t target) caution(served []sound.Device, input bool) sound.Caution {
	if !t.served {
		return ""
	}
	d, err := sound.Pick(served, t.node, input)
	if err != nil {
		return "" // It has gone, and something else is opened soon.
	}
	return sound.Caution(d.Caution())
}

// target finds what to open for one direction. When what was chosen is not there,
// it is the default, so that a headset that falls off does not end a call.
func (b *Backend) target(infos []*portaudio.DeviceInfo, served []sound.Device, name string, input bool) (target, error) {
	if served == nil {
		return ownTarget(infos, name, input)
	}
	t := target{info: carrier(infos), served: true}
	if channels(t.info, input) < 1 || !slices.ContainsFunc(served, func(d sound.Device) bool { return d.Fits(input) }) {
		return t, fmt.Errorf("no %s: %w", sound.Kind(input), ErrNoDevice)
	}
	if name == "" {
		if name = b.named.of(input); name == "" {
			return t, nil
		}
	}
	d, err := sound.Pick(served, name, input)
	if err == nil {
		t.node = d.Name
		return t, nil
	}
	for _, d := range infos {
		if d.Name == name && channels(d, input) > 0 {
			return target{info: d, served: true, node: b.named.of(input)}, nil
		}
	}
	t.detour = fmt.Sprintf("%v; until then it is the system's choice", err)
	return t, nil
}

// ownTarget finds one of PortAudio's devices.
func ownTarget(infos []*portaudio.DeviceInfo, name string, input bool) (target, error) {
	all := own(infos)
	if !slices.ContainsFunc(all, func(d sound.Device) bool { return d.Fits(input) }) {
		return target{}, fmt.Errorf("no %s: %w", sound.Kind(input), ErrNoDevice)
	}
	d, err := sound.Pick(all, name, input)
	if err != nil {
		return target{}, err
	}
	i := slices.IndexFunc(infos, func(info *portaudio.DeviceInfo) bool {
		return info.Name == d.Name && channels(info, input) > 0
	})
	return target{info: infos[i]}, nil
}

// carrier returns ALSA's device that leads to the sound server through libpulse,
// or nil: "pulse" wherever it stands in the list. PipeWire's own device reads no
// PULSE_SINK, and where there is that alone, the default may be it.
func carrier(infos []*portaudio.DeviceInfo) *portaudio.DeviceInfo {
	for _, name := range []string{"pulse", "pipewire", "default"} {
		i := slices.IndexFunc(infos, func(d *portaudio.DeviceInfo) bool { return d.Name == name })
		switch {
		case i >= 0 && name == "pipewire":
			return nil
		case i >= 0:
			return infos[i]
		}
	}
	return nil
}

// useful tells whether a node is one to talk with. What a loudspeaker plays is no
// microphone, unless the user said so: the server makes it the default by itself
// where there is no microphone.
func (b *Backend) useful(all []pulse.Node, n *pulse.Node) bool {
	if !n.Monitor || n.Name == b.named.source {
		return true
	}
	return n.Default && slices.ContainsFunc(all, func(o pulse.Node) bool { return o.Input && !o.Monitor })
}

func (b *Backend) device(list pulse.List, n *pulse.Node, by *portaudio.DeviceInfo) sound.Device {
	d := sound.Device{
		Name: n.Name, Description: n.Description, System: list.System, Rate: n.Rate, Leaves: n.Leaves,
	}
	isDefault := n.Default
	if named := b.named.of(n.Input); slices.ContainsFunc(list.Nodes, func(o pulse.Node) bool { return o.Name == named && o.Input == n.Input }) {
		isDefault = n.Name == named
	}
	if n.Input {
		d.Inputs, d.DefaultInput, d.InputLatency = n.Channels, isDefault, max(0, by.DefaultLowInputLatency)
	} else {
		d.Outputs, d.DefaultOutput, d.OutputLatency = n.Channels, isDefault, max(0, by.DefaultLowOutputLatency)
	}
	return d
}
