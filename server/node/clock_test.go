package node

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"undertone/transport/rtc"
)

// A clock that is corrected is none of the server's business. When it was set, or the
// machine slept, the server ends so that it can start anew, and says why.
func TestClockIsSet(t *testing.T) {
	for _, c := range []struct {
		by   time.Duration
		ends bool
	}{
		{0, false}, {59 * time.Minute, false}, {-59 * time.Minute, false},
		{61 * time.Minute, true}, {-61 * time.Minute, true}, {400 * 24 * time.Hour, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			time.Sleep(3 * clockEvery)
			w.clock.Store(int64(c.by))
			time.Sleep(2 * clockEvery)
			select {
			case err := <-w.done:
				if !c.ends || !errors.Is(err, ErrClock) {
					t.Errorf("by %v: %v", c.by, err)
				}
				w.done <- nil
			default:
				if c.ends {
					t.Errorf("it goes on, %v off", c.by)
				}
			}
			w.stop()
		})
	}
}

// A server that no cell can reach any more ends and says so, instead of going on for
// nobody.
func TestDeadPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		time.Sleep(time.Second)
		if err := w.socket.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-w.done; !errors.Is(err, rtc.ErrPort) {
			t.Errorf("it ended with %v", err)
		}
		w.done <- nil
		w.stop()
	})
}

// Time is compared as people do it: the monotonic clock stands still while a machine
// sleeps.
func TestClocksAreCompared(t *testing.T) {
	now := time.Now()
	slept := time.Unix(0, now.UnixNano()).Add(2 * time.Hour) // no monotonic reading
	if err := compareClocks(now, slept); !errors.Is(err, ErrClock) {
		t.Errorf("two hours later: %v", err)
	}
	if err := compareClocks(now, now.Add(time.Minute).In(time.FixedZone("", 7200))); err != nil {
		t.Error(err)
	}
}
