package sound

import (
	"math"
	"math/cmplx"
	"testing"
	"time"

	"undertone/app/internal/quality"
	"undertone/transport/cell"
)

// jumps finds the largest step between neighbours.
type jumps struct {
	last float32
	most float64
}

func (j *jumps) look(at float64, pcm []float32) {
	for _, v := range pcm {
		if at > hourBegin {
			j.most = max(j.most, math.Abs(float64(v-j.last)))
		}
		j.last = v
	}
}

// bends finds the largest step between neighbours in a tone, in that of the tone or,
// where it is louder in this period and those beside it, of one as loud.
type bends struct {
	last        float32
	n           int
	step, level [3]float64 // of this period and the two before it
	most        float64
}

func (b *bends) look(at float64, pcm []float32) {
	for _, v := range pcm {
		b.step[0] = max(b.step[0], math.Abs(float64(v-b.last)))
		b.level[0] = max(b.level[0], math.Abs(float64(v)))
		b.last = v
		if b.n++; b.n%hourWave > 0 {
			continue
		}
		if at > hourBegin {
			b.most = max(b.most, b.step[1]/(max(simVolume, b.level[0], b.level[1], b.level[2])*hourStep))
		}
		b.step, b.level = [3]float64{0, b.step[0], b.step[1]}, [3]float64{0, b.level[0], b.level[1]}
	}
}

// delays follows the delay of the tone, in samples, by the phase of so many periods.
type delays struct {
	periods int
	heard   []float32
	begins  float64
	first   float64
	last    float64
	// All that there was, and once the clocks are learnt.
	low, high, lowest, highest float64
}

func newDelays(periods int) *delays {
	return &delays{periods: periods, lowest: math.Inf(1), highest: math.Inf(-1)}
}

func (d *delays) look(at, step float64, pcm []float32) {
	for i, v := range pcm {
		if len(d.heard) == 0 {
			d.begins = at + float64(i)*step
		}
		if d.heard = append(d.heard, v); len(d.heard) == d.periods*hourWave {
			if d.begins > hourBegin {
				d.measure(step)
			}
			d.heard = d.heard[:0]
		}
	}
}

// measure takes the phase, which tells the delay up to a period; it never changes by
// one at once.
func (d *delays) measure(step float64) {
	var sum complex128
	for i, v := range d.heard {
		sum += complex(float64(v), 0) * cmplx.Exp(complex(0, -hourStep*(d.begins+float64(i)*step)))
	}
	delay := -(cmplx.Phase(sum) + math.Pi/2) / hourStep
	if d.first == 0 {
		d.first, d.last, d.low, d.high = delay, delay, delay, delay
	}
	d.last += math.Remainder(delay-d.last, hourWave)
	d.low, d.high = min(d.low, d.last), max(d.high, d.last)
	if d.begins > hourLearnt {
		d.lowest, d.highest = min(d.lowest, d.last), max(d.highest, d.last)
	}
}

func (d *delays) check(t *testing.T) {
	t.Logf("delay from %+.2f to %+.2f ms of that at %d s, within %.2f ms once the clocks are learnt",
		(d.low-d.first)/millisecond, (d.high-d.first)/millisecond, hourBegin/cell.SampleRate, (d.highest-d.lowest)/millisecond)
	if d.high-d.first > hourMost || d.first-d.low > hourMost {
		t.Error("that is a delay that does not stay")
	}
	if *drifting > hourLearnt*time.Second/cell.SampleRate && !(d.highest-d.lowest <= hourStays) {
		t.Error("that is a delay that does not stay once the clocks are learnt")
	}
}

// A listened speech is said again and again, and heard, part by part.
type listened struct {
	speech  []float32
	part    []float32
	begins  float64 // of part
	next    float64 // when the delay is measured
	between float64
	delays  []int
	clicks  int
	jumps   jumps
}

// said is the speech at a time.
func (h *listened) said(at float64) float32 {
	whole := math.Floor(at)
	k := (int(whole) + len(h.speech)) % len(h.speech)
	a, b := h.speech[k], h.speech[(k+1)%len(h.speech)]
	return a + float32(at-whole)*(b-a)
}

func (h *listened) look(at, step float64, pcm []float32) {
	h.jumps.look(at, pcm)
	if at < hourBegin {
		return
	}
	if len(h.part) == 0 {
		h.begins = at
	}
	if h.part = append(h.part, pcm...); len(h.part) < hourPart {
		return
	}
	// Each part begins where the one before ends, and a little before it: where it is
	// cut it jumps.
	const edge, before = simPeriod, 10 * simPeriod
	clean := make([]float32, len(h.part)+before)
	for i := range clean {
		clean[i] = h.said(math.Floor(h.begins) + float64(i-before))
	}
	if h.begins >= h.next {
		h.next = h.begins + h.between
		if a := quality.Align(clean[before:][:2*cell.SampleRate], h.part); a.Confidence > 0.5 {
			h.delays = append(h.delays, a.Delay)
		}
	}
	if len(h.delays) > 0 {
		for _, at := range quality.Clicks(clean, h.part, h.delays[len(h.delays)-1]-before) {
			if at >= edge && at < len(h.part)-edge {
				h.clicks++
			}
		}
	}
	keep := h.part[len(h.part)-2*edge:]
	h.begins += float64(len(h.part)-len(keep)) * step
	h.part = append(h.part[:0], keep...)
}
