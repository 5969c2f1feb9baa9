package alarm

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sleepThread sleeps for d, or less if a signal comes. Meanwhile other
// goroutines may use the processor.
func sleepThread(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &ts, nil)
}

// holdThread is sleepThread without telling the scheduler. When the scheduler
// wants the goroutine to stop, for the collector, its signal ends the sleep.
func holdThread(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_, _, _ = syscall.RawSyscall6(unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_MONOTONIC, 0,
		uintptr(unsafe.Pointer(&ts)), 0, 0, 0) //nolint:gosec // the address of a local variable, for the length of the call
}

// A kernelTimer is a timer that is a file. The runtime watches it together with the
// sockets, and a goroutine that reads it is parked like one that waits for a packet.
type kernelTimer struct {
	fd   int
	file *os.File
	ends [8]byte // what is read: how often it has gone off
}

// newKernelTimer returns nil where the system refuses one more file.
func newKernelTimer() *kernelTimer {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil
	}
	return &kernelTimer{fd: fd, file: os.NewFile(uintptr(fd), "alarm")} //nolint:gosec // a descriptor
}

// wait returns after d, which is positive, or when end is called, or at once after
// that. What can go wrong ends it early, which an Alarm bears.
func (k *kernelTimer) wait(d time.Duration) {
	at := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if unix.TimerfdSettime(k.fd, 0, &at, nil) == nil {
		_, _ = k.file.Read(k.ends[:])
	}
}

// end ends all waits, from anywhere.
func (k *kernelTimer) end() { _ = k.file.SetReadDeadline(time.Unix(1, 0)) }

func (k *kernelTimer) close() { _ = k.file.Close() }

const (
	// slack is how much later than asked the kernel may wake the thread, in
	// nanoseconds, to save power. The default is 50 µs.
	slack = 1000
	// nice is the priority asked for. Only privileged processes get it.
	nice = -10
)

// A priority is what to go back to.
type priority struct {
	thread int
	nice   int
	raised bool
}

// raise asks for a timer slack next to nothing, which every process gets, and
// for a better place in the queue for a core.
func raise() priority {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, slack, 0, 0, 0)
	p := priority{thread: unix.Gettid()}
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, p.thread)
	if err != nil {
		return p
	}
	p.nice = 20 - raw // The system call answers 20 minus the nice value.
	p.raised = p.nice > nice && unix.Setpriority(unix.PRIO_PROCESS, p.thread, nice) == nil
	return p
}

func (p priority) lower() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // Zero is the default of the process.
	if p.raised {
		_ = unix.Setpriority(unix.PRIO_PROCESS, p.thread, p.nice)
	}
}
