package opus

import (
	"fmt"

	"undertone/codec"
	"undertone/transport/cell"
)

// A Decoder is a codec.Decoder.
type Decoder struct {
	lib       *libDecoder
	packets   []Packet
	redundant bool
	out       []float32 // one slot
	seam      seam
}

// NewDecoder returns a decoder for slots of length i.
func NewDecoder(i cell.Interval) (*Decoder, error) { return FormatOf(i).NewDecoder() }

// NewDecoder returns a decoder of frames of this format.
func (f Format) NewDecoder() (*Decoder, error) {
	if err := f.validate(); err != nil {
		return nil, err
	}
	lib, err := newLibDecoder()
	if err != nil {
		return nil, fmt.Errorf("opus decoder: %w", err)
	}
	d := &Decoder{lib: lib, packets: f.Packets, redundant: f.Redundant, out: make([]float32, f.samples())}
	d.seam.reset()
	return d, nil
}

// Decode implements codec.Decoder. A packet that libopus refuses, or that is
// of another length, is treated as lost: only a peer who does not keep to the
// protocol can send one, and it must cost nobody else anything.
func (d *Decoder) Decode(f *codec.Frame, pcm []float32) {
	in, out := f[:], d.out
	for _, p := range d.packets {
		to := out[:p.Samples]
		if n, err := d.lib.decode(in[:p.Bytes], to); err != nil || n != p.Samples {
			d.guess(to)
		} else {
			d.seam.decoded(to)
		}
		in, out = in[p.Bytes:], out[p.Samples:]
	}
	d.deliver(pcm)
}

// Conceal implements codec.Decoder. libopus lets the voice run on and fades it
// out if nothing comes for longer.
func (d *Decoder) Conceal(pcm []float32) {
	out := d.out
	for _, p := range d.packets {
		d.guess(out[:p.Samples])
		out = out[p.Samples:]
	}
	d.deliver(pcm)
}

// Recover implements codec.Decoder. Only the last packet of a frame can have a
// copy in the next one; where there is none libopus guesses.
func (d *Decoder) Recover(next *codec.Frame, pcm []float32) {
	out, last := d.out, len(d.packets)-1
	for k, p := range d.packets {
		to := out[:p.Samples]
		if k < last || !d.redundant || !d.copied(next, to) {
			d.guess(to)
		}
		out = out[p.Samples:]
	}
	d.deliver(pcm)
}

// copied fills one packet with the copy of it that the next frame has, and
// reports whether libopus could do that.
func (d *Decoder) copied(next *codec.Frame, out []float32) bool {
	n, err := d.lib.recover(next[:d.packets[0].Bytes], out)
	if err != nil || n != len(out) {
		return false
	}
	d.seam.decoded(out)
	return true
}

// guess fills one packet with what may have been said.
func (d *Decoder) guess(out []float32) {
	if _, err := d.lib.guess(out); err != nil {
		clear(out)
	}
	d.seam.guessed(out)
}

// deliver hands out what was decoded, at full scale at most.
func (d *Decoder) deliver(pcm []float32) {
	clip(d.out)
	n := copy(pcm, d.out)
	clear(pcm[n:])
}

// Reset implements codec.Decoder.
func (d *Decoder) Reset() {
	// The only error libopus has for this is a request that it does not know.
	_ = d.lib.reset()
	d.seam.reset()
}
