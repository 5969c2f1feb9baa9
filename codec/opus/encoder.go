package opus

import (
	"errors"
	"fmt"

	"github.com/hraban/opus"

	"undertone/codec"
	"undertone/transport/cell"
)

// An Encoder is a codec.Encoder.
type Encoder struct {
	lib     *opus.Encoder
	packets []Packet
	in      []float32   // one slot of samples that libopus may see
	out     codec.Frame // what libopus wrote
	silence codec.Frame // the answer to whatever libopus refuses
}

// NewEncoder returns an encoder for slots of length i.
func NewEncoder(i cell.Interval) (*Encoder, error) { return FormatOf(i).NewEncoder() }

// NewEncoder returns an encoder that writes frames of this format.
func (f Format) NewEncoder() (*Encoder, error) {
	if err := f.validate(); err != nil {
		return nil, err
	}
	lib, err := opus.NewEncoder(codec.SampleRate, 1, opus.AppVoIP)
	if err != nil {
		return nil, fmt.Errorf("opus encoder: %w", err)
	}
	e := &Encoder{lib: lib, packets: f.Packets, in: make([]float32, f.samples())}
	if err := e.configure(&f); err != nil {
		return nil, fmt.Errorf("opus encoder: %w", err)
	}
	if err := e.prepareSilence(); err != nil {
		return nil, fmt.Errorf("opus encoder: %w", err)
	}
	return e, nil
}

// configure sets everything that keeps the frames at one size.
func (e *Encoder) configure(f *Format) error {
	steps := []func() error{
		func() error { return e.lib.SetVBR(false) },
		func() error { return e.lib.SetDTX(false) },
		func() error { return e.lib.SetInBandFEC(f.Redundant) },
		func() error { return e.lib.SetComplexity(f.Complexity) },
		func() error { return e.lib.SetMaxBandwidth(opus.Bandwidth(f.Band)) },
		func() error { return e.lib.SetPacketLossPerc(f.ExpectedLoss) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// prepareSilence encodes the frame that stands in for any that cannot be
// encoded. If even this fails, the library is not usable at this interval.
func (e *Encoder) prepareSilence() error {
	for range warmUp {
		if err := e.encode(); err != nil {
			return err
		}
	}
	e.silence = e.out
	return e.lib.Reset()
}

// Encode implements codec.Encoder. Samples beyond full scale are clipped; if
// pcm is shorter than a slot the rest is silence.
func (e *Encoder) Encode(pcm []float32, f *codec.Frame) {
	n := copy(e.in, pcm)
	clear(e.in[n:])
	clip(e.in)
	if err := e.encode(); err != nil {
		*f = e.silence
		return
	}
	*f = e.out
}

// encode fills e.out with e.in.
func (e *Encoder) encode() error {
	in, out := e.in, e.out[:]
	for _, p := range e.packets {
		if err := e.lib.SetBitrate(p.bitrate()); err != nil {
			return err
		}
		// The binding takes the capacity for the length.
		n, err := e.lib.EncodeFloat32(in[:p.Samples:p.Samples], out[:p.Bytes:p.Bytes])
		if err != nil {
			return err
		}
		if n != p.Bytes {
			return errLength
		}
		in, out = in[p.Samples:], out[p.Bytes:]
	}
	return nil
}

// errLength says that libopus did not fill a packet.
var errLength = errors.New("libopus wrote a packet of another length")

// Reset implements codec.Encoder.
func (e *Encoder) Reset() {
	// The only error libopus has for this is a request that it does not know.
	_ = e.lib.Reset()
}

// clip brings samples to full scale at most; what is not a number becomes
// silence.
func clip(pcm []float32) {
	for i, v := range pcm {
		switch {
		case v > 1:
			pcm[i] = 1
		case v < -1:
			pcm[i] = -1
		case v != v: // NaN
			pcm[i] = 0
		}
	}
}
