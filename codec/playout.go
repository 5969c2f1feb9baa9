package codec

import (
	"time"

	"undertone/transport/cell"
)

// How the instant of playing moves while somebody listens. A slot that was due at
// once much later would leave the speaker without sound until then, and one much
// earlier would have to be heard on top of the one before. So the offset moves only
// as the sound itself gets longer or shorter:
//
//	the wish is        the offset follows        and the sound
//	------------------------------------------------------------------------------
//	near               0.5 ms a second           is not touched: the same as a clock
//	                                             that is off, which a Drift takes up
//	later              as Stretch asks: up to    repeats periods of the voice
//	                   5/8 of a slot, each slot
//	later, and nothing whole slots at once       goes on where it broke off: the guess
//	 was heard         (Back)                    at it was the time that was gained
//	earlier            as Stretch asks: 20 ms    leaves periods out
//	                   a second at most
//	much earlier       at once, to jitterMax     skips
//
// Quick to grow, since every slot that is late until then is lost; slow to shrink,
// since a delay of some milliseconds too much is not heard, and leaving out is if
// it is done all the time.
const (
	// jitterCreep is by how much the offset may move in one second of its own.
	// Cards run within 0.2 ms a second of each other, and a Drift corrects ten
	// times as much as that and this.
	jitterCreep = 500 * time.Microsecond
	// jitterShrink is how much may be left out in one second.
	jitterShrink = 20 * time.Millisecond
	// jitterSpare is how much of that can be saved up: the longest step of a
	// stretcher.
	jitterSpare = stretchMost * time.Second / SampleRate
	// jitterOver is more than the offset may exceed the wish by, where only whole
	// slots or whole periods can be had.
	jitterOver = 40 * time.Millisecond
)

// Duration returns how long so many samples last.
func Duration(samples int) time.Duration {
	return time.Duration(samples) * time.Second / SampleRate
}

// adapt finds what the arrivals ask for. The offset may creep once in a slot, with
// the first that comes of it.
func (j *Jitter) adapt(n cell.Slot, first bool) {
	most := j.base() + jitterMax
	j.wish = min(max(j.common(), j.recent())+jitterHeadroom+j.patience(), most-jitterOver)
	if !j.listening(n) {
		j.offset, j.spare = j.wish, 0
		return
	}
	if !first {
		return
	}
	step := j.perSlot(jitterCreep)
	j.offset += min(max(j.wish-j.offset, -step), step)
	// A line that was much slower and is not any more: what waits is skipped.
	j.offset = min(j.offset, most)
}

// listening reports whether a voice was heard within the last second.
func (j *Jitter) listening(n cell.Slot) bool {
	return j.heard && int64(n-j.voice) < int64(time.Second/j.interval.Duration()) //nolint:gosec // modular
}

// perSlot is what so much in a second is in a slot.
func (j *Jitter) perSlot(d time.Duration) time.Duration {
	return d * j.interval.Duration() / time.Second
}

// Back returns which slot is to be heard when n is due. That is n, unless the line
// has just become slower: the slots before n were not there when they were due, a
// guess was heard instead, and now some have come. To go on with the first of them
// loses none, and grows the allowance by what the guess took. It goes back no
// further than the arrivals ask for.
func (j *Jitter) Back(n cell.Slot) cell.Slot {
	if !j.listening(n) || n <= j.voice {
		return n
	}
	need := j.wish - j.offset
	if need <= jitterHeadroom {
		return n // A straggler.
	}
	slots := need / j.interval.Duration()
	if rest := need % j.interval.Duration(); rest > j.interval.Duration()*stretchMost/stretchPiece {
		slots++ // Longer than this one slot can become.
	}
	slots = min(slots, time.Duration(n-j.voice-1), jitterDepth/2) //nolint:gosec // less than a second
	for ; slots > 0; slots-- {
		if back := n - cell.Slot(slots); j.shelf.holds(back) { //nolint:gosec // positive
			j.offset += slots * j.interval.Duration()
			j.taken = back - 1
			return back
		}
	}
	return n
}

// Stretch returns by how many samples slot n should be longer when it is played, or
// shorter if it is negative.
func (j *Jitter) Stretch(n cell.Slot) int {
	if !j.listening(n) {
		return 0
	}
	// As long as the headroom covers it, nothing is lost yet.
	if need := j.wish - j.offset; need > jitterHeadroom {
		return int(need * SampleRate / time.Second)
	}
	excess := min(j.offset-j.wish, j.spare) * SampleRate / time.Second
	if excess < stretchLeast {
		return 0
	}
	return -int(excess)
}

// Stretched is to be called once in every slot: it was played for so many samples
// longer, and the next is due so much later.
func (j *Jitter) Stretched(by int) {
	j.offset += Duration(by)
	j.spare = min(j.spare+j.perSlot(jitterShrink), jitterSpare) + min(Duration(by), 0)
}
