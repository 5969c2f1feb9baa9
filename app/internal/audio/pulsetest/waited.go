package pulsetest

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Waited calls f and returns how long that took, if f waited for something, and 0 if
// not. From a thread that computes a busy machine takes the processor, for as long as
// it likes: that is no waiting, and the system counts it apart.
func Waited(f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, start := given(), time.Now()
	f()
	took := time.Since(start)
	if given() == before {
		return 0
	}
	return took
}

// given returns how often this thread gave up the processor by itself.
func given() int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		panic(err) // It has no reason to fail.
	}
	return u.Nvcsw
}
