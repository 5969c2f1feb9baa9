// Package codec is the sound side of a call that needs no device, no clock and
// no cgo: the frame of voice that fits a cell, what an encoder and a decoder
// must do, and everything between a cell and the ear.
//
//	microphone → Voice.Mouth → Encoder → Frame → cell
//	cells → Frames → Jitter → Voice.Ear → Decoders → mixer → speaker
//
// All sound is 48 kHz, mono, float32 with full scale at ±1, in blocks of one
// slot. The parts:
//
//   - Frame, Encoder, Decoder: one slot of voice as 96 bytes and back, total in
//     both directions. Package codec/opus is the implementation.
//   - Voice: the chain of one client, in a call or idle, at one cost, whether
//     nobody, one or MaxSpeakers are heard.
//   - Jitter: which frames are due, when, and how much longer or shorter they are
//     to be played so that this moves without a jump.
//   - Drift: a ring between two clocks that differ by a little.
//   - Resampler: another sample rate, for files.
//
// Time is always an argument. Unless its comment says otherwise, a value is
// used by one goroutine at a time.
package codec

import "undertone/transport/cell"

// SampleRate is the rate of all sound, in samples per second.
const SampleRate = cell.SampleRate

// MaxSpeakers is how many people one client can hear at once: a group call. A
// client whose mode has calls of two only needs one decoder.
const MaxSpeakers = 8

// A Frame is one slot of voice: always exactly 96 bytes, whatever was said.
type Frame [cell.VoiceSize]byte

// An Encoder turns one slot of sound into a frame. It is total: whatever the
// samples are, there is a frame, because a slot without one would show.
type Encoder interface {
	// Encode writes the frame for one slot of samples; it keeps neither.
	Encode(pcm []float32, f *Frame)
	// Reset forgets all sound heard before.
	Reset()
}

// A Decoder turns frames into sound again. It is total: a frame that it cannot
// read is one that was lost.
type Decoder interface {
	// Decode fills pcm, one slot of samples, with what f holds.
	Decode(f *Frame, pcm []float32)
	// Conceal fills pcm with a guess at the sound of a frame that never came.
	Conceal(pcm []float32)
	// Recover fills pcm with the sound of a frame that never came, as far as
	// the frame of the slot after it tells, and else with a guess. It costs no
	// more than Decode or Conceal; next can be decoded in the slot after.
	Recover(next *Frame, pcm []float32)
	// Reset forgets all sound heard before.
	Reset()
}
