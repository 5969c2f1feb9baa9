package meter

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A line is one that datagrams come on, as a test would have it. Shares are of all
// messages.
type line struct {
	interval time.Duration
	place    time.Duration // when a slot's messages come, after its start
	batch    int           // messages in a slot
	late     time.Duration // by how much at most

	reading time.Duration // how much later a message is read, at most
	behind  float64       // how often reading stands still,
	stall   time.Duration // for so long

	lost    float64 // comes a second later, with others in one datagram, or never
	twice   float64 // comes again, and is not read again
	swapped float64 // comes after the one behind it
	refused float64 // comes, and is not read
}

// An event is that datagrams came, or that a message was read.
type event struct {
	at       int64
	messages int // in the datagram; 0: one was read
	slot     int64
}

// play lets so many slots pass on a line, and returns what happens, in order, and how
// long after its slot each message comes that is read.
func (l *line) play(r *rand.Rand, slots int) (all []event, right map[time.Duration]bool) {
	type datagram struct {
		at    int64
		slots []int64
	}
	var sent []datagram
	var again []int64
	interval := int64(l.interval)
	upTo := func(d time.Duration) int64 { return r.Int64N(int64(d) + 1) }
	for n := range int64(slots) {
		for k := range l.batch {
			at := n*interval + int64(l.place) + upTo(l.late) + int64(k)*int64(20*time.Microsecond) + upTo(1000)
			switch x := r.Float64(); {
			case x < l.lost:
				again = append(again, n)
				continue
			case x < l.lost+l.swapped:
				at += int64(l.interval) / int64(l.batch)
			}
			sent = append(sent, datagram{at, []int64{n}})
			if r.Float64() < l.twice {
				sent = append(sent, datagram{at + upTo(2*l.interval), nil})
			}
		}
		if len(again) > 3 {
			sent = append(sent, datagram{(n + 1) * interval, again[1:]}) // One is never heard of again.
			again = nil
		}
	}
	slices.SortStableFunc(sent, func(a, b datagram) int { return int(a.at - b.at) })
	right = make(map[time.Duration]bool)
	var read int64
	for _, d := range sent {
		all = append(all, event{at: d.at, messages: max(len(d.slots), 1)})
		for _, n := range d.slots {
			read = max(read, d.at) + 1
			if r.Float64() < l.refused {
				continue
			}
			read = max(read, d.at+upTo(l.reading))
			if r.Float64() < l.behind {
				read += int64(l.stall)
			}
			all = append(all, event{at: read, slot: n})
			right[time.Duration(d.at-n*interval)] = true
		}
	}
	slices.SortStableFunc(all, func(a, b event) int { return int(a.at - b.at) })
	return all, right
}

// However late messages are read, and whatever else comes or does not, what is told of
// a message is when it came; and of most it is told.
func TestPairs(t *testing.T) {
	const interval, slots = 100 * time.Millisecond, 3000
	for name, c := range map[string]struct {
		line
		told float64 // of those that were read, at least
	}{
		"read at once":          {line{}, 0.99},
		"read within a slot":    {line{late: 9 * time.Millisecond, reading: 95 * time.Millisecond}, 0.99},
		"late, read late":       {line{late: 120 * time.Millisecond, reading: 180 * time.Millisecond}, 0.85},
		"read after stalls":     {line{reading: 60 * time.Millisecond, behind: 0.02, stall: 700 * time.Millisecond}, 0.95},
		"batches":               {line{batch: 13, reading: 95 * time.Millisecond}, 0.95},
		"batches of forty":      {line{batch: 40, reading: 10 * time.Millisecond}, 0.95},
		"batches, with losses":  {line{batch: 13, reading: 20 * time.Millisecond, lost: 0.01, twice: 0.01}, 0.8},
		"losses":                {line{reading: 80 * time.Millisecond, lost: 0.05}, 0.9},
		"duplicates":            {line{reading: 80 * time.Millisecond, twice: 0.05}, 0.85},
		"duplicates, late":      {line{place: 130 * time.Millisecond, reading: 20 * time.Millisecond, twice: 0.002}, 0.7},
		"reordering":            {line{reading: 80 * time.Millisecond, swapped: 0.05}, 0.8},
		"refused":               {line{reading: 80 * time.Millisecond, refused: 0.05}, 0.8},
		"refused, late":         {line{place: 130 * time.Millisecond, reading: 20 * time.Millisecond, refused: 0.002}, 0.7},
		"all at once":           {line{late: 50 * time.Millisecond, reading: 80 * time.Millisecond, lost: 0.02, twice: 0.02, swapped: 0.02, refused: 0.02, behind: 0.01, stall: 300 * time.Millisecond}, 0.5},
		"all at once, and late": {line{place: 130 * time.Millisecond, reading: 80 * time.Millisecond, lost: 0.001, twice: 0.001, swapped: 0.001, refused: 0.001}, 0.3},
	} {
		t.Run(name, func(t *testing.T) {
			l := c.line
			l.interval, l.batch = interval, max(l.batch, 1)
			if l.place == 0 {
				l.place = 60 * time.Millisecond
			}
			all, right := l.play(rand.New(rand.NewPCG(1, 2)), slots)
			var p Pairs
			p.Begin(0)
			read, told, newest := 0, 0, int64(0)
			for _, e := range all {
				if e.messages > 0 {
					p.Came(e.at, e.messages)
					continue
				}
				since := int64(Unknown)
				if e.slot >= newest {
					since, newest = e.slot*int64(interval), e.slot
				}
				read++
				for _, took := range p.Read(since, e.at) {
					told++
					if !right[took] {
						t.Errorf("at %v a message is said to have come %v after the start of its slot, and none has", time.Duration(e.at), took)
					}
				}
			}
			if share := float64(told) / float64(read); share < c.told {
				t.Errorf("told of %d out of %d messages", told, read)
			}
		})
	}
}

// Who begins in the middle takes what was on its way for what it is, at the latest
// when he is trusted.
func TestPairsBegin(t *testing.T) {
	const interval = 100 * time.Millisecond
	l := line{interval: interval, place: 130 * time.Millisecond, batch: 3, late: time.Millisecond, reading: 150 * time.Millisecond}
	for seed := range uint64(50) {
		all, right := l.play(rand.New(rand.NewPCG(seed, 3)), 100)
		all = all[seed:]
		var p Pairs
		p.Begin(all[0].at)
		told := 0
		for _, e := range all {
			if e.messages > 0 {
				p.Came(e.at, e.messages)
				continue
			}
			for _, took := range p.Read(e.slot*int64(interval), e.at) {
				told++
				if !right[took] {
					t.Errorf("%d: %v", seed, took)
				}
			}
		}
		if told < 100 {
			t.Errorf("%d: told of %d", seed, told)
		}
	}
}

// What nobody reads takes no more room than there is, and nothing is told until it is
// certain again.
func TestPairsFull(t *testing.T) {
	var p Pairs
	p.Begin(0)
	for n := range int64(10 * held) {
		p.Came(n, 1)
	}
	second := int64(time.Second)
	if got := p.Read(5*held, 20*held); got != nil {
		t.Errorf("told %v", got)
	}
	for n := range int64(20) {
		start := (n + 1) * second
		p.Came(start+5, 1)
		if got := p.Read(start, start+9); len(got) > 0 != (n >= 2) || len(got) > 1 || len(got) == 1 && got[0] != 5 {
			t.Errorf("at second %d: %v", n+1, got)
		}
	}
}

// Nothing is allocated for a message.
func TestPairsAllocate(t *testing.T) {
	var p Pairs
	var g Grid
	var h Histogram
	var beats Spread
	at := int64(0)
	if n := testing.AllocsPerRun(10_000, func() {
		at += int64(time.Millisecond)
		p.Came(at, 1)
		for _, took := range p.Read(at, at) {
			g.Add(took, &h, &beats)
		}
	}); n != 0 || h.Count() == 0 {
		t.Errorf("%v allocations for a message, %d counted", n, h.Count())
	}
}
