package wav

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// A Format says what the samples of a file are.
type Format struct {
	Rate     int // samples per second and channel
	Channels int // 1 or 2
}

// A Reader gives the samples of one file as mono. It belongs to one goroutine.
type Reader struct {
	format Format
	src    io.Reader
	left   int64 // bytes of sound not yet read, by the header
	open   bool  // the header does not know: the end of src is the end
	buf    [4096]byte
}

// NewReader reads the headers of r up to the first sample. Every error about
// what the file is, is a *FormatError.
func NewReader(r io.Reader) (*Reader, error) {
	d := &Reader{src: r}
	err := d.header()
	if errors.Is(err, errShort) {
		err = brokenError("is cut short in its header")
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Format returns the format of the file. A reader mixes two channels to one.
func (d *Reader) Format() Format { return d.format }

func (d *Reader) header() error {
	var riff [riffSize]byte
	n, err := io.ReadFull(d.src, riff[:])
	switch {
	case n == 0 && errors.Is(err, io.EOF):
		return &FormatError{Problem: "is empty", Remedy: "choose a recording with sound in it"}
	case err != nil && !isEOF(err):
		return err
	}
	if name := foreign(riff[:n]); name != "" {
		return foreignError(name)
	}
	if n < riffSize {
		return errShort
	}
	return d.chunks()
}

// chunks walks over the chunks until the samples start.
func (d *Reader) chunks() error {
	for {
		id, size, err := d.chunk()
		switch {
		case err != nil:
			return err
		case id == "fmt ":
			err = d.readFormat(size)
		case id == "data" && d.format == Format{}:
			err = brokenError("has sound before it says of what kind")
		case id == "data":
			return d.startData(size)
		default:
			err = d.skip(size)
		}
		if err != nil {
			return err
		}
	}
}

func (d *Reader) chunk() (id string, size uint32, err error) {
	var head [chunkHeadSize]byte
	n, err := io.ReadFull(d.src, head[:])
	switch {
	case n == 0 && errors.Is(err, io.EOF):
		return "", 0, brokenError("holds no sound")
	case isEOF(err):
		return "", 0, errShort
	case err != nil:
		return "", 0, err
	}
	return string(head[:4]), binary.LittleEndian.Uint32(head[4:]), nil
}

func (d *Reader) startData(size uint32) error {
	if size == 0 {
		return brokenError("holds no sound")
	}
	d.left, d.open = int64(size), size >= endless
	return nil
}

// skip leaves out a chunk, and the byte that pads one of odd size.
func (d *Reader) skip(size uint32) error {
	n := int64(size) + int64(size&1)
	got, err := io.CopyBuffer(io.Discard, io.LimitReader(d.src, n), d.buf[:])
	if err != nil {
		return err
	}
	if got < n {
		return errShort
	}
	return nil
}

func (d *Reader) readFormat(size uint32) error {
	if size < plainSize {
		return brokenError("has a format description of %d bytes", size)
	}
	var b [extendedSize]byte
	n := min(size, extendedSize)
	if _, err := io.ReadFull(d.src, b[:n]); isEOF(err) {
		return errShort
	} else if err != nil {
		return err
	}
	f, err := parseFormat(b[:n])
	if err != nil {
		return err
	}
	d.format = f
	return d.skip(size - n)
}

// parseFormat reads a fmt chunk of at least plainSize bytes.
func parseFormat(b []byte) (Format, error) {
	code := binary.LittleEndian.Uint16(b)
	f := Format{
		Channels: int(binary.LittleEndian.Uint16(b[2:])),
		Rate:     int(binary.LittleEndian.Uint32(b[4:])),
	}
	frame, bits := int(binary.LittleEndian.Uint16(b[12:])), int(binary.LittleEndian.Uint16(b[14:]))
	if code == codeExtended && len(b) == extendedSize {
		code = binary.LittleEndian.Uint16(b[24:])
	}
	switch {
	case code == codeFloat:
		return f, soxError("-e signed -b 16", "is %d-bit floating point", bits)
	case code == codeALaw || code == codeMuLaw:
		return f, soxError("-e signed -b 16", "is A-law or µ-law")
	case code != codePCM:
		return f, soxError("-e signed -b 16", "is compressed (format %#04x)", code)
	case bits != 16:
		return f, soxError("-b 16", "is %d-bit", bits)
	case f.Channels != 1 && f.Channels != 2:
		return f, soxError("-c 1", "has %d channels", f.Channels)
	case f.Rate < MinRate || f.Rate > MaxRate:
		return f, soxError("-r 48000", "has %d samples per second", f.Rate)
	case frame != 2*f.Channels:
		return f, brokenError("has a format description that contradicts itself")
	}
	return f, nil
}

// Read fills pcm with the next samples, in [-1, 1), and returns how many. It
// returns io.EOF after the last sample, and a *FormatError when the file ends
// before the end that its header names.
func (d *Reader) Read(pcm []float32) (int, error) {
	frame := 2 * d.format.Channels
	want := min(len(pcm)*frame, len(d.buf)/frame*frame)
	if int64(want) > d.left {
		want = int(d.left) / frame * frame
	}
	if want == 0 {
		return 0, io.EOF
	}
	n, err := io.ReadFull(d.src, d.buf[:want])
	switch {
	case err != nil && !isEOF(err):
		return 0, err
	case n < want && !d.open:
		return 0, brokenError("is cut short: at least %d bytes of sound are missing", d.left-int64(n))
	case n < frame:
		return 0, io.EOF
	}
	d.left -= int64(n)
	return mixDown(pcm, d.buf[:n], d.format.Channels), nil
}

// mixDown decodes whole frames of b to the average of their channels.
func mixDown(pcm []float32, b []byte, channels int) int {
	frames := len(b) / (2 * channels)
	for i := range frames {
		var sum int32
		for c := range channels {
			sum += int32(int16(binary.LittleEndian.Uint16(b[2*(i*channels+c):]))) //nolint:gosec // two's complement
		}
		pcm[i] = float32(sum) / float32(32768*channels)
	}
	return frames
}

// foreign names the kind of a file that is no WAV, by its first bytes.
func foreign(b []byte) string {
	switch {
	case len(b) >= riffSize && bytes.HasPrefix(b, []byte("RIFF")) && string(b[8:12]) == "WAVE",
		len(b) < riffSize && bytes.HasPrefix(b, []byte("RIFF")):
		return ""
	case bytes.HasPrefix(b, []byte("ID3")), len(b) > 1 && b[0] == 0xFF && b[1]&0xE0 == 0xE0:
		return "an MP3 file"
	case bytes.HasPrefix(b, []byte("OggS")):
		return "an Ogg file"
	case bytes.HasPrefix(b, []byte("fLaC")):
		return "a FLAC file"
	case bytes.HasPrefix(b, []byte("RF64")), bytes.HasPrefix(b, []byte("RIFX")):
		return "a " + string(b[:4]) + " file"
	}
	return "something else"
}

func isEOF(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// A File is an open WAV file.
type File struct {
	*Reader
	file *os.File
	path string
}

// Open opens the file at path and reads its headers. Its errors are for a
// person: they name the file and say what to do.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the sound file: %w", err)
	}
	f := &File{file: file, path: path}
	if err = f.start(); err != nil {
		file.Close() //nolint:errcheck // it was only read
		return nil, err
	}
	return f, nil
}

func (f *File) start() error {
	info, err := f.file.Stat()
	switch {
	case err != nil:
		return f.explain(err)
	case info.IsDir():
		return fmt.Errorf("%s is a folder; name a WAV file in it", f.path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file; save the sound to a WAV file first", f.path)
	}
	f.Reader, err = NewReader(f.file)
	return f.explain(err)
}

// Length returns how long the file plays from here, by its header, or by its
// size on disk when it was piped.
func (f *File) Length() time.Duration {
	bytes := f.left
	if info, err := f.file.Stat(); err == nil {
		bytes = min(bytes, info.Size())
	}
	frames := bytes / int64(2*f.format.Channels)
	return time.Duration(float64(frames) / float64(f.format.Rate) * float64(time.Second))
}

// Read is Reader.Read with errors that name the file.
func (f *File) Read(pcm []float32) (int, error) {
	n, err := f.Reader.Read(pcm)
	if errors.Is(err, io.EOF) {
		return n, err
	}
	return n, f.explain(err)
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// explain puts the name of the file into the message and its remedy, without
// hiding the kind of the error.
func (f *File) explain(err error) error {
	var format *FormatError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &format):
		return &fileError{path: f.path, FormatError: format}
	}
	return fmt.Errorf("cannot read the sound file: %w", err)
}

type fileError struct {
	path string
	*FormatError
}

func (e *fileError) Error() string {
	return fmt.Sprintf("%s %s; %s", e.path, e.Problem, strings.Replace(e.Remedy, "in.wav", quote(e.path), 1))
}

func (e *fileError) Unwrap() error { return e.FormatError }

// quote makes a path safe to paste into a shell.
func quote(path string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-+=:,@%"
	if path != "" && !strings.HasPrefix(path, "-") && strings.Trim(path, plain) == "" {
		return path
	}
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
