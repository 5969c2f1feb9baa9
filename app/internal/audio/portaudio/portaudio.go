// Package portaudio is the Backend of the sound helper process that uses real
// devices. Nobody but a sound helper's main should import it (see audio/sound):
// what it calls may hang, crash and print what it likes.
//
//	devices ◀── sound server (audio/pulse), or PortAudio where none answers
//	streams ──▶ PortAudio ─ ALSA's "pulse" or "default" ─ libpulse ─ sound server
//
// ALSA knows all devices of a sound server as one. Which of them a stream is for,
// libpulse reads from the environment (PULSE_SINK, PULSE_SOURCE) as the stream is
// opened, so it is written there before. A stream without a name is moved by the
// server when its default changes.
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
	"time"

	"github.com/gordonklaus/portaudio"

	"undertone/app/internal/audio/pulse"
	"undertone/app/internal/audio/sound"
)

// ErrNoDevice says that the machine has nothing to hear or to speak with.
var ErrNoDevice = errors.New("no sound device was found: is a microphone or headset plugged in, " +
	"and does PulseAudio or PipeWire run (try: pactl info)?")

// A Backend is PortAudio, and the sound server behind it.
type Backend struct {
	ready   bool
	hidden  bool          // PortAudio was started without a sound server that hangs
	server  *pulse.Server // nil where none answered
	quiet   time.Time     // until when it is not asked
	changes *changes
	named   environment   // as the user set it
	least   time.Duration // latency that is asked of a device
}

var _ sound.Backend = (*Backend)(nil)

// New returns a backend that has done nothing yet.
func New() *Backend {
	return &Backend{changes: newChanges(), named: readEnvironment(), least: minLatency}
}

// Refresh looks for the devices there are now. PortAudio does that only when it
// starts, so it is started again; no stream may be open.
func (b *Backend) Refresh() error {
	b.stop()
	if b.hidden = b.hangs(); b.hidden {
		defer hide()()
	}
	if err := portaudio.Initialize(); err != nil {
		return fmt.Errorf("cannot start the sound system: %w", err)
	}
	b.ready = true
	return nil
}

// Close ends the use of PortAudio and of the sound server.
func (b *Backend) Close() {
	b.stop()
	if b.server != nil {
		b.server.Close()
	}
	b.changes.stop()
}

func (b *Backend) stop() {
	if b.ready {
		portaudio.Terminate() //nolint:errcheck,gosec // nothing can be done
	}
	b.ready = false
}

// Changes gets a value when the sound server's devices have changed, or may have,
// and now and then while it does not answer.
func (b *Backend) Changes() <-chan struct{} { return b.changes.c }

// Devices lists what there is, without the entries that could not be used.
func (b *Backend) Devices() ([]sound.Device, error) {
	infos, err := b.infos()
	if err != nil {
		return nil, err
	}
	list, silent := b.served(infos)
	if list == nil {
		list = own(infos)
	}
	switch {
	case len(list) == 0 && silent:
		return nil, errHangs
	case len(list) == 0:
		return nil, ErrNoDevice
	}
	return list, nil
}

// own lists PortAudio's devices.
func own(infos []*portaudio.DeviceInfo) (list []sound.Device) {
	in, out := defaults(infos)
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
	return list
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

func channels(d *portaudio.DeviceInfo, input bool) int {
	if input {
		return d.MaxInputChannels
	}
	return d.MaxOutputChannels
}

// wish is the latency asked of a device: its own low one, but what was found to be
// needed at the least, and not more than maxLatency. Sound servers name numbers far
// from what they can keep.
func wish(d *portaudio.DeviceInfo, input bool, least time.Duration) time.Duration {
	low := d.DefaultLowOutputLatency
	if input {
		low = d.DefaultLowInputLatency
	}
	return min(max(low, least), maxLatency)
}

// With minLatency, PulseAudio runs dry as soon as other programs keep the machine
// busy (measured on two cores with a load of 7); with twice as much it does not. Most
// machines are not busy, and there nobody should wait for it: see Careful.
const (
	minLatency = 10 * time.Millisecond
	maxLatency = 40 * time.Millisecond
)

// Relax has them wait for as little as at first.
func (b *Backend) Relax() { b.least = minLatency }

// Careful has streams that are opened from now on wait for twice as long as before.
func (b *Backend) Careful() bool {
	if b.least >= maxLatency {
		return false
	}
	b.least *= 2
	return true
}
