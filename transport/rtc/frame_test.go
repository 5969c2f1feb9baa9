package rtc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// framed writes datagrams as RFC 4571 has it.
func framed(datagrams ...string) (b []byte) {
	for _, d := range datagrams {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(d))), d...)
	}
	return b
}

// taken apart by the definition: as many whole frames as there are, up to one that
// is too long.
func oracle(b []byte) (datagrams []string, long bool) {
	for len(b) >= frameHeader {
		size := int(b[0])<<8 + int(b[1])
		if size > maxFrame {
			return datagrams, true
		}
		if len(b) < frameHeader+size {
			break
		}
		datagrams = append(datagrams, string(b[frameHeader:][:size]))
		b = b[frameHeader+size:]
	}
	return datagrams, false
}

// readAll takes apart what a connection brings.
func readAll(r io.Reader) (datagrams []string, err error) {
	in, b := newFrames(r), make([]byte, maxFrame)
	for {
		n, err := in.next(b)
		if err != nil {
			return datagrams, err
		}
		datagrams = append(datagrams, string(b[:n]))
	}
}

// What is put into frames comes out of them.
func TestFrames(t *testing.T) {
	var f frame
	var wire []byte
	var want []string
	for _, size := range []int{0, 1, 2, 20, 197, 1225, maxFrame - 1, maxFrame} {
		d := strings.Repeat(string(rune('a'+size%26)), size)
		f.set([]byte(d))
		var other frame
		other.copyFrom(&f)
		wire, want = append(wire, other.b[:other.size]...), append(want, d)
	}
	if !bytes.Equal(wire, framed(want...)) {
		t.Error("the frames are others")
	}
	got, err := readAll(bytes.NewReader(wire))
	if !slices.Equal(got, want) || !errors.Is(err, io.EOF) {
		t.Errorf("%d of %d came out: %v", len(got), len(want), err)
	}
}

// FuzzFrames compares the reader with the definition, however the bytes come.
func FuzzFrames(f *testing.F) {
	f.Add(framed("one", "", "two"))
	f.Add(framed(strings.Repeat("x", maxFrame)))
	f.Add(framed("one", strings.Repeat("x", maxFrame+1), "two"))
	f.Add([]byte{0, 5, 'h'})
	f.Add([]byte("\x16\x03\x01\x07\x00\x01"))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		want, long := oracle(b)
		for name, r := range map[string]io.Reader{
			"at once":      bytes.NewReader(b),
			"by the byte":  iotest.OneByteReader(bytes.NewReader(b)),
			"in halves":    iotest.HalfReader(bytes.NewReader(b)),
			"with the end": iotest.DataErrReader(bytes.NewReader(b)),
		} {
			got, err := readAll(r)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, not %q", name, got, want)
			}
			if errors.Is(err, errLongFrame) != long {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
