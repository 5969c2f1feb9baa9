package opus

import (
	"fmt"

	"undertone/codec"
	"undertone/transport/cell"
)

// A Decoder is a codec.Decoder.
type Decoder struct {
	lib   *libDecoder
	parts []part
	out   []float32 // one slot
}

// NewDecoder returns a decoder for slots of length i.
func NewDecoder(i cell.Interval) (*Decoder, error) {
	lib, err := newLibDecoder()
	if err != nil {
		return nil, fmt.Errorf("opus decoder: %w", err)
	}
	return &Decoder{lib: lib, parts: partsOf(i), out: make([]float32, i.Samples())}, nil
}

// Decode implements codec.Decoder. A packet that libopus refuses, or that is
// of another length, is treated as lost: only a peer who does not keep to the
// protocol can send one, and it must cost nobody else anything.
func (d *Decoder) Decode(f *codec.Frame, pcm []float32) {
	in, out := f[:], d.out
	for _, p := range d.parts {
		to := out[:p.samples]
		if n, err := d.lib.decode(in[:p.bytes], to); err != nil || n != p.samples {
			d.guess(to)
		}
		in, out = in[p.bytes:], out[p.samples:]
	}
	d.deliver(pcm)
}

// Conceal implements codec.Decoder. libopus lets the voice run on and fades it
// out if nothing comes for longer.
func (d *Decoder) Conceal(pcm []float32) {
	out := d.out
	for _, p := range d.parts {
		d.guess(out[:p.samples])
		out = out[p.samples:]
	}
	d.deliver(pcm)
}

// guess fills one part with what may have been said.
func (d *Decoder) guess(out []float32) {
	if _, err := d.lib.guess(out); err != nil {
		clear(out)
	}
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
}
