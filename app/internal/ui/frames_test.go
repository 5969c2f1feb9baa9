package ui

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// How often a window is drawn: while it is hidden never, but for what is new, and never
// more than 20 times a second.
func TestFrames(t *testing.T) {
	for _, c := range []struct {
		what     string
		pace     time.Duration
		news     time.Duration // between two of them, 0 for none
		min, max int           // draws in ten seconds
	}{
		{"hidden", 0, 0, 0, 0},
		{"hidden, and something happens each second", 0, time.Second, 9, 10},
		{"calm", calm, 0, 9, 11},
		{"lively", frame, 0, 199, 201},
		{"all at once", frame, time.Millisecond, 199, 201},
		{"hidden, and all at once", 0, time.Millisecond, 199, 201},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFrames()
				f.pace.Store(int64(c.pace))
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				draws := 0
				done := make(chan struct{})
				go func() {
					defer close(done)
					f.run(ctx, func() { draws++ })
				}()
				for c.news > 0 && ctx.Err() == nil {
					time.Sleep(c.news)
					f.touch()
				}
				<-done
				if draws < c.min || draws > c.max {
					t.Errorf("%d draws in ten seconds", draws)
				}
			})
		})
	}
}

// Whoever waits without a pace goes on when there is one, and the other way round.
func TestPaceChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFrames()
		ctx, cancel := context.WithCancel(t.Context())
		var draws atomic.Int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.run(ctx, func() { draws.Add(1) })
		}()
		pass := func(d time.Duration) int64 {
			synctest.Wait()
			before := draws.Load()
			time.Sleep(d)
			synctest.Wait()
			return draws.Load() - before
		}
		if n := pass(time.Hour); n != 0 {
			t.Errorf("%d draws without a pace", n)
		}
		f.every(frame)
		if n := pass(time.Second); n < 19 || n > 21 {
			t.Errorf("%d draws in a lively second", n)
		}
		f.every(0)
		pass(time.Second)
		if n := pass(time.Hour); n != 0 {
			t.Errorf("%d draws after all", n)
		}
		cancel()
		<-done
	})
}
