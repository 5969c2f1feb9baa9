// Package assets holds the files that are part of the programs: three pieces
// of recorded speech.
//
//	speech.wav  what the bundled caller says; demo and tests send it
//	answer.wav  another sentence, for the other direction
//	loop.wav    what idle and mute feed to the encoder instead of the
//	            microphone (see codec.Voice); nobody ever hears it
//
// All are WAV files of 16 kHz, mono, 16 bits, at -20 dBFS RMS without
// clipping, with a pause before and after. They were made by make.sh in this
// folder with espeak-ng (voice en-us+f3) from sentences of our own, so they
// are under the licence of the project. The script is not part of the build:
// to change a sentence, edit it, run it and commit what it writes.
//
// The package does no I/O and anybody may import it.
package assets

import (
	_ "embed" // for the directives below
	"encoding/binary"
)

// SampleRate is the rate of every Sound, in samples per second.
const SampleRate = 16000

// headerSize is the length of the WAV header that sox writes. A test checks
// that each file has exactly this header.
const headerSize = 44

// A Sound is a whole WAV file of 16-bit mono samples at SampleRate.
type Sound []byte

var (
	//go:embed speech.wav
	speech Sound
	//go:embed answer.wav
	answer Sound
	//go:embed loop.wav
	loop Sound
)

// Speech returns the bundled sample of speech, about eight seconds. The caller
// must not change it.
func Speech() Sound { return speech }

// Answer returns a second sample with other sentences, about eight seconds.
// The caller must not change it.
func Answer() Sound { return answer }

// Loop returns the speech that idle feeds to the encoder, about twenty
// seconds. The caller must not change it.
func Loop() Sound { return loop }

// PCM returns the samples of the sound at SampleRate, full scale being ±1.
func (s Sound) PCM() []float32 {
	data := s[headerSize:]
	pcm := make([]float32, len(data)/2)
	for i := range pcm {
		pcm[i] = float32(int16(binary.LittleEndian.Uint16(data[2*i:]))) / 32768 //nolint:gosec // two's complement is meant
	}
	return pcm
}
