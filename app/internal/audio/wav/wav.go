// Package wav reads and writes the one kind of sound file that Undertone
// deals with: RIFF/WAVE with 16-bit PCM. Reader turns a stranger's file of one
// or two channels and any common rate into mono samples; Writer makes a mono
// file that is playable at every moment, also after the process was killed.
//
// A file is a list of chunks, all numbers little endian:
//
//	0      4      8      12                         (chunks)
//	+------+------+------+----------------------------------------------+
//	|"RIFF"| size |"WAVE"| "fmt " size … | any … | "data" size samples … |
//	+------+------+------+----------------------------------------------+
//
//	fmt:   format 2 | channels 2 | rate 4 | bytes/s 4 | frame bytes 2 | bits 2 |
//	       | extra size 2 | valid bits 2 | speakers 4 | sub-format 16 (format 0xFFFE only)
//
// The reader is written here, not taken from a library, because a stranger's
// file must neither crash it nor make it allocate what a header promises: it
// holds one buffer of fixed size and skips what it does not know.
package wav

import (
	"errors"
	"fmt"
)

// The rates that a Reader accepts, in samples per second.
const (
	MinRate = 8000
	MaxRate = 192000
)

// Sizes of the parts of a file, in bytes.
const (
	riffSize      = 12
	chunkHeadSize = 8
	plainSize     = 16 // a fmt chunk of plain PCM
	extendedSize  = 40 // a fmt chunk that names its sub-format
	headerSize    = riffSize + chunkHeadSize + plainSize + chunkHeadSize
)

// Format codes of the fmt chunk.
const (
	codePCM      = 0x0001
	codeFloat    = 0x0003
	codeALaw     = 0x0006
	codeMuLaw    = 0x0007
	codeExtended = 0xFFFE
)

// endless is the smallest size of a data chunk that a program writes which
// pipes its output and cannot know the size: sox writes 0x7FFFF000 and more,
// ffmpeg 0xFFFFFFFF. Such a chunk lasts until the end of the file.
const endless = 0x7FFFF000

// A FormatError says why a file cannot be used, and how to convert it.
type FormatError struct {
	Problem string // a predicate: "is 24-bit"
	Remedy  string // a command with in.wav and out.wav, or a sentence
}

// Error puts the problem and the way out into one sentence.
func (e *FormatError) Error() string {
	return fmt.Sprintf("the file %s; %s", e.Problem, e.Remedy)
}

// errShort tells the callers inside that the file ended within a header.
var errShort = errors.New("file ends inside a header")

func soxError(options, problem string, args ...any) *FormatError {
	return &FormatError{
		Problem: fmt.Sprintf(problem, args...),
		Remedy:  "convert it with: sox in.wav " + options + " out.wav",
	}
}

func foreignError(name string) *FormatError {
	return &FormatError{
		Problem: "is " + name + ", not a WAV file",
		Remedy:  "convert it with: ffmpeg -i in.wav -ac 1 -ar 48000 -c:a pcm_s16le out.wav",
	}
}

func brokenError(problem string, args ...any) *FormatError {
	return &FormatError{
		Problem: fmt.Sprintf(problem, args...),
		Remedy:  "make it anew, or repair it with: sox --ignore-length in.wav -b 16 out.wav",
	}
}
