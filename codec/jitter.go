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
	// jitterOvertaken is how late a cell may be, after one of a later slot, to say
	// something of the line: so much do paths that reorder. What comes later was
	// lost and sent again, at least a slot and a round trip after its time, and to
	// wait for those would delay every word. Unless a share of jitterDisorder is
	// overtaken: a line on which one in five is lost carries no call.
	jitterOvertaken = 60 * time.Millisecond
	jitterDisorder  = 0.2
	// jitterOrder is over how many arrivals that share is taken.
	jitterOrder = 64
	// jitterLost is how far from the grid an arrival must be to say that there
	// is another grid: the server or this machine has been away.
	jitterLost = 2 * time.Second
	// jitterCopy is the longest slot for which the ear waits for the next one
	// when cells are lost, because that one holds a copy (see package opus).
	jitterCopy = cell.Interval20
	// jitterHoles is how many of the newest jitterJudge slots must come after a
	// hole for that: 4 % of three seconds. It ends when fewer in all that is
	// remembered do, which is 1 %: with 1 % of loss at random it seldom begins
	// and does not last, with 3 % it begins within seconds and stays.
	jitterHoles = 6
	jitterJudge = 160
	// jitterDepth is the number of slots that can wait. It is more than twice
	// jitterMax in the shortest slots: those to come, and those to come back to.
	jitterDepth = 32
)

// A Jitter holds the frames that came and says when each is to be heard.
//
// The server sends each user one batch in every slot, on a grid: a single cell,
// or some messages that follow each other at once. So an arrival has a
// lateness: how much later it came than its slot number says, counted from the
// first arrival. Lateness has a floor, the undisturbed line, which wanders
// slowly as the two clocks drift apart, and the network adds to it:
//
//	arrivals:     |.:|||::..  .   .                  .
//	lateness  ----+-----------+-------+--------------+------------>
//	              floor       all but one in fifty
//	              |<----- allowance ----->|
//	                                      due: frames are taken here
//
// The offset is where frames are taken, the wish where the arrivals want it. While
// nobody listens they are the same, so that a call begins with what the last ten
// seconds ask for; for that, Arrived wants every slot, in idle too. While somebody
// listens nothing jumps: how the offset follows is in playout.go.
//
// Where a frame holds a copy of the one before it, which is so in slots of 20 ms,
// the ear waits one slot longer while many slots come after a hole: a lost frame
// is then recovered from the next. Speech has more from that than the 20 ms take
// from talking to each other: at 5 % of loss the ESTOI is 0.98 instead of 0.96. A
// hole of many slots counts once, since one frame of it can be recovered. A slot
// that came without a voice, where those beside it have one, is a hole too: the
// cell was lost on the speaker's own way to the server.
//
// When a slot is heard does not depend on who speaks in it: all speakers of a
// slot came in one batch and are taken together. In one slot the calls are
//
//	Arrived(n, at)    for what came of the batch, then
//	Put(n, s, f)      for each speaker s who said something in it
//	n = Back(n)       at Due(n): what is to be heard now
//	more = Stretch(n) by how many samples it should be longer
//	Take(n, s, f)     once for every speaker
//	Peek(n+1, s, f)   for what is there already of the next
//	Stretched(by)     by how many samples it was
//
// Each call costs a few hundred comparisons at most and allocates nothing. A
// Jitter knows no time but that of its arguments.
type Jitter struct {
	interval cell.Interval

	// The grid: slot zero was expected at ref, give or take the lateness.
	begun bool
	zero  cell.Slot
	ref   time.Time

	high     cell.Slot // the highest slot that came
	disorder float64   // the share of arrivals that were overtaken

	late   []noted // the newest arrivals, oldest at next when full
	next   int
	sorted []time.Duration // their lateness, in order
	offset time.Duration   // the lateness at which frames are taken
	holes  int             // how many of the noted come after a hole
	spoken cell.Slot       // the newest slot that has a voice
	mute   cell.Slot       // the newest of those after a slot without a voice
	longer bool            // the ear waits for the next slot, too
	wish   time.Duration   // the lateness that the arrivals ask for
	spare  time.Duration   // how much may be left out now

	shelf shelf
	taken cell.Slot // the newest slot that was taken
	any   bool      // taken is valid
	voice cell.Slot // the newest slot in which a voice was taken, valid if heard
	heard bool
	stats JitterStats
}

// noted is the arrival of a slot.
type noted struct {
	slot cell.Slot
	late time.Duration
	hole bool // the slot before it has not come
}

// JitterStats counts the frames of all speakers since the Jitter was made.
type JitterStats struct {
	Heard   uint64 // taken in time
	Missing uint64 // not there when they were due, or nothing was said
	Late    uint64 // came after they were due
}

// NewJitter returns an empty Jitter for slots of length i in which up to
// speakers people may be heard at once; there is always room for one.
func NewJitter(i cell.Interval, speakers int) *Jitter {
	size := int(jitterMemory / i.Duration())
	return &Jitter{
		interval: i,
		late:     make([]noted, 0, size),
		sorted:   make([]time.Duration, 0, size),
		shelf:    newShelf(speakers),
	}
}

// Reset forgets all arrivals and frames, as after a new connection.
func (j *Jitter) Reset() {
	j.begun, j.any, j.heard, j.disorder = false, false, false, 0
	j.late, j.sorted, j.next = j.late[:0], j.sorted[:0], 0
	j.holes, j.longer = 0, false
	j.spoken, j.mute = 0, 0
	j.shelf.clear()
}

// Arrived notes that slot n came, whatever it held. A slot counts once: if it
// comes as several messages and Arrived is told of each, it came when the last
// of them did. Of a message that is sent twice only the first copy to come is
// an arrival, and what was lost and sent again is none.
func (j *Jitter) Arrived(n cell.Slot, at time.Time) {
	if j.begun && absolute(j.lateness(n, at)-j.offset) > jitterLost {
		j.Reset()
	}
	if !j.begun {
		j.begun, j.zero, j.ref, j.offset, j.high = true, n, at, jitterHeadroom, n
	}
	if len(j.late) > 0 && j.resent(n, j.lateness(n, at)) {
		return
	}
	first := j.note(n, j.lateness(n, at))
	j.adapt(n, first)
}

// resent reports whether slot n was probably lost and sent again, and notes whether
// it was overtaken.
func (j *Jitter) resent(n cell.Slot, late time.Duration) bool {
	overtaken := 0.0
	if n < j.high {
		overtaken = 1
	}
	j.high = max(j.high, n)
	j.disorder += (overtaken - j.disorder) / jitterOrder
	return overtaken > 0 && late > j.floor()+jitterOvertaken && j.disorder < jitterDisorder
}

// Put keeps a copy of what a speaker says in slot n, and reports whether it
// will be heard if it is taken when due. What is late is kept too as long as
// nobody was heard since: the ear may go back to it. The arrival of the slot must
// have been noted before. Speakers count from zero; there is no other than
// NewJitter was told of.
func (j *Jitter) Put(n cell.Slot, speaker int, f *Frame) bool {
	j.speak(n)
	if j.any && n <= j.taken {
		j.stats.Late++
		if j.heard && n > j.voice && !j.shelf.holds(n+jitterDepth) {
			j.shelf.put(n, speaker, f)
		}
		return false
	}
	return j.shelf.put(n, speaker, f)
}

// Take copies what a speaker says in slot n to f and reports whether there was
// anything. After it frames of this slot and of earlier ones are late, so that
// all speakers of a slot are taken before anything else is put.
func (j *Jitter) Take(n cell.Slot, speaker int, f *Frame) bool {
	if !j.any || n > j.taken {
		j.any, j.taken = true, n
	}
	if !j.shelf.take(n, speaker, f) {
		j.stats.Missing++
		return false
	}
	j.heard, j.voice = true, n
	j.stats.Heard++
	return true
}

// Peek copies what a speaker says in slot n to f and reports whether that is
// there. It is not taken.
func (j *Jitter) Peek(n cell.Slot, speaker int, f *Frame) bool { return j.shelf.peek(n, speaker, f) }

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

// note adds the lateness of slot n, or corrects it if more of the slot came
// later, and reports whether the slot is a new one. The oldest is forgotten.
func (j *Jitter) note(n cell.Slot, late time.Duration) bool {
	k, known := j.find(n)
	switch {
	case known:
		late = max(late, j.late[k].late)
		j.unsort(j.late[k].late)
		j.late[k].late = late
	case len(j.late) < cap(j.late):
		j.late = append(j.late, noted{n, late, j.hole(n)})
	default:
		j.unsort(j.late[j.next].late)
		if j.late[j.next].hole {
			j.holes--
		}
		j.late[j.next] = noted{n, late, j.hole(n)}
		j.next = (j.next + 1) % len(j.late)
	}
	at, _ := slices.BinarySearch(j.sorted, late)
	j.sorted = slices.Insert(j.sorted, at, late)
	return !known
}

// speak takes in that slot n has a voice, whether it was noted already or not yet.
func (j *Jitter) speak(n cell.Slot) {
	if n == j.spoken+2 {
		j.mute = n
		if k, noted := j.find(n); noted && !j.late[k].hole {
			j.late[k].hole = true
			j.holes++
		}
	}
	j.spoken = max(j.spoken, n)
}

// hole reports whether slot n, which came now, comes after one that has not, or
// that has no voice, and counts that; if it was itself a hole before the next, it is not any more.
func (j *Jitter) hole(n cell.Slot) bool {
	if after, came := j.find(n + 1); came && j.late[after].hole {
		j.late[after].hole = false
		j.holes--
	}
	if _, came := j.find(n - 1); (came || len(j.late) == 0) && j.mute != n {
		return false
	}
	j.holes++
	return true
}

// find looks for slot n among the newest arrivals.
func (j *Jitter) find(n cell.Slot) (int, bool) {
	for back := range min(len(j.late), jitterRecent) {
		if k := j.newest(back); j.late[k].slot == n {
			return k, true
		}
	}
	return 0, false
}

// newest returns where the newest arrival is, or the one so many before it.
func (j *Jitter) newest(back int) int {
	return (j.next + len(j.late) - 1 - back) % len(j.late)
}

// unsort takes one lateness out of the order.
func (j *Jitter) unsort(late time.Duration) {
	k, _ := slices.BinarySearch(j.sorted, late)
	j.sorted = slices.Delete(j.sorted, k, k+1)
}

// patience is how much longer the ear waits so that the next slot may be there.
func (j *Jitter) patience() time.Duration {
	if j.interval > jitterCopy {
		return 0
	}
	holes := j.holes
	if !j.longer {
		holes = 0
		for back := range min(len(j.late), jitterJudge) {
			if j.late[j.newest(back)].hole {
				holes++
			}
		}
	}
	if j.longer = holes >= jitterHoles; j.longer {
		return j.interval.Duration()
	}
	return 0
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
	for back := range min(len(j.late), jitterRecent) {
		switch d := j.late[j.newest(back)].late; {
		case d > first:
			first, second = d, first
		case d > second:
			second = d
		}
	}
	return max(second, j.floor())
}

// base is the second smallest lateness among the newest arrivals: the line as it is
// now, where floor is the best that it was within the last seconds.
func (j *Jitter) base() time.Duration {
	first, second := time.Duration(1<<63-1), time.Duration(1<<63-1)
	for back := range min(len(j.late), jitterRecent) {
		switch d := j.late[j.newest(back)].late; {
		case d < first:
			first, second = d, first
		case d < second:
			second = d
		}
	}
	return min(second, j.sorted[len(j.sorted)-1])
}

func absolute(d time.Duration) time.Duration { return max(d, -d) }
