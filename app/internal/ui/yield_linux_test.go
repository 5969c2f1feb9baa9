package ui

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// The thread that draws is behind all others in the queue for a processor, and they do
// not inherit that.
func TestYield(t *testing.T) {
	usual := niceOf(t)
	drawn := make(chan int)
	go func() {
		runtime.LockOSThread() // For good: the thread ends with the goroutine.
		yield()
		others := make(chan int)
		for range 8 {
			go func() {
				runtime.LockOSThread()
				others <- niceOf(t)
			}()
		}
		for range 8 {
			if n := <-others; n != usual {
				t.Errorf("another thread has the nice value %d, not %d", n, usual)
			}
		}
		drawn <- niceOf(t)
	}()
	if n := <-drawn; n != min(usual+politeness, 19) {
		t.Errorf("the thread that draws has the nice value %d, and others %d", n, usual)
	}
}

func niceOf(t *testing.T) int {
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, unix.Gettid())
	if err != nil {
		t.Error(err)
	}
	return 20 - raw
}
