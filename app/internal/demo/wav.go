package demo

import (
	"errors"
	"fmt"
	"os"

	"undertone/app/internal/audio/wav"
	"undertone/transport/cell"
)

// reserve makes sure that a file can be written before time is spent on what it
// is to hold. What is in it stays; discard removes it if it is new.
func reserve(path string) (discard func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	_, err = os.Stat(path)
	isNew := errors.Is(err, os.ErrNotExist)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666) //nolint:gosec // A recording is as readable as its user wants.
	if err != nil {
		return nil, fmt.Errorf("cannot write what is heard: %w", err)
	}
	return func() {
		if isNew {
			_ = os.Remove(path) // It is empty: at worst it stays.
		}
	}, f.Close()
}

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
