package sound

import (
	"flag"
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
	"time"

	"undertone/app/internal/quality"
	"undertone/assets"
	"undertone/codec"
	"undertone/codec/opus"
	"undertone/transport/cell"
)

var drifting = flag.Duration("drifting", 12*time.Second, "how long the clocks of two cards drift apart, in simulated time: 1h for the whole of it")

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

// A lossy codec loses one frame in twenty.
type lossy struct {
	enc   *opus.Encoder
	dec   *opus.Decoder
	rng   *rand.Rand
	frame codec.Frame
}

func newLossy(t *testing.T) *lossy {
	l := &lossy{rng: rand.New(rand.NewPCG(1, 2))}
	var err error
	if l.enc, err = opus.NewEncoder(cell.Interval40); err == nil {
		l.dec, err = opus.NewDecoder(cell.Interval40)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lossy) through(_ int, pcm []float32) {
	l.enc.Encode(pcm, &l.frame)
	if l.rng.IntN(20) == 0 {
		l.dec.Conceal(pcm)
	} else {
		l.dec.Decode(&l.frame, pcm)
	}
}

const (
	hourTone  = 300.0 // Hz; three periods are a callback
	hourStep  = 2 * math.Pi * hourTone / cell.SampleRate
	hourBegin = 3 * cell.SampleRate // when the sound is there
	// The delay stays as it was then. Both cards learn their clocks at the same time,
	// within seconds; from hourLearnt on they know them.
	hourMost   = 3 * millisecond
	hourLearnt = 20 * cell.SampleRate
	hourStays  = millisecond
)

func hourSine(at float64) float32 { return float32(simVolume * math.Sin(hourStep*at)) }

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

// TestHourOfSine: a tone through two cards that drift apart is heard as it is, with
// no step beyond its own and the same delay throughout. With a frame in twenty lost,
// it has no step beyond those that the codec makes of a tone, which are not small,
// and what a filter makes of them.
func TestHourOfSine(t *testing.T) {
	t.Parallel()
	for _, ppm := range []float64{-200, 200} {
		t.Run(fmt.Sprintf("%+.0f ppm", ppm), func(t *testing.T) {
			t.Parallel()
			var j jumps
			var first, last, low, high float64
			lowest, highest := math.Inf(1), math.Inf(-1) // once the clocks are learnt
			d := newDrifter(ppm, hourSine, func(int, []float32) {})
			d.run(int(cell.Interval40.Slots(*drifting)), func(at, step float64, pcm []float32) {
				j.look(at, pcm)
				for ; len(pcm) >= simPeriod; pcm, at = pcm[simPeriod:], at+simPeriod*step {
					if at < hourBegin {
						continue
					}
					// The phase tells the delay up to a period, which it never changes by at once.
					var sum complex128
					for i, v := range pcm[:simPeriod] {
						sum += complex(float64(v), 0) * cmplx.Exp(complex(0, -hourStep*(at+float64(i)*step)))
					}
					delay := -(cmplx.Phase(sum) + math.Pi/2) / hourStep
					if first == 0 {
						first, last, low, high = delay, delay, delay, delay
					}
					const period = 2 * math.Pi / hourStep
					last += math.Remainder(delay-last, period)
					low, high = min(low, last), max(high, last)
					if at > hourLearnt {
						lowest, highest = min(lowest, last), max(highest, last)
					}
				}
			})
			t.Logf("%v: largest step %.3f of the tone's, delay from %+.2f to %+.2f ms of that at %d s, %d faults",
				*drifting, j.most/(simVolume*hourStep), (low-first)/millisecond, (high-first)/millisecond, hourBegin/cell.SampleRate, d.faults())
			if d.faults() > 0 || j.most > 1.005*simVolume*hourStep {
				t.Error("that is a click")
			}
			if high-first > hourMost || first-low > hourMost {
				t.Error("that is a delay that grows")
			}
			if highest >= lowest {
				t.Logf("once the clocks are learnt the delay stays within %.2f ms", (highest-lowest)/millisecond)
				if highest-lowest > hourStays {
					t.Error("that is a delay that does not stay")
				}
			}
		})
		t.Run(fmt.Sprintf("%+.0f ppm and loss", ppm), func(t *testing.T) {
			t.Parallel()
			var j jumps
			var coded jumps
			l := newLossy(t)
			d := newDrifter(ppm, hourSine, func(n int, pcm []float32) {
				l.through(n, pcm)
				coded.look(float64(n*simSlot), pcm)
			})
			d.run(int(cell.Interval40.Slots(*drifting)), func(at, _ float64, pcm []float32) { j.look(at, pcm) })
			t.Logf("%v: largest step %.3f of the tone's, the codec gives %.3f, %d faults",
				*drifting, j.most/(simVolume*hourStep), coded.most/(simVolume*hourStep), d.faults())
			if d.faults() > 0 || j.most > 1.05*coded.most {
				t.Error("that is a click")
			}
		})
	}
}

// TestHourOfSpeech: speech, said again and again, through two cards that drift
// apart and a codec that loses a frame in twenty: no click, no step larger than the
// largest of what was said, and now and then the delay is measured.
func TestHourOfSpeech(t *testing.T) {
	t.Parallel()
	speech, err := codec.Convert(assets.Speech().PCM(), assets.SampleRate, cell.SampleRate)
	if err != nil {
		t.Fatal(err)
	}
	var source jumps
	source.look(hourBegin+1, speech)
	for _, ppm := range []float64{-200, 200} {
		t.Run(fmt.Sprintf("%+.0f ppm", ppm), func(t *testing.T) {
			t.Parallel()
			var j jumps
			var part []float32
			var delays []int
			var begins float64 // of part
			clicks := 0
			d := newDrifter(ppm, func(at float64) float32 {
				at = math.Mod(at+float64(len(speech)), float64(len(speech)))
				k := int(at)
				a, b := speech[k], speech[(k+1)%len(speech)]
				return a + float32(at-float64(k))*(b-a)
			}, newLossy(t).through)
			between := float64(*drifting) / float64(time.Second) * cell.SampleRate / 60 // of two measurements
			next := float64(hourBegin)
			d.run(int(cell.Interval40.Slots(*drifting)), func(at, _ float64, pcm []float32) {
				j.look(at, pcm)
				if at < next {
					return
				}
				if len(part) == 0 {
					begins = at
				}
				if part = append(part, pcm...); len(part) < 3*cell.SampleRate {
					return
				}
				from := int(math.Mod(begins, float64(len(speech))))
				clean := append(append([]float32(nil), speech[from:]...), speech...)[:2*cell.SampleRate]
				a := quality.Align(clean, part)
				for _, at := range quality.Clicks(clean, part, a.Delay) {
					if at > a.Delay+simPeriod && at < a.Delay+2*cell.SampleRate-simPeriod { // not where it is cut
						clicks++
					}
				}
				if a.Confidence > 0.5 {
					delays = append(delays, a.Delay)
				}
				part, next = part[:0], max(next+between, at)
			})
			low, high := delays[0], delays[0]
			for _, x := range delays {
				low, high = min(low, x), max(high, x)
			}
			t.Logf("%v: largest step %.3f of the largest said, %d clicks, delay %.1f to %.1f ms at %d times, %d faults", *drifting,
				j.most/source.most, clicks, float64(low)/millisecond, float64(high)/millisecond, len(delays), d.faults())
			if d.faults() > 0 || j.most > source.most || clicks > 0 {
				t.Error("that is a click")
			}
			if high-low > hourMost {
				t.Error("that is a delay that grows")
			}
		})
	}
}
