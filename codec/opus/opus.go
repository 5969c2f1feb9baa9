// Package opus is the codec.Encoder and codec.Decoder of Undertone: libopus
// through github.com/hraban/opus and, for the decoder, a few lines of C of our
// own, at a hard constant rate of 96 bytes a slot.
//
// Nothing that leaves the encoder may depend on the sound: no variable rate, no
// discontinuous transmission, no packet of another length (invariant 6). So
// every frame has 96 bytes and the rate follows from the interval alone:
//
//	interval  samples  bit rate      bandwidth  packets in the frame
//	20 ms     960      38.4 kbit/s   20 kHz     one hybrid of 20 ms, 96 bytes
//	40 ms     1920     19.2 kbit/s    8 kHz     one SILK of 40 ms, 96 bytes
//	100 ms    4800      7.7 kbit/s    4 kHz     SILK of 60 ms, 57 bytes, then of 40 ms, 39 bytes
//
// A single Opus packet of 100 ms would hold five frames of 20 ms, each with a
// head and a budget of its own. Two packets of the longest frames that SILK has
// say more in the same bytes: ESTOI 0.88 instead of 0.84 on the bundled speech,
// and take a third less time.
//
// Encoder and Decoder are total. What libopus refuses becomes silence on the
// way out and concealment on the way in. Each is used by one goroutine at a
// time and allocates nothing once made.
package opus

import (
	"github.com/hraban/opus"

	"undertone/codec"
	"undertone/transport/cell"
)

// Delay is the algorithmic delay of encoder and decoder together, in samples:
// sound that goes in at sample n comes out at sample n+Delay, 6.5 ms later.
// libopus looks 2.5 ms ahead for its transform and delays the voice by 4 ms so
// that its two halves agree. Measured on speech it is 310 samples at 20 and
// 40 ms and 315 at 100 ms. So the first word is whole, and the last is whole
// after one more slot.
const Delay = 312

// Tuning constants, chosen by measurement on the bundled speech: ESTOI (see
// app/internal/quality) against the time to encode a slot on one core.
const (
	// complexity is where more time stops buying much. At 40 ms:
	//
	//	complexity     0       3       5       8       10
	//	ESTOI          0.948   0.967   0.979           0.983
	//	encoding, ms   0.19    0.37    0.49    0.94    0.95
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
// 20 ms and spend bits above 8 kHz: it costs 0.68 ms instead of 0.49 and has an
// ESTOI of 0.960 instead of 0.979. At 20 ms there are bits enough for it
// (0.988). At 100 ms there are none: libopus stays in the narrow band by itself
// (0.883) and the limit only says so.
func maxBandwidth(i cell.Interval) opus.Bandwidth {
	switch i {
	case cell.Interval20:
		return opus.Fullband
	case cell.Interval40:
		return opus.Wideband
	}
	return opus.Narrowband
}

// A part is one Opus packet of a frame.
type part struct {
	samples int // how much sound it holds
	bytes   int // its length
}

// bitrate is what makes libopus fill the part exactly.
func (p part) bitrate() int { return p.bytes * 8 * codec.SampleRate / p.samples }

// partsOf returns the packets that make up a frame, in order. Together they
// have the samples of a slot and the bytes of a frame.
func partsOf(i cell.Interval) []part {
	if i == cell.Interval100 {
		return []part{{2880, 57}, {1920, 39}}
	}
	return []part{{i.Samples(), cell.VoiceSize}}
}

var (
	_ codec.Encoder = (*Encoder)(nil)
	_ codec.Decoder = (*Decoder)(nil)
)
