package phone

import (
	"undertone/app/internal/audio"
	"undertone/assets"
	"undertone/codec"
	"undertone/codec/opus"
	"undertone/transport/cell"
	"undertone/transport/uri"
)

// newVoice returns the media chain of a set over a sound device.
func newVoice(s uri.Server, d audio.Device) (*codec.Voice, error) {
	enc, err := opus.NewEncoder(s.Interval)
	if err != nil {
		return nil, err
	}
	decoders := make([]codec.Decoder, speakers(s.Mode))
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

// speakers is how many can be heard at once. Where there are group calls every
// decoder runs in every slot, in a group or not; the tMIX has none, and would
// pay for it with the battery only.
func speakers(m cell.Mode) int {
	if m == cell.TMIX {
		return 1
	}
	return codec.MaxSpeakers
}
