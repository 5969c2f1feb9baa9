package portaudio

import (
	"sync"
	"time"
)

// Tuning constants of looking for changes.
const (
	// changePause is between two changes at the least: a sound server tells of
	// every move of a volume.
	changePause = time.Second
	// againTime is when a sound server that did not answer is asked again.
	againTime = 10 * time.Second
)

// changes tell that the devices may be others, at most once in a changePause.
type changes struct {
	c chan struct{} // one deep

	mu    sync.Mutex
	last  time.Time
	due   time.Time   // when the timer tells; zero if it does not
	timer *time.Timer // nil before the first
}

func newChanges() *changes { return &changes{c: make(chan struct{}, 1)} }

// now tells of a change, as soon as it may. Any goroutine may call it.
func (c *changes) now() { c.in(0) }

// in tells of a change after d, unless one is told of before.
func (c *changes) in(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	at := now.Add(d)
	if next := c.last.Add(changePause); at.Before(next) {
		at = next
	}
	if !c.due.IsZero() && !at.Before(c.due) {
		return
	}
	c.due = at
	if c.timer != nil {
		c.timer.Stop()
	}
	c.timer = time.AfterFunc(at.Sub(now), c.tell)
}

func (c *changes) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.due = time.Now(), time.Time{}
	select {
	case c.c <- struct{}{}:
	default:
	}
}

// stop tells of nothing that is not due yet.
func (c *changes) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
	}
}
