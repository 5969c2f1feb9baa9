package opus

import (
	"errors"
	"fmt"

	"github.com/hraban/opus"

	"undertone/codec"
	"undertone/transport/cell"
)

// A Format is all that is chosen of how sound lies in a frame. FormatOf has
// what is in use; others are for measuring what they would be worth.
type Format struct {
	// Packets are those of a frame, in order. They have the samples of a slot
	// and at most the bytes of a frame; what is left over stays zero.
	Packets []Packet
	// Band is the widest that is coded.
	Band Band
	// Complexity goes from 0 to 10: how much libopus thinks before it writes.
	Complexity int
	// ExpectedLoss, in percent, makes the encoder predict less from packets
	// that may not have arrived, and a redundant copy better.
	ExpectedLoss int
	// Redundant lets each packet hold a coarse copy of the one before it.
	Redundant bool
}

// A Packet is one packet of Opus.
type Packet struct {
	Samples int // how much sound it holds
	Bytes   int // its length
}

// bitrate is what makes libopus fill the packet exactly.
func (p Packet) bitrate() int { return p.Bytes * 8 * codec.SampleRate / p.Samples }

// A Band is a range of frequencies, from the lowest on.
type Band int

// What libopus knows between the telephone's band and all that is heard.
const (
	Narrow Band = Band(opus.Narrowband) // 4 kHz
	Wide   Band = Band(opus.Wideband)   // 8 kHz
	Full   Band = Band(opus.Fullband)   // 20 kHz
)

// FormatOf returns what is in use at an interval. The comment of the package
// has the figures.
//
// At 40 ms the full band would make libopus split the slot into two frames of
// 20 ms and spend bits above 8 kHz: it costs 0.68 ms instead of 0.49 and has an
// ESTOI of 0.960 instead of 0.979. At 20 ms there are bits enough for it. At
// 100 ms there are none: libopus stays in the narrow band by itself and the
// limit only says so.
func FormatOf(i cell.Interval) Format {
	whole := []Packet{{i.Samples(), cell.VoiceSize}}
	switch i {
	case cell.Interval20:
		return Format{Packets: whole, Band: Full, Complexity: 5, ExpectedLoss: 1, Redundant: true}
	case cell.Interval40:
		return Format{Packets: whole, Band: Wide, Complexity: 5, ExpectedLoss: 5}
	}
	return Format{Packets: []Packet{{2880, 57}, {1920, 39}}, Band: Narrow, Complexity: 6}
}

// samples is the length of a slot.
func (f *Format) samples() (n int) {
	for _, p := range f.Packets {
		n += p.Samples
	}
	return n
}

func (f *Format) validate() error {
	bytes := 0
	for _, p := range f.Packets {
		if p.Samples <= 0 || p.Bytes <= 0 {
			return errors.New("opus: a packet of nothing")
		}
		bytes += p.Bytes
	}
	if bytes == 0 || bytes > cell.VoiceSize {
		return fmt.Errorf("opus: packets of %d bytes in a frame of %d", bytes, cell.VoiceSize)
	}
	return nil
}
