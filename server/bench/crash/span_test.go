package crash

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// spans are how long something took, each time.
type spans struct {
	mu  sync.Mutex
	all []time.Duration
}

func (s *spans) add(d ...time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, d...)
	slices.Sort(s.all)
}

// longest returns the longest of them.
func (s *spans) longest() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[len(s.all)-1]
}

// String tells them in few words.
func (s *spans) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		return "never"
	}
	at := func(share float64) time.Duration { return round(s.all[int(share*float64(len(s.all)-1))]) }
	return fmt.Sprintf("after %v in the median, 99 %% after %v, all after %v (%d times)", at(0.5), at(0.99), at(1), len(s.all))
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
