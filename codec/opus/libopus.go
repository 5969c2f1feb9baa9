package opus

/*
#cgo pkg-config: opus
#include <opus.h>

// Variadic functions cannot be called from Go.
static int decoder_reset(OpusDecoder *d) { return opus_decoder_ctl(d, OPUS_RESET_STATE); }
*/
import "C"

import (
	"errors"
	"unsafe"

	"undertone/codec"
)

// errRefused says that libopus did not take what it was given.
var errRefused = errors.New("libopus refused")

// A libDecoder is the decoder of libopus. It is here because the binding has
// none that can be reset: there, a new voice would take another 18 kB each
// time. None of its methods allocates.
type libDecoder struct {
	// state is the memory of libopus, which holds no Go pointers. It has the
	// alignment of its largest member.
	state []uint64
}

func newLibDecoder() (*libDecoder, error) {
	size := int(C.opus_decoder_get_size(1))
	d := &libDecoder{state: make([]uint64, (size+7)/8)}
	if C.opus_decoder_init(d.lib(), codec.SampleRate, 1) != C.OPUS_OK {
		return nil, errRefused
	}
	return d, nil
}

func (d *libDecoder) lib() *C.OpusDecoder { return (*C.OpusDecoder)(unsafe.Pointer(&d.state[0])) }

// decode fills pcm with what a packet holds, which must not be empty, and
// returns how many samples that was.
func (d *libDecoder) decode(packet []byte, pcm []float32) (int, error) {
	return result(C.opus_decode_float(d.lib(), (*C.uchar)(&packet[0]), C.opus_int32(len(packet)),
		(*C.float)(&pcm[0]), C.int(len(pcm)), 0))
}

// recover fills pcm with the sound before that of a packet, from the coarse copy
// that the packet has of it, or with a guess if it has none.
func (d *libDecoder) recover(packet []byte, pcm []float32) (int, error) {
	return result(C.opus_decode_float(d.lib(), (*C.uchar)(&packet[0]), C.opus_int32(len(packet)),
		(*C.float)(&pcm[0]), C.int(len(pcm)), 1))
}

// guess fills pcm with what may have been said after the last packet.
func (d *libDecoder) guess(pcm []float32) (int, error) {
	return result(C.opus_decode_float(d.lib(), nil, 0, (*C.float)(&pcm[0]), C.int(len(pcm)), 0))
}

// reset brings the decoder to the state of a new one.
func (d *libDecoder) reset() error {
	_, err := result(C.decoder_reset(d.lib()))
	return err
}

func result(n C.int) (int, error) {
	if n < 0 {
		return 0, errRefused
	}
	return int(n), nil
}
