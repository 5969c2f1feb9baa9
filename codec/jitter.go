package codec

import (
	"slices"
	"time"

	"undertone/transport/cell"
)

// Tuning constants of a Jitter.
const (
	// jitterMemory is how long an arrival counts.
	jitterMemory = 10 * time.Second
	// jitterRecent is how many of the newest arrivals are looked at for a line
	// that has just become worse.
	jitterRecent = 32
	// jitterMiss is the share of cells, one in so many, that may come too late
	// to be heard: waiting for the last straggler delays every other cell.
	jitterMiss = 50
	// jitterHeadroom is the least that the ear waits beyond what the arrivals
	// ask for.
	jitterHeadroom = 2 * time.Millisecond
	// jitterMax is the longest that the ear waits after a cell is expected.
	// Beyond it, talking to each other becomes worse than losing a word.
	jitterMax = 300 * time.Millisecond
	// jitterShrink is how much shorter the wait may become in one second of a
	// call: a Drift between here and the speaker takes it up unheard.
	jitterShrink = 4 * time.Millisecond
	// jitterLost is how far from the grid an arrival must be to say that there
	// is another grid: the server or this machine has been away.
	jitterLost = 2 * time.Second
	// jitterDepth is the number of slots that can wait. It is more than
	// jitterMax in the shortest slots.
	jitterDepth = 32
)

// A Jitter holds the frames that came and says when each is to be heard.
//
// The server sends each user exactly one cell in every slot, on a grid. So an
// arrival has a lateness: how much later it came than its slot number says,
// counted from the first arrival. Lateness has a floor, the undisturbed line,
// which wanders slowly as the two clocks drift apart, and the network adds to
// it:
//
//	arrivals:     |.:|||::..  .   .                  .
//	lateness  ----+-----------+-------+--------------+------------>
//	              floor       all but one in fifty
//	              |<----- allowance ----->|
//	                                      due: frames are taken here
//
// The allowance grows at once when the newest arrivals need it, and in a call
// shrinks by 4 ms a second at most; while nobody listens it is set to what the
// last ten seconds ask for, so that a call begins with the right one. For that,
// Put wants every arrival, in idle too.
//
// Put, Take and Due each cost a few hundred comparisons at most and allocate
// nothing. A Jitter knows no time but that of its arguments.
type Jitter struct {
	interval cell.Interval

	// The grid: slot zero was expected at ref, give or take the lateness.
	begun bool
	zero  cell.Slot
	ref   time.Time

	late   []time.Duration // the newest arrivals' lateness, oldest at next when full
	next   int
	sorted []time.Duration // the same, in order
	offset time.Duration   // the lateness at which frames are taken

	slots [jitterDepth]waiting
	taken cell.Slot // the newest slot that was taken
	any   bool      // taken is valid
	voice cell.Slot // the newest slot in which a voice was taken, valid if heard
	heard bool
	stats JitterStats
}

// waiting is one slot's frame.
type waiting struct {
	slot  cell.Slot
	full  bool
	frame Frame
}

// JitterStats counts frames since the Jitter was made.
type JitterStats struct {
	Heard   uint64 // taken in time
	Missing uint64 // not there when they were due, or nothing was said
	Late    uint64 // came after they were due, and were dropped
}

// NewJitter returns an empty Jitter for slots of length i.
func NewJitter(i cell.Interval) *Jitter {
	size := int(jitterMemory / i.Duration())
	return &Jitter{
		interval: i,
		late:     make([]time.Duration, 0, size),
		sorted:   make([]time.Duration, 0, size),
	}
}

// Reset forgets all arrivals and frames, as after a new connection.
func (j *Jitter) Reset() {
	j.begun, j.any, j.heard = false, false, false
	j.late, j.sorted, j.next = j.late[:0], j.sorted[:0], 0
	for k := range j.slots {
		j.slots[k].full = false
	}
}

// Put notes that the cell of slot n arrived, and keeps a copy of its frame; f
// is nil if the cell carried no voice. It reports whether the frame will be
// heard if it is taken when due.
func (j *Jitter) Put(n cell.Slot, f *Frame, at time.Time) bool {
	if j.begun && absolute(j.lateness(n, at)-j.offset) > jitterLost {
		j.Reset()
	}
	if !j.begun {
		j.begun, j.zero, j.ref, j.offset = true, n, at, jitterHeadroom
	}
	j.note(j.lateness(n, at))
	j.adapt(n)
	if f == nil {
		return false
	}
	if j.any && n <= j.taken {
		j.stats.Late++
		return false
	}
	w := &j.slots[n%jitterDepth]
	w.slot, w.full, w.frame = n, true, *f
	return true
}

// Take copies the frame of slot n to f and reports whether there was one. After
// it, frames of this slot and of earlier ones are late.
func (j *Jitter) Take(n cell.Slot, f *Frame) bool {
	if !j.any || n > j.taken {
		j.any, j.taken = true, n
	}
	w := &j.slots[n%jitterDepth]
	if !w.full || w.slot != n {
		j.stats.Missing++
		return false
	}
	w.full = false
	*f = w.frame
	j.heard, j.voice = true, n
	j.stats.Heard++
	return true
}

// Due returns when slot n is to be taken, and false as long as nothing has
// arrived that could tell.
func (j *Jitter) Due(n cell.Slot) (time.Time, bool) {
	if !j.begun {
		return time.Time{}, false
	}
	return j.ref.Add(j.span(n) + j.offset), true
}

// Allowance returns how long after its expected arrival a cell is taken.
func (j *Jitter) Allowance() time.Duration {
	if !j.begun {
		return 0
	}
	return j.offset - j.floor()
}

// Stats returns what was counted so far.
func (j *Jitter) Stats() JitterStats { return j.stats }

// span is the time from the slot of the first arrival to slot n.
func (j *Jitter) span(n cell.Slot) time.Duration {
	return time.Duration(int64(n-j.zero)) * j.interval.Duration() //nolint:gosec // modular arithmetic is meant
}

// lateness is how much later than its slot number says a cell came.
func (j *Jitter) lateness(n cell.Slot, at time.Time) time.Duration {
	return at.Sub(j.ref) - j.span(n)
}

// note adds one arrival and forgets the oldest.
func (j *Jitter) note(late time.Duration) {
	if len(j.late) < cap(j.late) {
		j.late = append(j.late, late)
	} else {
		k, _ := slices.BinarySearch(j.sorted, j.late[j.next])
		j.sorted = slices.Delete(j.sorted, k, k+1)
		j.late[j.next] = late
		j.next = (j.next + 1) % len(j.late)
	}
	k, _ := slices.BinarySearch(j.sorted, late)
	j.sorted = slices.Insert(j.sorted, k, late)
}

// adapt moves the offset towards what the arrivals ask for.
func (j *Jitter) adapt(n cell.Slot) {
	want := min(max(j.common(), j.recent())+jitterHeadroom, j.floor()+jitterMax)
	listening := j.heard && int64(n-j.voice) < int64(time.Second/j.interval.Duration()) //nolint:gosec // modular
	if want >= j.offset || !listening {
		j.offset = want
		return
	}
	step := time.Duration(int64(jitterShrink) * int64(j.interval) / int64(time.Second))
	j.offset = max(want, j.offset-step)
}

// floor is the lateness of an undisturbed arrival; a single early one, which a
// clock that was set may cause, does not make it.
func (j *Jitter) floor() time.Duration { return j.sorted[(len(j.sorted)-1)/jitterMiss] }

// common is the lateness that all but one in jitterMiss arrivals keep to.
func (j *Jitter) common() time.Duration {
	return j.sorted[len(j.sorted)-1-(len(j.sorted)-1)/jitterMiss]
}

// recent is the second largest lateness among the newest arrivals: one
// straggler is lost, two are a line that has changed.
func (j *Jitter) recent() time.Duration {
	first, second := time.Duration(-1<<63), time.Duration(-1<<63)
	size := len(j.late)
	newest := j.next + size - 1
	for k := range min(size, jitterRecent) {
		switch d := j.late[(newest-k)%size]; {
		case d > first:
			first, second = d, first
		case d > second:
			second = d
		}
	}
	return max(second, j.floor())
}

func absolute(d time.Duration) time.Duration { return max(d, -d) }
