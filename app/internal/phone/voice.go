package phone

import (
	"undertone/app/internal/audio"
	"undertone/assets"
	"undertone/codec"
	"undertone/codec/opus"
	"undertone/transport/cell"
)

// newVoice returns the media chain of a set's interval over a sound device.
func newVoice(i cell.Interval, d audio.Device) (*codec.Voice, error) {
	enc, err := opus.NewEncoder(i)
	if err != nil {
		return nil, err
	}
	dec, err := opus.NewDecoder(i)
	if err != nil {
		return nil, err
	}
	loop, err := codec.Convert(assets.Loop().PCM(), assets.SampleRate, cell.SampleRate)
	if err != nil {
		return nil, err
	}
	return codec.NewVoice(codec.VoiceConfig{Interval: i, Encoder: enc, Decoder: dec, Sound: d, Loop: loop})
}
