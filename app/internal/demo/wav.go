package demo

import (
	"errors"

	"undertone/app/internal/audio/wav"
	"undertone/transport/cell"
)

// writeWAV writes what a tape holds to a file.
func writeWAV(path string, pcm []float32) error {
	w, err := wav.Create(path, cell.SampleRate)
	if err != nil {
		return err
	}
	samples := make([]int16, len(pcm))
	for i, x := range pcm {
		samples[i] = int16(max(-1, min(1, x)) * 32767)
	}
	return errors.Join(w.Write(samples), w.Close())
}
