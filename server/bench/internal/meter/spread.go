package meter

import (
	"sync"
	"time"
)

// A Spread is from where to where durations go. Its zero value has none.
type Spread struct {
	mu          sync.Mutex
	some        bool
	first, last time.Duration
}

// Add takes in a duration.
func (s *Spread) Add(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.some {
		s.some, s.first, s.last = true, d, d
	}
	s.first, s.last = min(s.first, d), max(s.last, d)
}

// A Span is what a report tells of a Spread, in milliseconds.
type Span struct {
	First float64 `json:"first_ms"`
	Last  float64 `json:"last_ms"`
}

// Span returns from where to where it goes, and nothing if there were no durations.
func (s *Spread) Span() *Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.some {
		return nil
	}
	return &Span{First: milliseconds(s.first), Last: milliseconds(s.last)}
}
