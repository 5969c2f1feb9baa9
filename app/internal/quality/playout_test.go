package quality

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"undertone/assets"
	"undertone/codec"
	"undertone/codec/opus"
	"undertone/transport/cell"
)

// A playout is the ear of a call in simulated time: frames that come as late as a
// line makes them are taken when the jitter buffer says so, and what is heard is
// put together as a speaker would play it.
type playout struct {
	t      *testing.T
	i      cell.Interval
	jitter *codec.Jitter
	voice  *codec.Voice
	tape   *tape
	next   cell.Slot // the next to be played
	end    time.Time // of what was played

	lost    int             // slots that did not come in time
	saved   int             // those of them after which the next was there
	shift   time.Duration   // most by which two slots did not meet
	clean   []float32       // what should be heard, put together as what is heard
	there   []float32       // the same, with silence where a slot was guessed
	waiting []time.Duration // by slot, how long after it was sent it was heard
}

const quietSlots = 20 // before the speech begins, in which nobody listens

func newPlayout(t *testing.T, i cell.Interval) *playout {
	p := &playout{t: t, i: i, jitter: codec.NewJitter(i, 1)}
	p.voice, p.tape = newVoice(t, i, nil)
	return p
}

func (p *playout) sent(n cell.Slot) time.Time {
	return time.Unix(1000, 0).Add(time.Duration(n) * p.i.Duration()) //nolint:gosec // small
}

// never is how late a slot comes that is lost.
const never = -1

// run plays speech over a line that delays slot k of it by late(k).
func (p *playout) run(speech []float32, late func(k int) time.Duration) {
	slot := p.i.Samples()
	e, err := opus.NewEncoder(p.i)
	if err != nil {
		p.t.Fatal(err)
	}
	slots := cell.Slot(len(speech)/slot) + quietSlots //nolint:gosec // small
	frames := make([]codec.Frame, slots)
	came := make([]time.Time, slots)
	for n := range slots {
		k := max(0, int(n)-quietSlots) //nolint:gosec // small
		e.Encode(speech[k*slot:(k+1)*slot], &frames[n])
		if by := late(int(n) - quietSlots); by != never { //nolint:gosec // small
			came[n] = p.sent(n).Add(by)
		}
	}
	for p.next < slots {
		// Whatever is next: the first to come, or a slot that is due.
		first := -1
		for n := range came {
			if !came[n].IsZero() && (first < 0 || came[n].Before(came[first])) {
				first = n
			}
		}
		due, ok := p.jitter.Due(p.next)
		if first >= 0 && (!ok || came[first].Before(due)) {
			n := cell.Slot(first) //nolint:gosec // positive
			p.jitter.Arrived(n, came[first])
			if first >= quietSlots {
				p.jitter.Put(n, 0, &frames[n])
			}
			came[first] = time.Time{}
			continue
		}
		p.play(due, speech)
	}
	p.voice.Ear(p.next, false, nil, nil, 0) // The end fades.
}

// play plays what is due.
func (p *playout) play(due time.Time, speech []float32) {
	if off := due.Sub(p.end); p.next > quietSlots {
		p.shift = max(p.shift, off, -off)
	}
	n := p.jitter.Back(p.next)
	more := p.jitter.Stretch(n)
	var f codec.Frame
	var heard *codec.Frame
	if p.jitter.Take(n, 0, &f) {
		heard = &f
	} else if n > quietSlots {
		p.lost++
	}
	var g codec.Frame
	var ahead *codec.Frame
	if p.jitter.Peek(n+1, 0, &g) {
		ahead = &g
	}
	if heard == nil && ahead != nil {
		p.saved++
	}
	by := p.voice.Ear(n, n >= quietSlots, []*codec.Frame{heard}, []*codec.Frame{ahead}, more)
	p.jitter.Stretched(by)
	p.next, p.end = n+1, due.Add(p.i.Duration()+codec.Duration(by))
	if n >= quietSlots {
		p.waiting = append(p.waiting, due.Sub(p.sent(n)))
		at := int(n-quietSlots)*p.i.Samples() - opus.Delay //nolint:gosec // small
		p.clean = append(p.clean, cut(speech, at, p.i.Samples()+by)...)
		p.there = append(p.there, p.clean[len(p.there):]...)
		if heard == nil {
			clear(p.there[len(p.there)-p.i.Samples()-by:])
		}
	}
}

// wait is how long after it was sent the slot was heard that holds a time.
func (p *playout) wait(at time.Duration) time.Duration {
	return p.waiting[min(len(p.waiting)-1, int(at/p.i.Duration()))]
}

// check looks for what must never be heard, in all but the first samples.
func (p *playout) check(from int) (estoi float64) {
	p.t.Helper()
	p.faultless(from)
	_, estoi = p.score(from)
	return estoi
}

// score is how well what is heard can be understood.
func (p *playout) score(from int) (stoi, estoi float64) {
	return Intelligibility(p.clean[from:], p.tape.heard[from:len(p.clean)])
}

// faultless fails where there is what no loss and no delay excuses.
func (p *playout) faultless(from int) {
	p.t.Helper()
	clean, heard := p.clean[from:], p.tape.heard[from:]
	clicks, gaps := Clicks(clean, heard, 0), Gaps(p.there[from:], heard, 0)
	if len(clicks)+len(gaps) > 0 {
		p.t.Errorf("clicks at %v, gaps at %v", clicks, gaps)
	}
	// A clock that is off is taken up by a resampler, a hole is not.
	if p.shift > time.Millisecond/4 {
		p.t.Errorf("two slots are %v apart", p.shift)
	}
}

const undisturbed = 20 * time.Millisecond

// scatter is a line that has so much jitter from one time to another, and that is
// slower by as much if all is set. What waits in a queue keeps its order.
func scatter(i cell.Interval, jitter, from, to time.Duration, all bool) func(k int) time.Duration {
	rng, late := rand.New(rand.NewPCG(1, 2)), undisturbed
	return func(k int) time.Duration {
		switch at := time.Duration(k) * i.Duration(); {
		case at < from || at >= to:
			return undisturbed
		case all:
			return undisturbed + jitter
		}
		late = max(late-i.Duration(), undisturbed+time.Duration(rng.Int64N(int64(jitter))))
		return late
	}
}

// TestPlayoutGrows: in the middle of speech the line gets slower, or jitter. The
// delay has followed within a second, what is played joins what was played before,
// and nothing is lost for good but what no ear could have waited for.
func TestPlayoutGrows(t *testing.T) {
	speech := load(t, assets.Speech())[:3*SampleRate]
	least := map[cell.Interval]float64{cell.Interval20: 0.94, cell.Interval40: 0.88, cell.Interval100: 0.75}
	for _, i := range cell.Intervals() {
		for _, all := range []bool{false, true} {
			for _, jitter := range []time.Duration{20 * time.Millisecond, 60 * time.Millisecond, 150 * time.Millisecond} {
				if i != cell.Interval40 && jitter < 150*time.Millisecond {
					continue // What is seldom lost needs no more than one witness.
				}
				t.Run(fmt.Sprintf("%v, %v, all slots %v", i, jitter, all), func(t *testing.T) {
					p := newPlayout(t, i)
					p.run(speech, scatter(i, jitter, time.Second, time.Hour, all))
					estoi, wait, lost := p.check(0), p.wait(2*time.Second), p.lost
					t.Logf("ESTOI %.3f, %d of %d slots guessed, waits %v before, %v a second after, %v at the end",
						estoi, lost, len(p.waiting), p.wait(900*time.Millisecond), wait, p.wait(time.Hour))
					if estoi < least[i] {
						t.Errorf("ESTOI %.3f, want %.2f", estoi, least[i])
					}
					if want := undisturbed + jitter*3/4; wait < want || wait > undisturbed+jitter+50*time.Millisecond {
						t.Errorf("a second after it waits %v, want %v at least", wait, want)
					}
					// As long as it takes to see that two are late, and one in twenty of the rest.
					if most := int(jitter/i.Duration()) + 3 + len(p.waiting)/20; lost > most {
						t.Errorf("%d slots guessed, want %d at most", lost, most)
					}
				})
			}
		}
	}
}

// TestPlayoutShrinks: when the line is quiet again, the delay becomes what it was,
// slowly, and nobody hears how.
func TestPlayoutShrinks(t *testing.T) {
	const i, jitter = cell.Interval40, 60 * time.Millisecond
	said := load(t, assets.Speech())
	var speech []float32
	for len(speech) < 18*SampleRate {
		speech = append(speech, said...)
	}
	p := newPlayout(t, i)
	p.run(speech[:18*SampleRate], scatter(i, jitter, time.Second, 3*time.Second, false))
	estoi := p.check(13 * SampleRate)
	t.Logf("ESTOI %.3f, waits %v, then after 12, 14, 16 and 18 s %v, %v, %v, %v", estoi, p.wait(3*time.Second),
		p.wait(12*time.Second), p.wait(14*time.Second), p.wait(16*time.Second), p.wait(time.Hour))
	if estoi < 0.93 {
		t.Errorf("ESTOI %.3f", estoi)
	}
	if wait := p.wait(time.Hour); wait > undisturbed+5*time.Millisecond {
		t.Errorf("5 s after the jitter has been forgotten it waits %v", wait)
	}
	for k := int(time.Second / i.Duration()); k < len(p.waiting); k++ {
		if from, to := p.waiting[k-int(time.Second/i.Duration())], p.waiting[k]; from-to > 35*time.Millisecond {
			t.Fatalf("within a second the wait goes from %v to %v", from, to)
		}
	}
}
