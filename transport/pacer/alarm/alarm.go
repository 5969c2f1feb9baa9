// Package alarm waits for points in time as exactly as the machine allows. Both
// metronomes of Undertone, the client's pacer and the server's slot clock, wait
// with it.
//
// A Go timer alone is not good enough. It fires when some thread of the runtime
// comes round to it, about half a millisecond late in an idle process and
// sooner in a busy one, so that lateness would tell an observer how busy the
// process is. An Alarm approaches its time in three stages:
//
//	long before       a timer of the kernel, for whose file the goroutine is parked
//	shortly before    a sleep of the thread: from 3 ms ahead on, or 5 ms for who
//	                  waits often
//	the last moment   a sleep of the thread that keeps its processor of the Go
//	                  scheduler, so that no other goroutine can be in the way when
//	                  it is over
//
// Measured on two cores of a virtual machine: a timer alone is late by 605 µs
// in the median and 1.1 ms at the 95th percentile; an Alarm by about 30 µs and
// 50 µs. With both cores taken by other processes nothing in user space helps
// at the 99th percentile; that is what the priority is asked for.
//
// A thread that sleeps keeps its processor of the Go scheduler, until the
// scheduler's watchman takes it away, up to 10 ms later in an idle process; and in
// the last moment for good. All the while the watchman looks at it 14,000 times a
// second, which costs more than the work of a slot: so who waits seldom sleeps for 3 ms
// only. That is how long all processors of the scheduler may be taken by other
// goroutines without an Alarm being late for it.
//
// And two that sleep on two processors leave none for anybody else: whoever was to
// prepare the next cell is late for it. So for every Alarm the scheduler has one
// processor more. (Six clients and a server in one process on two cores, at 100 ms:
// without it 372 of 960 cells were not prepared in time, with it none.)
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
	// nap is how long before its time the kernel's timer gives way to a sleep of the
	// thread, for who waits seldom: longer than it takes to get from the one to the
	// other in a busy process.
	nap = 3 * time.Millisecond
	// timerLead is the same for who waits often, and for a Go timer, where the kernel
	// has none for us: longer than that is late on a busy machine.
	timerLead = 5 * time.Millisecond
	// probe is how long New sleeps to find out whether time is real.
	probe = 50 * time.Microsecond
)

// An Alarm belongs to the goroutine that made it.
type Alarm struct {
	ctx      context.Context //nolint:containedctx // the one end of all waits
	deaf     func() bool     // ends the ear for it
	kernel   *kernelTimer    // nil where there is none
	timer    *time.Timer     // where there is no other
	lead     time.Duration   // how long before its time a timer gives way
	hold     time.Duration
	real     bool
	priority priority
}

// New locks the calling goroutine to its thread, and asks the system to treat
// that thread well; a refusal changes nothing. Close undoes it. No wait outlives
// ctx. hold is how long the last moment is: zero for who waits often, and otherwise
// as long as it takes to get a processor of the scheduler back, about a millisecond.
func New(ctx context.Context, hold time.Duration) *Alarm {
	runtime.LockOSThread()
	a := &Alarm{ctx: ctx, timer: time.NewTimer(time.Hour), hold: hold, priority: raise()}
	a.timer.Stop()
	before := time.Now()
	sleepThread(probe)
	if a.real = time.Since(before) >= probe/2; !a.real {
		return a
	}
	addProcessors(1)
	a.lead = max(timerLead, hold)
	if a.kernel = newKernelTimer(); a.kernel != nil {
		if hold > 0 {
			a.lead = max(nap, hold)
		}
		a.deaf = context.AfterFunc(ctx, a.kernel.end)
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
	if a.kernel != nil {
		a.deaf()
		a.kernel.close()
	}
	if a.real {
		addProcessors(-1)
	}
	a.priority.lower()
	runtime.UnlockOSThread()
}

// Wait returns true at t, or at once if t is past. It returns false if the context
// has ended, at once but in the last moment. It allocates nothing.
func (a *Alarm) Wait(t time.Time) bool {
	if d := time.Until(t) - a.lead; d > 0 {
		a.park(d)
	}
	for d := time.Until(t); d > 0 && a.ctx.Err() == nil; d = time.Until(t) {
		if d > a.hold {
			sleepThread(d - a.hold)
		} else {
			holdThread(d)
		}
	}
	return a.ctx.Err() == nil
}

// Doze is Wait for what nobody sees: without the last moment. It still sleeps in its
// thread before, which has a better place in the queue for a core than those that look
// at timers, since whom it wakes has work to do in time.
func (a *Alarm) Doze(t time.Time) bool {
	if d := time.Until(t) - a.lead; d > 0 {
		a.park(d)
	}
	for d := time.Until(t); a.real && d > 0 && a.ctx.Err() == nil; d = time.Until(t) {
		sleepThread(d)
	}
	return a.ctx.Err() == nil
}

// park waits for d, or less, while the scheduler is free to do what it likes.
func (a *Alarm) park(d time.Duration) {
	if a.kernel != nil {
		a.kernel.wait(d)
		return
	}
	a.timer.Reset(d)
	select {
	case <-a.timer.C:
	case <-a.ctx.Done():
	}
}
