package codec

import (
	"math"
	"testing"
)

// A creep is a Drift of which only the positions move: an hour is over at once.
type creep struct {
	d           *Drift
	write, read int
	ppm         float64 // how much faster the writer's clock runs than the reader's
	at, wrote   float64
	told        bool                    // the reader tells phases
	late        func(block int) float64 // how late a block comes, if they do
	came        float64                 // when the newest did
}

// run goes on until a time in seconds. It returns by how much what the writer's clock
// says is ahead of the reader changed from its least to its most, and the least that
// a read left.
func (c *creep) run(until float64) (low, high float64, least int) {
	low, high, least = math.Inf(1), math.Inf(-1), c.d.size
	r := &c.d.reader
	for ; c.at < until*SampleRate; c.at += float64(c.read) {
		now := c.at * (1 + c.ppm/1e6)
		for ; c.wrote+float64(c.write)+c.lateness() <= now; c.wrote += float64(c.write) {
			c.d.block.Store(int64(c.write))
			c.d.written.Add(uint64(c.write)) //nolint:gosec // positive
			c.came = c.wrote + float64(c.write) + c.lateness()
		}
		if c.told {
			c.d.Phase(c.write - int(now-c.came))
		}
		r.frac += r.speed * float64(c.read)
		c.d.read.Add(uint64(r.frac))
		r.frac -= math.Trunc(r.frac)
		c.d.steer(c.read)
		ahead := now - float64(c.d.read.Load())
		low, high, least = min(low, ahead), max(high, ahead), min(least, c.d.fill())
	}
	return low, high, least
}

// lateness is that of the next block.
func (c *creep) lateness() float64 {
	if c.late == nil {
		return 0
	}
	return c.late(int(c.wrote) / c.write)
}

// newCreep returns one that plays, with the most in it that a beginning leaves.
func newCreep(write, read int, ppm float64) *creep {
	c := &creep{d: NewDrift(creepTarget, SampleRate), write: write, read: read, ppm: ppm}
	c.d.written.Add(uint64(c.d.filter.taps + write + read + creepTarget)) //nolint:gosec // positive
	c.d.reader.playing = true
	c.d.reader.restart(c.d.size)
	return c
}

const creepTarget = 240

// TestDriftLearns: two clocks that differ are learnt from what is left after a read,
// though that falls or rises by whole blocks, up to minutes apart. The ring is never
// dry, the delay never changes by more than a block, and once there was a step or two
// not by more than two milliseconds, for an hour.
func TestDriftLearns(t *testing.T) {
	const learnt = 300
	for _, ppm := range []float64{-500, -200, -50, -10, 10, 50, 200, 500} {
		for k, size := range [][2]int{{480, 1920}, {480, 960}, {256, 4800}, {1920, 480}} {
			end := 900.0
			if k == 0 {
				end = 3600 // of the others a quarter of an hour shows as much
			}
			c := newCreep(size[0], size[1], ppm)
			c.run(3)
			low, high, first := c.run(learnt)
			low2, high2, least := c.run(end)
			t.Logf("%+.0f ppm, blocks of %d, reads of %d: delay within %.1f ms, then %.2f ms; %d left at the least, then %d; speed %+d ppm",
				ppm, size[0], size[1], (high-low)/48, (high2-low2)/48, first, least, c.d.Stats().PPM)
			if first < 0 || least < 0 {
				t.Errorf("%+.0f ppm, %v: the ring ran dry", ppm, size)
			}
			most := float64(min(size[0], size[1]) + 96) // a block, and what it takes to settle
			if high-low > most || high2-low2 > most {
				t.Errorf("%+.0f ppm, %v: the delay changes by %.1f ms, then by %.1f ms", ppm, size, (high-low)/48, (high2-low2)/48)
			}
			if math.Abs(ppm) >= 200 && (high2-low2 > SampleRate/400 || math.Abs(float64(c.d.Stats().PPM)-ppm) > 20) {
				t.Errorf("%+.0f ppm, %v: the delay changes by %.1f ms, the speed is %+d ppm", ppm, size, (high2-low2)/48, c.d.Stats().PPM)
			}
		}
	}
}

// TestDriftPhase: where the reader knows when the other clock's blocks came, the delay
// is right at once and stays for an hour, whatever the difference of the clocks is, with
// blocks that come late, too. The ring is never dry.
func TestDriftPhase(t *testing.T) {
	const settled = 40
	for _, ppm := range []float64{-500, -200, 0, 50, 200, 500} {
		for _, c := range []struct {
			what string
			late func(int) float64
			most float64 // ms by which the delay may change
		}{
			{"in time", nil, 0.2},
			{"late", func(k int) float64 { return float64(k * 7919 % 96) }, 1.5},
			{"now and then very late", func(k int) float64 { return float64(k*7919%48 + k%1000/999*200) }, 5},
		} {
			r := newCreep(480, 1920, ppm)
			r.told, r.late = true, c.late
			begins, begun, _ := r.run(settled)
			end := 900.0
			if c.late == nil {
				end = 3600
			}
			low, high, least := r.run(end)
			t.Logf("%+.0f ppm, %s: delay within %.1f ms, then %.2f ms, %d left at the least, speed %+d ppm",
				ppm, c.what, (begun-begins)/48, (high-low)/48, least, r.d.Stats().PPM)
			if least < 0 {
				t.Errorf("%+.0f ppm, %s: the ring ran dry", ppm, c.what)
			}
			if begun-begins > 48*(2.5+c.most) || high-low > 48*c.most {
				t.Errorf("%+.0f ppm, %s: the delay changes by %.1f ms, then by %.1f ms", ppm, c.what, (begun-begins)/48, (high-low)/48)
			}
		}
	}
}
