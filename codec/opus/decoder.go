package opus

import (
	"fmt"

	"github.com/hraban/opus"

	"undertone/codec"
	"undertone/transport/cell"
)

// A Decoder is a codec.Decoder.
type Decoder struct {
	lib *opus.Decoder
	out []float32 // one slot; its capacity is what stops libopus
}

// NewDecoder returns a decoder for slots of length i.
func NewDecoder(i cell.Interval) (*Decoder, error) {
	lib, err := opus.NewDecoder(codec.SampleRate, 1)
	if err != nil {
		return nil, fmt.Errorf("opus decoder: %w", err)
	}
	n := i.Samples()
	return &Decoder{lib: lib, out: make([]float32, n)[:n:n]}, nil
}

// Decode implements codec.Decoder. A frame that libopus refuses, or that lasts
// no whole slot, is treated as lost: only a peer who does not keep to the
// protocol can send one, and it must cost nobody else anything.
func (d *Decoder) Decode(f *codec.Frame, pcm []float32) {
	n, err := d.lib.DecodeFloat32(f[:], d.out)
	if err != nil || n != len(d.out) {
		d.Conceal(pcm)
		return
	}
	d.deliver(pcm)
}

// Conceal implements codec.Decoder. libopus lets the voice run on and fades it
// out if nothing comes for longer.
func (d *Decoder) Conceal(pcm []float32) {
	if err := d.lib.DecodePLCFloat32(d.out); err != nil {
		clear(d.out)
	}
	d.deliver(pcm)
}

// deliver hands out what was decoded, at full scale at most.
func (d *Decoder) deliver(pcm []float32) {
	clip(d.out)
	n := copy(pcm, d.out)
	clear(pcm[n:])
}

// Reset implements codec.Decoder. The binding has no call for it, so the state
// is made anew.
func (d *Decoder) Reset() {
	if lib, err := opus.NewDecoder(codec.SampleRate, 1); err == nil {
		d.lib = lib
	}
}
