package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// unkept is what the kernel says of how wrong its clock can be, once nobody has
// compared it with another for hours.
const unkept = 16 * time.Second

// systemClock asks the kernel, which whoever keeps the clock tells how well.
func systemClock() clockState {
	var t unix.Timex // With no mode set it is only read.
	if _, err := unix.Adjtimex(&t); err != nil {
		return clockState{} // Some containers forbid it.
	}
	within := time.Duration(t.Maxerror) * time.Microsecond
	return clockState{known: true, kept: within < unkept, within: within.Round(time.Millisecond)}
}
