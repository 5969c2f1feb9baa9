// Package opus is the codec.Encoder and codec.Decoder of Undertone: libopus
// through github.com/hraban/opus, at a hard constant rate of 96 bytes a slot.
//
// Nothing that leaves the encoder may depend on the sound: no variable rate, no
// discontinuous transmission, no packet of another length (invariant 6). So
// every frame has 96 bytes and the rate follows from the interval alone:
//
//	interval  samples  bit rate      bandwidth  what libopus makes of it
//	20 ms     960      38.4 kbit/s   20 kHz     one hybrid frame of 20 ms
//	40 ms     1920     19.2 kbit/s    8 kHz     one SILK frame of 40 ms
//	100 ms    4800      7.7 kbit/s    4 kHz     five SILK frames of 20 ms
//
// Encoder and Decoder are total. What libopus refuses becomes silence on the
// way out and concealment on the way in. Each is used by one goroutine at a
// time and allocates nothing once made, except that Decoder.Reset takes about
// 18 kB.
package opus

import (
	"github.com/hraban/opus"

	"undertone/codec"
	"undertone/transport/cell"
)

// Delay is the algorithmic delay of encoder and decoder together: sound that
// goes in at sample n comes out at sample n+Delay. libopus looks 2.5 ms ahead
// for its transform and delays the voice by 4 ms so that its two halves agree.
// It is the same for all intervals; a slot of sound that ends with a word needs
// one more slot to be heard to its end.
const Delay = 312

// Tuning constants, chosen by measurement.
const (
	// complexity is where libopus stops getting better for speech in
	// proportion to its cost: see the table in the comment of maxBandwidth.
	complexity = 5

	// expectedLoss, in percent, makes the encoder predict less from frames
	// that may not have arrived.
	expectedLoss = 2

	// warmUp is how many slots of silence are encoded before the frame of
	// silence is taken, so that it no longer depends on the start.
	warmUp = 8
)

// maxBandwidth is the widest band that is coded at an interval.
//
// At 40 ms the full band would make libopus split the slot into two frames of
// 20 ms and spend a third of the bits above 8 kHz; the single frame leaves more
// for the words and costs a quarter less. At 20 ms there are bits enough. At
// 100 ms there are none: libopus stays in the narrow band by itself and the
// limit only says so.
func maxBandwidth(i cell.Interval) opus.Bandwidth {
	switch i {
	case cell.Interval20:
		return opus.Fullband
	case cell.Interval40:
		return opus.Wideband
	}
	return opus.Narrowband
}

var (
	_ codec.Encoder = (*Encoder)(nil)
	_ codec.Decoder = (*Decoder)(nil)
)
