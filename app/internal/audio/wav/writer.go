package wav

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
)

// ErrFull is the error of a file that reached the four gigabytes that its
// format can name: twelve hours at 48 kHz.
var ErrFull = errors.New("the WAV file is full: the format ends at 4 GB")

// maxData is the largest even number of bytes whose sizes fit the headers.
const maxData = math.MaxUint32 - headerSize - 1

// A Writer writes a mono file with 16-bit samples. It belongs to one goroutine.
// After each Write the file is complete on its own, so that it can be played
// when the process dies at any moment.
type Writer struct {
	file *os.File
	rate int
	data int64 // bytes of sound in the file
	buf  []byte
}

// Create makes or replaces the file at path. Rate is in samples per second.
func Create(path string, rate int) (*Writer, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	w := &Writer{file: file, rate: rate}
	if err := w.writeHeader(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return w, nil
}

// Write appends samples: first the sound, then the sizes in the header. So at
// no time does the header promise what is not there.
func (w *Writer) Write(samples []int16) error {
	if w.data+int64(2*len(samples)) > maxData {
		return ErrFull
	}
	w.buf = w.buf[:0]
	for _, s := range samples {
		w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(s)) //nolint:gosec // two's complement
	}
	if _, err := w.file.WriteAt(w.buf, headerSize+w.data); err != nil {
		return err
	}
	w.data += int64(len(w.buf))
	return w.writeHeader()
}

// Close closes the file.
func (w *Writer) Close() error { return w.file.Close() }

func (w *Writer) writeHeader() error {
	_, err := w.file.WriteAt(header(w.rate, uint32(w.data)), 0) //nolint:gosec // at most maxData
	return err
}

// header is the head of a mono file with 16-bit samples and data bytes of sound.
func header(rate int, data uint32) []byte {
	le := binary.LittleEndian
	b := make([]byte, 0, headerSize)
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, headerSize-chunkHeadSize+data)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, plainSize)
	b = le.AppendUint16(b, codePCM)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint32(b, uint32(rate))   //nolint:gosec // chosen by us
	b = le.AppendUint32(b, uint32(2*rate)) //nolint:gosec // chosen by us
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	return le.AppendUint32(b, data)
}
