package drive

import (
	"sync/atomic"

	"undertone/app/internal/audio"
	"undertone/assets"
	"undertone/codec"
	"undertone/transport/cell"
)

// A voice is the sound of a client: recorded speech again and again, or a room in
// which nobody speaks. What it hears it drops.
type voice struct {
	pcm   []float32
	at    int
	quiet atomic.Bool
}

var _ audio.Device = (*voice)(nil)

func newVoice() (*voice, error) {
	pcm, err := codec.Convert(assets.Speech().PCM(), assets.SampleRate, cell.SampleRate)
	if err != nil {
		return nil, err
	}
	v := &voice{pcm: pcm}
	v.quiet.Store(true)
	return v, nil
}

// Live does nothing: there is nothing to open.
func (*voice) Live(bool) {}

// Read gives the next of the speech, or silence.
func (v *voice) Read(pcm []float32) {
	quiet := v.quiet.Load()
	for n := 0; n < len(pcm); {
		k := copy(pcm[n:], v.pcm[v.at:])
		n += k
		v.at = (v.at + k) % len(v.pcm)
	}
	if quiet {
		clear(pcm)
	}
}

// Write drops what is heard.
func (*voice) Write([]float32) {}

// Close does nothing.
func (*voice) Close() error { return nil }
