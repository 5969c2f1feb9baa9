package rtc

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

const (
	// frameHeader is the length of a frame's own length (RFC 4571).
	frameHeader = 2

	// maxFrame is the longest datagram in a frame. So a connection begins with a byte of 0 to 5, and never like TLS.
	maxFrame = maxDatagram

	// readAhead is how much of a connection is read at once.
	readAhead = 4 << 10
)

// errLongFrame ends a connection: nobody sends so much in one datagram.
var errLongFrame = errors.New("rtc: a frame is too long")

// A frame is a datagram behind its length.
type frame struct {
	size int // of both
	b    [frameHeader + maxFrame]byte
}

// set puts a datagram of at most maxFrame bytes into the frame.
func (f *frame) set(b []byte) {
	binary.BigEndian.PutUint16(f.b[:], uint16(len(b)))
	f.size = frameHeader + copy(f.b[frameHeader:], b)
}

// copyFrom makes f the same as other.
func (f *frame) copyFrom(other *frame) {
	f.size = copy(f.b[:], other.b[:other.size])
}

// frames reads what the other side of a connection has framed.
type frames struct {
	r    *bufio.Reader
	head [frameHeader]byte
}

func newFrames(r io.Reader) *frames { return &frames{r: bufio.NewReaderSize(r, readAhead)} }

// next reads one datagram into b and returns its length, which may be 0. A longer
// one is an error, and so is a connection that ends; there is no next one then.
func (f *frames) next(b []byte) (int, error) {
	if _, err := io.ReadFull(f.r, f.head[:]); err != nil {
		return 0, err
	}
	size := int(binary.BigEndian.Uint16(f.head[:]))
	if size > len(b) {
		return 0, errLongFrame
	}
	return io.ReadFull(f.r, b[:size])
}
