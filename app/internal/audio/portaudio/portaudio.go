// Package portaudio is the Backend of the sound helper process that uses real
// devices. Nobody but a sound helper's main should import it (see audio/sound):
// what it calls may hang, crash and print what it likes.
//
// The devices are listed with github.com/gordonklaus/portaudio. Streams are
// opened here, in a little C, for two reasons. That binding calls a Go function
// for each block of samples, through a lock, reflection and the garbage
// collector, where a late answer is a click; and it passes small integers as
// pointers, for which a program built with the race detector is stopped at the
// second stream.
//
// Who may call: one goroutine.
package portaudio

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gordonklaus/portaudio"

	"undertone/app/internal/audio/sound"
)

// ErrNoDevice says that the machine has nothing to hear or to speak with.
var ErrNoDevice = errors.New("no sound device was found: is a microphone or headset plugged in, " +
	"and does PulseAudio or PipeWire run (try: pactl info)?")

// A Backend is PortAudio. Its zero value is ready.
type Backend struct {
	ready bool
}

var _ sound.Backend = (*Backend)(nil)

// Refresh looks for the devices there are now. PortAudio does that only when it
// starts, so it is started again; no stream may be open.
func (b *Backend) Refresh() error {
	b.Close()
	if err := portaudio.Initialize(); err != nil {
		return fmt.Errorf("cannot start the sound system: %w", err)
	}
	b.ready = true
	return nil
}

// Close ends the use of PortAudio.
func (b *Backend) Close() {
	if b.ready {
		portaudio.Terminate() //nolint:errcheck,gosec // nothing can be done
	}
	b.ready = false
}

// Devices lists what there is, without the entries that could not be used.
func (b *Backend) Devices() ([]sound.Device, error) {
	infos, err := b.infos()
	if err != nil {
		return nil, err
	}
	in, out := defaults(infos)
	var list []sound.Device
	for _, d := range infos {
		if d.MaxInputChannels+d.MaxOutputChannels == 0 {
			continue
		}
		list = append(list, sound.Device{
			Name:          d.Name,
			System:        d.HostApi.Name,
			Inputs:        max(0, d.MaxInputChannels),
			Outputs:       max(0, d.MaxOutputChannels),
			Rate:          int(d.DefaultSampleRate),
			InputLatency:  max(0, d.DefaultLowInputLatency),
			OutputLatency: max(0, d.DefaultLowOutputLatency),
			DefaultInput:  d == in,
			DefaultOutput: d == out,
		})
	}
	if len(list) == 0 {
		return nil, ErrNoDevice
	}
	return list, nil
}

func (b *Backend) infos() ([]*portaudio.DeviceInfo, error) {
	if !b.ready {
		if err := b.Refresh(); err != nil {
			return nil, err
		}
	}
	return portaudio.Devices()
}

// defaults returns the devices that are used when nobody chose. PortAudio's own
// choice is the first card that it found; where a sound server runs, its device
// is the one that the person set up.
func defaults(infos []*portaudio.DeviceInfo) (in, out *portaudio.DeviceInfo) {
	if d, err := portaudio.DefaultInputDevice(); err == nil {
		in = d
	}
	if d, err := portaudio.DefaultOutputDevice(); err == nil {
		out = d
	}
	for _, name := range []string{"default", "pipewire", "pulse"} {
		for _, d := range infos {
			if d.Name == name && d.MaxInputChannels > 0 {
				in = d
			}
			if d.Name == name && d.MaxOutputChannels > 0 {
				out = d
			}
		}
	}
	return in, out
}

// choose finds the device of the given name: exactly, or the only one whose
// name contains it; or the default when name is empty.
func (b *Backend) choose(name string, input bool) (*portaudio.DeviceInfo, error) {
	infos, err := b.infos()
	if err != nil {
		return nil, err
	}
	direction := "speaker"
	if input {
		direction = "microphone"
	}
	infos = slices.DeleteFunc(slices.Clone(infos), func(d *portaudio.DeviceInfo) bool {
		return channels(d, input) < 1
	})
	if len(infos) == 0 {
		return nil, fmt.Errorf("no %s: %w", direction, ErrNoDevice)
	}
	if name == "" {
		in, out := defaults(infos)
		if input && in != nil {
			return in, nil
		}
		if !input && out != nil {
			return out, nil
		}
		return infos[0], nil
	}
	return match(infos, name, direction)
}

func match(infos []*portaudio.DeviceInfo, name, direction string) (*portaudio.DeviceInfo, error) {
	var partial []*portaudio.DeviceInfo
	for _, d := range infos {
		if d.Name == name {
			return d, nil
		}
		if strings.Contains(strings.ToLower(d.Name), strings.ToLower(name)) {
			partial = append(partial, d)
		}
	}
	switch len(partial) {
	case 1:
		return partial[0], nil
	case 0:
		return nil, fmt.Errorf("there is no %s %q now; undertone devices lists them", direction, name)
	}
	return nil, fmt.Errorf("%q could be %d devices; give more of the name (undertone devices lists them)", name, len(partial))
}

func channels(d *portaudio.DeviceInfo, input bool) int {
	if input {
		return d.MaxInputChannels
	}
	return d.MaxOutputChannels
}

// wish is the latency asked of a device: its own low one within bounds.
// Sound servers name numbers far from what they can keep.
func wish(d *portaudio.DeviceInfo, input bool) time.Duration {
	low := d.DefaultLowOutputLatency
	if input {
		low = d.DefaultLowInputLatency
	}
	return min(max(low, minLatency), maxLatency)
}

// With less than minLatency, PulseAudio runs dry as soon as other programs keep
// the machine busy (measured on two cores with a load of 7).
const (
	minLatency = 20 * time.Millisecond
	maxLatency = 40 * time.Millisecond
)
