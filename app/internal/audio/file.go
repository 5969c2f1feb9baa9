package audio

import (
	"errors"
	"fmt"
	"io"
	"time"

	"undertone/app/internal/audio/wav"
	"undertone/codec"
	"undertone/transport/cell"
)

// maxClip is the longest file that OpenClip takes: it holds the sound in
// memory, 5.8 MB a minute.
const maxClip = time.Hour

// blockSize is how many samples of a file are converted at a time.
const blockSize = 4096

// OpenClip reads the WAV file at path, of 16 bits, one or two channels and any
// common rate, and makes a clip of it. It reads and converts the whole file
// now, so that a call needs neither disk nor arithmetic. Its errors are for a
// person: they name the file and say what to do.
func OpenClip(path string) (*Clip, error) {
	f, err := wav.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	if f.Length() > maxClip {
		return nil, fmt.Errorf("%s is longer than an hour; cut it with: sox in.wav out.wav trim 0 3600", path)
	}
	samples, err := convert(f)
	if err != nil {
		return nil, err
	}
	return newClip(samples), nil
}

// convert reads what f has at the rate of all sound.
func convert(f *wav.File) ([]int16, error) {
	r, err := codec.NewResampler(f.Format().Rate, cell.SampleRate)
	if err != nil {
		return nil, err
	}
	var samples []int16
	var in [blockSize]float32
	var out []float32
	for {
		n, err := f.Read(in[:])
		if errors.Is(err, io.EOF) {
			return appendQuantized(samples, r.Flush(out[:0])), nil
		}
		if err != nil {
			return nil, err
		}
		out = r.Append(out[:0], in[:n])
		samples = appendQuantized(samples, out)
	}
}

func appendQuantized(samples []int16, pcm []float32) []int16 {
	n := len(samples)
	samples = append(samples, make([]int16, len(pcm))...)
	quantize(samples[n:], pcm)
	return samples
}
