package ui

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// frame is the least time between two redraws.
	frame = 50 * time.Millisecond
	// calm is the time between two while nothing moves, if the window can be seen.
	calm = time.Second
)

// frames says when the window is to be drawn: when there is something new, and at a
// pace of its own if there is one. While the window is hidden there is none, and nothing
// at all is done.
type frames struct {
	news chan struct{} // 1 deep: there is something new
	pace atomic.Int64  // a time.Duration; 0 for none
}

func newFrames() *frames { return &frames{news: make(chan struct{}, 1)} }

// touch says that there is something new. It never waits.
func (f *frames) touch() {
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// every sets the pace, 0 for none.
func (f *frames) every(d time.Duration) {
	if time.Duration(f.pace.Swap(int64(d))) != d {
		f.touch() // Who waits at another pace is to know.
	}
}

// run calls draw when it is time to, until ctx ends. draw must not wait.
func (f *frames) run(ctx context.Context, draw func()) {
	t := time.NewTimer(time.Hour)
	defer t.Stop()
	for {
		t.Stop()
		if d := time.Duration(f.pace.Load()); d > 0 {
			t.Reset(d - frame) // A frame has passed already.
		}
		select {
		case <-f.news:
		case <-t.C:
		case <-ctx.Done():
			return
		}
		draw()
		t.Reset(frame)
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}
