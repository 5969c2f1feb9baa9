package phone

import (
	"undertone/app/internal/audio"
	"undertone/assets"
	"undertone/codec"
	"undertone/codec/opus"
	"undertone/mixclient"
	"undertone/transport/cell"
	"undertone/transport/uri"
)

// newVoice returns the media chain of a set over a sound device.
func newVoice(s uri.Server, d audio.Device) (*codec.Voice, error) {
	enc, err := opus.NewEncoder(s.Interval)
	if err != nil {
		return nil, err
	}
	decoders := make([]codec.Decoder, mixclient.Speakers(s.Mode))
	for k := range decoders {
		if decoders[k], err = opus.NewDecoder(s.Interval); err != nil {
			return nil, err
		}
	}
	loop, err := codec.Convert(assets.Loop().PCM(), assets.SampleRate, cell.SampleRate)
	if err != nil {
		return nil, err
	}
	return codec.NewVoice(codec.VoiceConfig{Interval: s.Interval, Encoder: enc, Decoders: decoders, Sound: d, Loop: loop})
}
