package pulsetest

import (
	"testing"
	"time"
)

// Who waits has waited, and who computes as long has not, whatever else runs.
func TestWaited(t *testing.T) {
	const long = 5 * time.Millisecond
	for range 20 {
		if d := Waited(func() { <-time.After(long) }); d < long {
			t.Errorf("who waited for %v is said to have waited for %v", long, d)
		}
	}
	waited := 0
	for range 20 {
		if Waited(func() {
			for start := time.Now(); time.Since(start) < long; { //nolint:revive // it computes
			}
		}) > 0 {
			waited++ // For the garbage collector, now and then.
		}
	}
	if waited > 5 {
		t.Errorf("who computes is said to have waited %d times of 20", waited)
	}
}
