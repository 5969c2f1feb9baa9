package demo

import (
	"sync/atomic"
	"testing"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/phone"
	"undertone/transport/simnet"
)

// A stuckDevice is a sound device that stands still once for as long as it is
// told, and everything with it that is not the pacer or the network.
type stuckDevice struct {
	audio.Device
	next atomic.Int64 // nanoseconds
}

func (d *stuckDevice) Write(pcm []float32) {
	time.Sleep(time.Duration(d.next.Swap(0)))
	d.Device.Write(pcm)
}

// A stall of everything but the pacer, of 70 ms and of 3 s, shows in no packet:
// no gap, no burst, no new line. It must not even lose the line.
func TestStallShowsNothing(t *testing.T) {
	t.Parallel()
	var stuck *stuckDevice
	stall := func(d time.Duration) func(*trace) {
		return func(*trace) {
			time.Sleep(time.Second)
			stuck.next.Store(int64(d))
		}
	}
	before := func(tr *trace) {
		stuck = &stuckDevice{Device: tr.ann.sound}
		tr.ann.sound = stuck
	}
	tr := record(t, scene{interval: pace(), before: before}, idle, stall(70*time.Millisecond), stall(3*time.Second), nothing)
	for k, what := range []string{1: "a stall of 70 ms", 2: "a stall of 3 s", 3: "what follows"} {
		if d := simnet.Diff(tr.windows[0], tr.windows[k]); d != "" {
			t.Errorf("%s shows:\n%s", what, d)
		}
	}
	if tr.offline > 0 {
		t.Errorf("the line was lost %d times", tr.offline)
	}
}

// countOffline takes the events that are left, and counts lost lines.
func (tr *trace) countOffline(u *User) {
	for {
		select {
		case e := <-u.Phone.Events():
			if e.Kind == phone.Offline {
				tr.offline++
			}
		default:
			return
		}
	}
}
