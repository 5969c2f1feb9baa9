package pacer

import (
	"sync/atomic"
	"time"
)

// Stats counts what a Pacer did since it was made. None of it depends on calls.
type Stats struct {
	Sent       uint64 // parts that were sent
	Skipped    uint64 // parts that were due too long ago, because the process was stopped
	Bare       uint64 // parts for which there was no cover
	StagedLate uint64 // batches that were staged after their tick, or too far ahead

	// Lateness of the parts that were sent.
	MeanLateness time.Duration
	MaxLateness  time.Duration
}

type stats struct {
	sent, skipped, bare, stagedLate atomic.Uint64
	lateness, worst                 atomic.Int64 // nanoseconds; sum and maximum
}

// sentAt counts a part that was sent late by the given time.
func (s *stats) sentAt(late time.Duration) {
	s.sent.Add(1)
	s.lateness.Add(int64(late))
	if int64(late) > s.worst.Load() { // Only the pacer writes.
		s.worst.Store(int64(late))
	}
}

// Stats returns the counts so far.
func (p *Pacer) Stats() Stats {
	s := Stats{
		Sent:        p.stats.sent.Load(),
		Skipped:     p.stats.skipped.Load(),
		Bare:        p.stats.bare.Load(),
		StagedLate:  p.stats.stagedLate.Load(),
		MaxLateness: time.Duration(p.stats.worst.Load()),
	}
	if s.Sent > 0 {
		s.MeanLateness = time.Duration(p.stats.lateness.Load() / int64(s.Sent))
	}
	return s
}
