package portaudio

/*
#cgo pkg-config: portaudio-2.0
#cgo CFLAGS: -O2 -Wall -Wextra -std=gnu11
#include "stream.h"
#include <portaudio.h>
#include <stddef.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/gordonklaus/portaudio"

	"undertone/app/internal/audio/sound"
	"undertone/transport/cell"
)

// The layout in C must be that in Go, or the package does not compile.
var (
	_ [unsafe.Sizeof(sound.Memory{}) - C.sizeof_struct_ut_memory]struct{}
	_ [C.sizeof_struct_ut_memory - unsafe.Sizeof(sound.Memory{})]struct{}
	_ [unsafe.Offsetof(sound.Memory{}.Played) - unsafe.Offsetof(C.struct_ut_memory{}.played)]struct{}
	_ [unsafe.Offsetof(C.struct_ut_memory{}.queued) - unsafe.Offsetof(sound.Memory{}.Queued)]struct{}
	_ [unsafe.Offsetof(sound.Line{}.When) - unsafe.Offsetof(C.struct_ut_line{}.when)]struct{}
	_ [unsafe.Offsetof(C.struct_ut_line{}.when) - unsafe.Offsetof(sound.Line{}.When)]struct{}
	_ [unsafe.Offsetof(sound.Line{}.Each) - unsafe.Offsetof(C.struct_ut_line{}.each)]struct{}
	_ [unsafe.Offsetof(C.struct_ut_line{}.each) - unsafe.Offsetof(sound.Line{}.Each)]struct{}
	_ [unsafe.Offsetof(sound.Line{}.Late) - unsafe.Offsetof(C.struct_ut_line{}.late)]struct{}
	_ [unsafe.Offsetof(C.struct_ut_line{}.late) - unsafe.Offsetof(sound.Line{}.Late)]struct{}
	_ [unsafe.Offsetof(sound.Memory{}.Capture) - unsafe.Offsetof(C.struct_ut_memory{}.capture)]struct{}
	_ [unsafe.Offsetof(C.struct_ut_memory{}.playback) - unsafe.Offsetof(sound.Memory{}.Playback)]struct{}
)

// Open opens and starts the chosen directions on the given memory.
func (b *Backend) Open(c sound.Choice, m *sound.Memory) (sound.Streams, error) {
	s := &streams{backend: b, choice: c}
	err := b.open(s, m)
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (b *Backend) open(s *streams, m *sound.Memory) error {
	err := b.unhide()
	if err != nil {
		return err
	}
	to, err := b.targets(s.choice)
	if err != nil {
		return err
	}
	s.to = to
	// Both are written before either is opened, and stay until both are closed:
	// ALSA may connect to the sound server anew at any time.
	environment{sink: s.to.speaker.node, source: s.to.mic.node}.write()
	if s.choice.Speaker {
		s.out, err = b.start(s.to.speaker.info, false, s.choice.Latency, m)
	}
	if err != nil {
		return fmt.Errorf("cannot open the speaker: %w", err)
	}
	if s.choice.Mic {
		s.in, err = b.start(s.to.mic.info, true, s.choice.Latency, m)
	}
	if err != nil {
		return fmt.Errorf("cannot open the microphone: %w", err)
	}
	return nil
}

// start opens one direction in mono, or in stereo where the device insists.
func (b *Backend) start(d *portaudio.DeviceInfo, input bool, latency time.Duration, m *sound.Memory) (*C.struct_ut_stream, error) {
	if latency == 0 {
		latency = wish(d, input, b.least)
	}
	latency = min(latency, sound.MaxLatency)
	direction := C.int(0)
	if input {
		direction = 1
	}
	shared := (*C.struct_ut_memory)(unsafe.Pointer(m)) //nolint:gosec // the same layout, see above
	var s *C.struct_ut_stream
	for n := C.int(1); ; n++ {
		code := C.ut_open(&s, shared, C.int(d.Index), n, direction, cell.SampleRate, C.double(latency.Seconds()), framesPerCallback) //nolint:gocritic // finds fault with what cgo makes of it
		switch {
		case code == C.paNoError:
			return s, nil
		case code != C.paInvalidChannelCount || n == 2:
			return nil, describe(d.Name, code)
		}
	}
}

// framesPerCallback is 5 ms: what a callback moves waits for the next one, in both
// directions. Less than that is taken up by waking up.
const framesPerCallback = 240

func describe(name string, code C.int) error {
	err := portaudio.Error(code)
	switch {
	case errors.Is(err, portaudio.DeviceUnavailable):
		return fmt.Errorf("%s is in use by another program, or gone", name)
	case code == C.paUnanticipatedHostError:
		return fmt.Errorf("%s: %s", name, C.GoString(C.Pa_GetLastHostErrorInfo().errorText))
	}
	return fmt.Errorf("%s: %w", name, err)
}

// streams are the open directions; either may be nil.
type streams struct {
	backend *Backend
	choice  sound.Choice
	to      targets
	in, out *C.struct_ut_stream
}

// Detour says what was opened instead of what was chosen.
func (s *streams) Detour() string { return s.to.detour() }

// Cautions are those of the devices that are used.
func (s *streams) Cautions() sound.Cautions { return s.to.cautions }

// Current tells whether the streams run, on what Open would open now. A sound server
// that is too slow to say what it has does not end what runs: only one that is gone.
func (s *streams) Current() bool {
	for _, stream := range []*C.struct_ut_stream{s.in, s.out} {
		if stream != nil && C.ut_active(stream) == 0 {
			return false
		}
	}
	now, err := s.backend.targets(s.choice)
	if s.backend.hidden && !now.silent {
		return false // The sound server is back, which these streams do not use.
	}
	if err == nil && !now.silent {
		s.to.cautions = now.cautions
	}
	return now.silent || err == nil && now.speaker == s.to.speaker && now.mic == s.to.mic
}

func (s *streams) Latency() (in, out time.Duration) {
	return latency(s.in), latency(s.out)
}

func latency(s *C.struct_ut_stream) time.Duration {
	if s == nil {
		return 0
	}
	return time.Duration(float64(C.ut_latency(s)) * float64(time.Second))
}

func (s *streams) Close() {
	for _, stream := range []**C.struct_ut_stream{&s.in, &s.out} {
		if *stream != nil {
			C.ut_close(*stream)
			*stream = nil
		}
	}
}
