package node

import (
	"context"
	"errors"
	"sync/atomic"
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
		{0, false}, {59 * time.Minute, false}, {-11 * time.Hour, false},
		{61 * time.Minute, true}, {-13 * time.Hour, true}, {400 * 24 * time.Hour, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var clock atomic.Int64
			n := &Node{started: time.Now(), machine: func() time.Time { return time.Now().Add(time.Duration(clock.Load())) }}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- n.watchClock(ctx) }()
			time.Sleep(3 * clockEvery)
			if len(done) > 0 {
				t.Fatalf("it ends before anything has happened: %v", <-done)
			}
			clock.Store(int64(c.by))
			time.Sleep(2 * clockEvery)
			cancel()
			if err := <-done; errors.Is(err, ErrClock) != c.ends || !c.ends && err != nil {
				t.Errorf("by %v: %v", c.by, err)
			}
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
