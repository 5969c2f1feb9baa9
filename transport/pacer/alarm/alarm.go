// Package alarm waits for points in time as exactly as the machine allows. Both
// metronomes of Undertone, the client's pacer and the server's slot clock, wait
// with it.
//
// A Go timer alone is not good enough. It fires when some thread of the runtime
// comes round to it, about half a millisecond late in an idle process and
// sooner in a busy one, so that lateness would tell an observer how busy the
// process is. An Alarm approaches its time in three stages:
//
//	more than 5 ms ahead      a Go timer, which a context can end
//	less than that            a sleep of the thread
//	the last moment           a sleep of the thread that keeps its processor of
//	                          the Go scheduler, so that no other goroutine can
//	                          be in the way when it is over
//
// Measured on two cores of a virtual machine: a timer alone is late by 605 µs
// in the median and 1.1 ms at the 95th percentile; an Alarm by about 40 µs and
// 115 µs. With both cores taken by other processes nothing in user space helps
// at the 99th percentile; that is what the priority is asked for.
//
// A thread that sleeps keeps its processor of the Go scheduler, until the
// scheduler's watchman takes it away, up to 10 ms later in an idle process; and in
// the last moment for good. Two that sleep on two processors leave none for
// anybody else: whoever was to prepare the next cell is late for it. So for every
// Alarm the scheduler has one processor more. (Six clients and a server in one
// process on two cores, at 100 ms: without it 372 of 960 cells were not prepared
// in time, with it none.)
//
// In a testing/synctest bubble time does not move while a thread sleeps. New
// finds that out and uses the timer alone, which is exact there.
package alarm

import (
	"context"
	"runtime"
	"sync"
	"time"
)

const (
	// timerLead is how long before its time the timer gives way to sleeps of
	// the thread: longer than a timer is late on a busy machine.
	timerLead = 5 * time.Millisecond
	// probe is how long New sleeps to find out whether time is real.
	probe = 50 * time.Microsecond
)

// An Alarm belongs to the goroutine that made it.
type Alarm struct {
	timer    *time.Timer
	hold     time.Duration
	real     bool
	priority priority
}

// New locks the calling goroutine to its thread, and asks the system to treat
// that thread well; a refusal changes nothing. Close undoes it. hold is how long
// the last moment is: zero for who waits often, and otherwise as long as it takes
// to get a processor of the scheduler back, about a millisecond.
func New(hold time.Duration) *Alarm {
	runtime.LockOSThread()
	a := &Alarm{timer: time.NewTimer(time.Hour), hold: hold}
	a.timer.Stop()
	a.priority = raise()
	before := time.Now()
	sleepThread(probe)
	if a.real = time.Since(before) >= probe/2; a.real {
		addProcessors(1)
	}
	return a
}

var processors sync.Mutex

// addProcessors gives the scheduler n processors more.
func addProcessors(n int) {
	processors.Lock()
	defer processors.Unlock()
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + n)
}

// Close gives the thread back. It must be called by the goroutine that called
// New.
func (a *Alarm) Close() {
	a.timer.Stop()
	if a.real {
		addProcessors(-1)
	}
	a.priority.lower()
	runtime.UnlockOSThread()
}

// Wait returns true at t, or at once if t is past. It returns false if ctx ended
// before, or up to 5 ms later. It allocates nothing.
func (a *Alarm) Wait(ctx context.Context, t time.Time) bool {
	lead := timerLead
	if !a.real {
		lead = 0
	}
	if d := time.Until(t) - lead; d > 0 {
		a.timer.Reset(d)
		select {
		case <-a.timer.C:
		case <-ctx.Done():
			return false
		}
	}
	for d := time.Until(t); d > 0; d = time.Until(t) {
		if d > a.hold {
			sleepThread(d - a.hold)
		} else {
			holdThread(d)
		}
	}
	return ctx.Err() == nil
}
