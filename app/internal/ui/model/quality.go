package model

import (
	"fmt"
	"time"

	"undertone/app/internal/phone"
	"undertone/app/internal/ui/words"
)

// Of the last few seconds so much may be missing until a person hears it, and until it
// is hard to follow. README's table says what it does to speech.
const (
	qualityFor  = 8 * time.Second
	sampleEvery = 500 * time.Millisecond

	someLost = 0.02
	muchLost = 0.10
)

// quality is how the voice of the last seconds came.
type quality struct {
	samples []sample
}

type sample struct {
	at              time.Time
	heard, conceals uint64
	faults          uint64
}

// take takes in how things stand, and returns how it sounds in words and in numbers.
func (q *quality) take(at time.Time, s phone.State, talking bool) (text, numbers words.Message) {
	if !talking {
		q.samples = q.samples[:0]
		return text, numbers
	}
	now := sample{at, s.Played.Heard, s.Played.Concealed, s.SoundFaults}
	if n := len(q.samples); n == 0 || at.Sub(q.samples[n-1].at) >= sampleEvery {
		q.samples = append(q.samples, now)
	}
	for len(q.samples) > 1 && at.Sub(q.samples[0].at) > qualityFor {
		q.samples = q.samples[1:]
	}
	first := q.samples[0]
	heard, missing := now.heard-first.heard, now.conceals-first.conceals
	lost := 0.0
	if all := heard + missing; all > 0 {
		lost = float64(missing) / float64(all)
	}
	numbers = words.M("quality.numbers", "lost", fmt.Sprintf("%.1f", 100*lost),
		"wait", s.Wait.Milliseconds(), "faults", now.faults-first.faults)
	switch {
	case heard == 0 && missing == 0:
		return words.M("quality.unknown"), numbers
	case heard == 0:
		return words.M("quality.silent"), numbers
	case lost > muchLost:
		return words.M("quality.bad"), numbers
	case now.faults > first.faults:
		return words.M("quality.machine"), numbers
	case lost > someLost:
		return words.M("quality.fair"), numbers
	}
	return words.M("quality.good"), numbers
}
