package pacer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"pgregory.net/rapid"

	"undertone/transport/cell"
)

// A path is a network and a server, simulated without clocks or goroutines.
type path struct {
	interval cell.Interval
	oneWay   time.Duration
	jitter   time.Duration // mean of an exponential distribution, up only
	loss     float64       // both ways
	drift    float64       // of the client's clock, in ppm
	window   time.Duration // W of the server
	offset   time.Duration // of this user in it
	dither   time.Duration // P of the server
	guess    time.Duration // of the round trip
	parts    int           // of a batch; zero is one
	step     time.Duration // by which the way up and the way down get longer at half time
}

// A journey is what became of one upload.
type journey struct {
	slot    cell.Slot
	sent    time.Duration // since the start
	early   time.Duration // before the cut-off; negative is lost
	arrived time.Time
	gone    bool
}

type delivery struct {
	at    time.Time
	slot  cell.Slot
	early int8
}

// look is the server's view of one user's uploads: what session.Line computes.
type look struct {
	early []int
	last  cell.Slot
}

func (l *look) arrive(i cell.Interval, n cell.Slot, early time.Duration) {
	ms := min(max(int(early.Milliseconds()), -127), 127)
	if k := len(l.early); k > 0 && n > l.last+1 && ms-l.early[k-1] >= i.Milliseconds()/2 {
		l.early = l.early[:0]
	}
	l.last = max(l.last, n)
	l.early = append(l.early, ms)
	l.early = l.early[max(0, len(l.early)-64):]
}

func (l *look) feedback() int8 {
	if len(l.early) == 0 {
		return noReport
	}
	s := slices.Sorted(slices.Values(l.early))
	return int8(s[len(s)/16])
}

// travel runs a client over the path for d and returns its uploads. lie,
// unless nil, replaces what the server reports.
func (p path) travel(seed uint64, d time.Duration, lie func(int8) int8) []journey {
	rnd := rand.New(rand.NewPCG(seed, 1))
	epoch := p.interval.Start(50_000_000)
	server := look{}
	var (
		all      []journey
		inFlight []int // indices of journeys, by arrival
		down     []delivery
		n        = p.interval.At(epoch)
	)
	oneWay := func(t time.Time) time.Duration {
		if t.Sub(epoch) > d/2 {
			return p.oneWay + p.step
		}
		return p.oneWay
	}
	pass := func() { // the server's pass of slot n
		at := p.interval.Start(n).Add(p.window)
		for len(inFlight) > 0 && !all[inFlight[0]].arrived.After(at) {
			j := &all[inFlight[0]]
			server.arrive(p.interval, j.slot, j.early)
			inFlight = inFlight[1:]
		}
		f := server.feedback()
		if lie != nil {
			f = lie(f)
		}
		if rnd.Float64() >= p.loss {
			at = at.Add(p.dither + p.offset)
			down = append(down, delivery{at.Add(oneWay(at)), n, f})
		}
		n++
	}
	for len(down) == 0 {
		pass()
	}
	first := down[0]
	down = down[1:]
	cfg := Config{Interval: p.interval, Lead: 10 * time.Millisecond, Margin: DefaultMargin, RoundTrip: p.guess, Parts: max(p.parts, 1)}
	g := cfg.firstGrid(report{slot: first.slot, at: first.at}, first.at)
	s := newSteer(&g, DefaultMargin)
	base, _ := g.Next()
	for {
		tick, slot := g.Next()
		// The client's clock runs fast or slow.
		at := tick.Add(time.Duration(float64(tick.Sub(base)) * p.drift / 1e6))
		if at.Sub(epoch) > d {
			return all
		}
		for !p.interval.Start(n).Add(p.window).After(at) {
			pass()
		}
		j := journey{slot: slot, sent: tick.Sub(base), gone: rnd.Float64() < p.loss}
		// What counts is the last part.
		j.arrived = at.Add(cfg.partAt(cfg.Parts-1) + oneWay(at) + time.Duration(rnd.ExpFloat64()*float64(p.jitter)))
		j.early = p.interval.Start(slot).Add(p.offset).Sub(j.arrived)
		all = append(all, j)
		if !j.gone {
			i := sort.Search(len(inFlight), func(i int) bool { return all[inFlight[i]].arrived.After(j.arrived) })
			inFlight = slices.Insert(inFlight, i, len(all)-1)
		}
		g.Step()
		for len(down) > 0 && !down[0].at.After(at) {
			s.report(&g, down[0].slot, down[0].early)
			down = down[1:]
		}
	}
}

// checkBounds fails if slots go back or the phase moves faster than promised.
func checkBounds(t interface{ Fatalf(string, ...any) }, i cell.Interval, all []journey) {
	var late int
	for k := 1; k < len(all); k++ {
		if all[k].slot <= all[k-1].slot {
			t.Fatalf("slot %d after slot %d", all[k].slot, all[k-1].slot)
		}
		speed := (all[k].sent - all[k-1].sent - i.Duration()).Abs()
		if speed > i.Duration()/acquiringPart {
			t.Fatalf("tick %d moved by %v", k, speed)
		}
		if all[k].sent > acquireFor*101/100+i.Duration() && speed > i.Duration()/lockedPart {
			late++
		}
	}
	if late > 0 {
		t.Fatalf("%d ticks moved by more than 200 ppm after the acquisition", late)
	}
}

// share returns the part of the uploads that came too late, from a time on.
func share(all []journey, from time.Duration) float64 {
	var n, late int
	for _, j := range all {
		if j.sent < from || j.gone {
			continue
		}
		n++
		if j.early < 0 {
			late++
		}
	}
	return float64(late) / float64(max(n, 1))
}

// earliness returns the median over the uploads from a time on.
func earliness(all []journey, from time.Duration) time.Duration {
	var e []time.Duration
	for _, j := range all {
		if j.sent >= from {
			e = append(e, j.early)
		}
	}
	slices.Sort(e)
	return e[len(e)/2]
}

// acquired returns when the last run of late uploads before the middle ended.
func acquired(all []journey) (at time.Duration) {
	for k, j := range all {
		if k > 0 && j.early < 0 && all[k-1].early < 0 && k < len(all)/2 {
			at = j.sent
		}
	}
	return at
}

func TestSteerConverges(t *testing.T) {
	testConverges(t, 1, []int{0, 1, 10, 33, 50, 100, 200, 300})
}

// TestSteerConvergesInParts measures the last of two parts, and of more.
func TestSteerConvergesInParts(t *testing.T) {
	testConverges(t, 2, []int{0, 33, 300})
	testConverges(t, maxParts, []int{70})
}

func testConverges(t *testing.T, parts int, oneWays []int) {
	for _, i := range cell.Intervals() {
		for _, oneWay := range oneWays {
			for _, hard := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v/%dms/jitter=%v", i, oneWay, hard), func(t *testing.T) {
					p := path{
						parts: parts, interval: i, oneWay: time.Duration(oneWay) * time.Millisecond,
						window: 5 * time.Millisecond, offset: 3 * time.Millisecond, dither: time.Millisecond,
					}
					d, lateMax, band := time.Minute, 0.0, 4*time.Millisecond
					if hard {
						p.jitter, p.loss, p.drift = 3*time.Millisecond, 0.05, 50
						d, lateMax, band = 3*time.Minute, 0.025, 15*time.Millisecond
					}
					all := p.travel(uint64(oneWay)+7, d, nil)
					checkBounds(t, i, all)
					if got := share(all, 20*time.Second); got > lateMax {
						t.Errorf("%.1f %% of the uploads are late, from 20 s on", got*100)
					}
					if got := earliness(all, 30*time.Second); got < 0 || got > DefaultMargin+band {
						t.Errorf("uploads come %v early", got)
					}
					// A round trip, fresh reports, and once more.
					limit := 2*(2*p.oneWay+time.Duration(fresh+3)*i.Duration()) + 500*time.Millisecond
					if got := acquired(all); got > limit && !hard {
						t.Errorf("in time only after %v, not %v", got, limit)
					}
					t.Logf("in time after %v, then %v early", acquired(all), earliness(all, 30*time.Second))
				})
			}
		}
	}
}

// TestSteerGuess shows what a known round trip saves.
func TestSteerGuess(t *testing.T) {
	p := path{interval: cell.Interval100, oneWay: 60 * time.Millisecond, window: 5 * time.Millisecond, dither: time.Millisecond}
	blind := acquired(p.travel(1, 40*time.Second, nil))
	p.guess = 2 * p.oneWay
	told := p.travel(1, 40*time.Second, nil)
	if got := acquired(told); got >= blind {
		t.Fatalf("in time after %v, and after %v without the guess", got, blind)
	}
	checkBounds(t, p.interval, told)
}

// TestSteerNewPath lengthens the network's way for good, while locked.
func TestSteerNewPath(t *testing.T) {
	for _, i := range cell.Intervals() {
		p := path{interval: i, oneWay: 20 * time.Millisecond, window: 5 * time.Millisecond, dither: time.Millisecond, step: 150 * time.Millisecond}
		all := p.travel(1, 120*time.Second, nil)
		checkBounds(t, i, all)
		if got := share(all, 90*time.Second); got > 0 {
			t.Errorf("%v: %.1f %% of the uploads are late half a minute after the way got longer", i, got*100)
		}
	}
}

// TestSteerStall has 400 ms of uploads arrive late once, while locked. Slots
// must stay.
func TestSteerStall(t *testing.T) {
	g := NewGrid(cell.Interval40, 1000, time.Unix(0, 0))
	s := newSteer(&g, DefaultMargin)
	n := cell.Slot(1000)
	step := func(early int8) cell.Slot {
		g.Step()
		_, next := g.Next()
		s.report(&g, n, early)
		n++
		return next
	}
	for range 400 {
		step(6)
	}
	before, _ := g.Next()
	for k := range 64 {
		if next := step(-127); next != cell.Slot(1401+k) {
			t.Fatalf("slot %d after %d late reports", next, k)
		}
	}
	for range 100 {
		step(6)
	}
	after, next := g.Next()
	if next != 1564 || after.Sub(before)-164*40*time.Millisecond < -time.Millisecond {
		t.Fatalf("slot %d, phase moved by %v", next, after.Sub(before)-164*40*time.Millisecond)
	}
}

// TestSteerHostile feeds whatever a server may invent. The bounds hold, and the
// slots stay within what the cover in stock covers.
func TestSteerHostile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.SampledFrom(cell.Intervals()).Draw(t, "interval")
		p := path{interval: i, oneWay: time.Duration(rapid.IntRange(0, 300).Draw(t, "ms")) * time.Millisecond, window: 5 * time.Millisecond}
		lies := rapid.SliceOfN(rapid.Int8(), 1, 40).Draw(t, "lies")
		k := 0
		all := p.travel(1, 40*time.Second, func(int8) int8 { k++; return lies[k/9%len(lies)] })
		checkBounds(t, i, all)
		for k := 1; k < len(all); k++ {
			if leap := all[k].slot - all[k-1].slot; leap > i.Slots(MinHold) {
				t.Fatalf("%d slots at once", leap)
			}
		}
	})
}
