package ui

import "golang.org/x/sys/unix"

// politeness is by how much worse a place in the queue for a processor the thread that
// draws has than all others.
const politeness = 5

// yield has the kernel prefer every other thread of the program to this one, which draws:
// those that prepare and send cells, and those that open them. It must be called by the
// goroutine that draws. That is locked to its thread, so no other thread of Go's comes
// from it; those that the graphics library starts there are as polite.
func yield() {
	thread := unix.Gettid()
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, thread)
	if err != nil {
		return
	}
	nice := 20 - raw // The system call answers 20 minus the nice value.
	_ = unix.Setpriority(unix.PRIO_PROCESS, thread, min(nice+politeness, 19))
}
