package cell

import (
	"fmt"
	"time"
)

// SampleRate is the rate of all sound inside Undertone, in samples per second.
const SampleRate = 48000

// An Interval is the length of a slot. Only the three below exist.
type Interval time.Duration

// The intervals of a set.
const (
	// Interval20 has the lowest latency: 38.4 kbit/s of Opus.
	Interval20 = Interval(20 * time.Millisecond)
	// Interval40 is the default: 19.2 kbit/s of Opus.
	Interval40 = Interval(40 * time.Millisecond)
	// Interval100 is the paper's ten cells a second: 7.7 kbit/s of Opus.
	Interval100 = Interval(100 * time.Millisecond)
)

// Intervals lists all of them, shortest first.
func Intervals() []Interval { return []Interval{Interval20, Interval40, Interval100} }

// ParseInterval reads "20ms", "40ms" or "100ms".
func ParseInterval(s string) (Interval, error) {
	for _, i := range Intervals() {
		if s == i.String() {
			return i, nil
		}
	}
	return 0, fmt.Errorf("interval %q: use 20ms, 40ms or 100ms", s)
}

// Duration returns the interval as a duration.
func (i Interval) Duration() time.Duration { return time.Duration(i) }

// String returns "20ms", "40ms" or "100ms".
func (i Interval) String() string { return time.Duration(i).String() }

// Milliseconds returns 20, 40 or 100.
func (i Interval) Milliseconds() int { return int(time.Duration(i) / time.Millisecond) }

// Samples returns the number of samples of one slot at SampleRate.
func (i Interval) Samples() int { return i.Milliseconds() * SampleRate / 1000 }

// Bitrate returns the bits of voice per second: VoiceSize bytes in each slot.
func (i Interval) Bitrate() int { return VoiceSize * 8 * 1000 / i.Milliseconds() }

// Slots returns how many whole slots d lasts, rounded up.
func (i Interval) Slots(d time.Duration) Slot {
	if d <= 0 {
		return 0
	}
	return Slot((d + i.Duration() - 1) / i.Duration()) //nolint:gosec // positive
}

// At returns the slot that t lies in.
func (i Interval) At(t time.Time) Slot {
	return Slot(t.UnixNano() / int64(i)) //nolint:gosec // after 1970
}

// Start returns the time at which slot n starts.
func (i Interval) Start(n Slot) time.Time {
	return time.Unix(0, int64(n)*int64(i)) //nolint:gosec // before 2262
}

// A Mode is one of the three protocols.
type Mode uint8

// The modes.
const (
	// TMIX is the trusted server of the paper's section 4.
	TMIX Mode = iota + 1
	// BMIX is the broadcasting server of the paper's section 5.1.
	BMIX
	// SMIX is superposed sending, the paper's section 5.2.
	SMIX
)

// ParseMode reads "tmix", "bmix" or "smix".
func ParseMode(s string) (Mode, error) {
	for _, m := range []Mode{TMIX, BMIX, SMIX} {
		if s == m.String() {
			return m, nil
		}
	}
	return 0, fmt.Errorf("mode %q: use tmix, bmix or smix", s)
}

// String returns the name of the mode as written in links and configuration.
func (m Mode) String() string {
	switch m {
	case TMIX:
		return "tmix"
	case BMIX:
		return "bmix"
	case SMIX:
		return "smix"
	}
	return "unknown"
}
