package sound

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"undertone/assets"
	"undertone/codec"
	"undertone/codec/opus"
	"undertone/transport/cell"
)

var drifting = flag.Duration("drifting", 15*time.Second, "how long the clocks of two cards drift apart, in simulated time: 1h for the whole of it")

// A drifter is a way from a microphone to a speaker, both of cards whose clocks are
// off by as much as each other, one too fast and one too slow. The time in between
// is the slots'.
type drifter struct {
	mic, speaker *simulated
	in, out      *session
	slot, played []float32
	through      func(n int, pcm []float32) // what happens to a slot on the way
}

func newDrifter(ppm float64, source func(at float64) float32, through func(int, []float32)) *drifter {
	d := &drifter{slot: make([]float32, simSlot), played: make([]float32, simSlot), through: through}
	d.mic = &simulated{memory: &Memory{}, speed: 1 + ppm/1e6, source: source}
	d.speaker = &simulated{memory: &Memory{}, speed: 1 - ppm/1e6, source: source}
	d.in = newSession(d.mic.memory, Choice{Mic: true})
	d.out = newSession(d.speaker.memory, Choice{Speaker: true})
	return d
}

// run does all slots, and passes on what was heard of each and at what time, in
// samples of the slots' clock, and how many of those there are to a sample.
func (d *drifter) run(slots int, heard func(at, step float64, pcm []float32)) {
	for n := range slots {
		now := float64((n + 1) * simSlot)
		at := d.speaker.next
		d.mic.run(now)
		d.speaker.run(now)
		if len(d.speaker.heard) > 0 {
			heard(at, 1/d.speaker.speed, d.speaker.heard)
		}
		d.mic.heard, d.speaker.heard = d.mic.heard[:0], d.speaker.heard[:0]
		d.in.in.read(d.slot, d.played, simTime(now))
		d.through(n, d.slot)
		d.out.out.write(d.slot, simTime(now))
	}
}

// faults is how often a ring was empty or too full.
func (d *drifter) faults() uint64 {
	in, out := d.in.in.drift.Stats(), d.out.out.drift.Stats()
	return in.Dry + in.Skipped + in.Dropped + out.Dry + out.Skipped + out.Dropped
}

// A lossy codec loses one frame in twenty. Beside it runs one that loses none.
type lossy struct {
	enc        *opus.Encoder
	dec, whole *opus.Decoder
	rng        *rand.Rand
	frame      codec.Frame
	pcm        []float32
	steps      jumps // of what is heard without loss
	bends      bends
	click      int // the slot in which one is planted, or none
}

func newLossy(t *testing.T) *lossy {
	l := &lossy{rng: rand.New(rand.NewPCG(1, 2)), pcm: make([]float32, simSlot), click: -1}
	var err error
	if l.enc, err = opus.NewEncoder(cell.Interval40); err != nil {
		t.Fatal(err)
	}
	for _, d := range []**opus.Decoder{&l.dec, &l.whole} {
		if *d, err = opus.NewDecoder(cell.Interval40); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func (l *lossy) through(n int, pcm []float32) {
	l.enc.Encode(pcm, &l.frame)
	l.whole.Decode(&l.frame, l.pcm)
	l.steps.look(float64(n*simSlot), l.pcm)
	l.bends.look(float64(n*simSlot), l.pcm)
	if l.rng.IntN(20) == 0 {
		l.dec.Conceal(pcm)
	} else {
		l.dec.Decode(&l.frame, pcm)
	}
	if n == l.click {
		plant(pcm)
	}
}

// plant makes a click that can be heard: a jump of a twentieth of full scale.
func plant(pcm []float32) {
	rest := pcm[len(pcm)/2:]
	for i := range rest {
		rest[i] += 0.05 * (1 - float32(i)/float32(len(rest)))
	}
}

const (
	hourTone  = 300.0 // Hz; three periods are a callback
	hourStep  = 2 * math.Pi * hourTone / cell.SampleRate
	hourWave  = cell.SampleRate / hourTone
	hourBegin = 3 * cell.SampleRate // when the sound is there
	// The delay stays as it was then. Both cards learn their clocks at the same time,
	// within seconds; from hourLearnt on they know them nearly.
	hourMost   = 3 * millisecond
	hourLearnt = 10 * cell.SampleRate
	hourStays  = 2 * millisecond
	hourPart   = 3 * cell.SampleRate // speech is looked at in parts of this length
)

func hourSine(at float64) float32 { return float32(simVolume * math.Sin(hourStep*at)) }

// TestHourOfSine: a tone through two cards that drift apart is heard as it is, with
// no step beyond its own and the same delay throughout. With a frame in twenty lost, it
// has no step beyond those that the codec makes of a tone without loss. libopus makes
// the frames after a lost one up to half as loud again; a tone as loud as that has steps
// as large.
func TestHourOfSine(t *testing.T) {
	t.Parallel()
	for _, ppm := range []float64{-200, 200} {
		t.Run(fmt.Sprintf("%+.0f ppm", ppm), func(t *testing.T) {
			t.Parallel()
			var j jumps
			delay := newDelays(1)
			d := newDrifter(ppm, hourSine, func(int, []float32) {})
			d.run(int(cell.Interval40.Slots(*drifting)), func(at, step float64, pcm []float32) {
				j.look(at, pcm)
				delay.look(at, step, pcm)
			})
			t.Logf("%v: largest step %.3f of the tone's, %d faults", *drifting, j.most/(simVolume*hourStep), d.faults())
			if d.faults() > 0 || j.most > 1.005*simVolume*hourStep {
				t.Error("that is a click")
			}
			delay.check(t)
		})
		t.Run(fmt.Sprintf("%+.0f ppm and loss", ppm), func(t *testing.T) {
			t.Parallel()
			var j jumps
			b, l, d, delay := lossySine(t, ppm, -1, *drifting, &j)
			t.Logf("%v: largest step %.3f of the tone's, %.3f of one as loud, the codec gives %.3f without loss, %d faults",
				*drifting, j.most/(simVolume*hourStep), b.most, l.bends.most, d.faults())
			if d.faults() > 0 || b.most > 1.01*l.bends.most {
				t.Error("that is a click")
			}
			delay.check(t)
		})
	}
	t.Run("a click", func(t *testing.T) {
		t.Parallel()
		if b, l, _, _ := lossySine(t, 200, 120, 6*time.Second, &jumps{}); b.most < 1.1*l.bends.most {
			t.Errorf("what is planted is not found: a step of %.2f, without it %.2f", b.most, l.bends.most)
		}
	})
}

// lossySine runs the tone through a codec that loses frames.
func lossySine(t *testing.T, ppm float64, click int, long time.Duration, j *jumps) (*bends, *lossy, *drifter, *delays) {
	b, l, delay := &bends{}, newLossy(t), newDelays(100)
	l.click = click
	d := newDrifter(ppm, hourSine, l.through)
	d.run(int(cell.Interval40.Slots(long)), func(at, step float64, pcm []float32) {
		j.look(at, pcm)
		b.look(at, pcm)
		delay.look(at, step, pcm)
	})
	return b, l, d, delay
}

// largestStep is that between neighbours in the speech, wherever between two of its
// samples a card takes the first of its own.
func largestStep(t *testing.T) (most float64) {
	const between = 4
	fine, err := codec.Convert(assets.Speech().PCM(), assets.SampleRate, between*cell.SampleRate)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range fine[between:] {
		most = max(most, math.Abs(float64(v-fine[i])))
	}
	return most
}

// TestHourOfSpeech: speech, said again and again, through two cards that drift apart:
// no click, no step larger than the largest of what was said, and the same delay
// throughout. With a frame in twenty lost no step is larger than those that the codec
// makes of the same speech without loss, in samples that lie elsewhere.
func TestHourOfSpeech(t *testing.T) {
	t.Parallel()
	speech, err := codec.Convert(assets.Speech().PCM(), assets.SampleRate, cell.SampleRate)
	if err != nil {
		t.Fatal(err)
	}
	source := largestStep(t)
	for _, ppm := range []float64{-200, 200} {
		for _, loss := range []bool{false, true} {
			t.Run(fmt.Sprintf("%+.0f ppm, loss %t", ppm, loss), func(t *testing.T) {
				t.Parallel()
				h := &listened{speech: speech, between: max(7, drifting.Seconds()/60) * cell.SampleRate}
				l := newLossy(t)
				through := l.through
				if !loss {
					through = func(int, []float32) {}
				}
				d := newDrifter(ppm, h.said, through)
				d.run(int(cell.Interval40.Slots(*drifting)), h.look)
				low, high := slices.Min(h.delays), slices.Max(h.delays)
				t.Logf("%v: largest step %.3f of the largest said, the codec gives %.3f without loss, %d clicks, delay %.1f to %.1f ms at %d times, %d faults",
					*drifting, h.jumps.most/source, l.steps.most/source, h.clicks,
					float64(low)/millisecond, float64(high)/millisecond, len(h.delays), d.faults())
				if d.faults() > 0 || h.jumps.most > max(1.01*source, 1.05*l.steps.most) || h.clicks > 0 {
					t.Error("that is a click")
				}
				if first := h.delays[0]; high-first > hourMost || first-low > hourMost {
					t.Error("that is a delay that does not stay")
				}
			})
		}
	}
	t.Run("a click", func(t *testing.T) {
		t.Parallel()
		h, l := &listened{speech: speech}, newLossy(t)
		l.click = 120
		newDrifter(200, h.said, l.through).run(200, h.look)
		if h.clicks != 1 {
			t.Errorf("one click is planted, %d are found", h.clicks)
		}
	})
}
