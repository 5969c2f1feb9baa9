package enhance

/*
#cgo pkg-config: webrtc-audio-processing
#cgo CXXFLAGS: -O2 -Wall -Wextra -Wno-unused-parameter -std=c++11
#include "shim.h"
*/
import "C"

import (
	"errors"
	"runtime"
	"unsafe"
)

// block is the number of samples on which the library works: 10 ms.
const block = C.UT_BLOCK

// The bits of Settings.
const (
	echoBit  = C.UT_ECHO
	noiseBit = C.UT_NOISE
	gainBit  = C.UT_GAIN
)

// A chain is the library at work on one voice. It is freed when nothing refers
// to it any more: a slot that is late must find it.
type chain struct {
	c      *C.struct_ut_chain
	blocks int // so many did it work on
}

func newChain(on uint32) (*chain, error) {
	c := &chain{c: C.ut_new(C.int(on))}
	if c.c == nil {
		return nil, errors.New("echo cancellation, noise suppression and gain control cannot start: " +
			"no memory, or not the library that this program was built with")
	}
	runtime.AddCleanup(c, func(c *C.struct_ut_chain) { C.ut_free(c) }, c.c)
	return c, nil
}

// set switches what the bits of on say, and reports whether that went well.
func (c *chain) set(on uint32) bool {
	err := C.ut_switch(c.c, C.int(on))
	runtime.KeepAlive(c)
	return err == 0
}

// run works on whole blocks of what is heard, in place, given what is played,
// and reports whether that went well. Both have one length.
func (c *chain) run(played, heard []float32) bool {
	c.blocks += len(heard) / block
	err := C.ut_run(c.c, (*C.float)(unsafe.SliceData(played)), (*C.float)(unsafe.SliceData(heard)), C.int(len(heard)/block))
	runtime.KeepAlive(c)
	return err == 0
}
