package quality

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"undertone/app/internal/audio/wav"
	"undertone/assets"
	"undertone/codec"
	"undertone/codec/opus"
	"undertone/transport/cell"
)

// The measurement of what could be done about loss inside a cell is long, and
// not part of a test:
//
//	go test ./app/internal/quality -run TestLostFrames -v -args -loss.tried all -loss.speech prompt.wav
var (
	lossTried  = flag.String("loss.tried", "", "measure what was tried against loss, too: all of it, or a part of the names")
	lossSeeds  = flag.Int("loss.seeds", 3, "how many patterns of loss are averaged with -loss.tried")
	lossSpeech = flag.String("loss.speech", "", "WAV files to measure with instead of the bundled speech, with commas between them")
)

// A repair is what the ear does about a lost frame.
type repair int

const (
	guess repair = iota // let the voice run on
	next                // take the copy in the next frame, if that one came
	twin                // take the copy that a second encoder made, if it came
)

// A trial is a way to send speech, and what is done about loss.
type trial struct {
	what   string
	format opus.Format
	repair repair
	// twin is how a copy is coded that travels in the slot after.
	twin opus.Format
}

// encoded returns the frames of the speech.
func encoded(tb testing.TB, f opus.Format, pcm []float32) []codec.Frame {
	tb.Helper()
	e, err := f.NewEncoder()
	if err != nil {
		tb.Fatal(err)
	}
	n := slotOf(f)
	frames := make([]codec.Frame, len(pcm)/n)
	for k := range frames {
		e.Encode(pcm[k*n:(k+1)*n], &frames[k])
	}
	return frames
}

// slotOf is how many samples a frame holds.
func slotOf(f opus.Format) (n int) {
	for _, p := range f.Packets {
		n += p.Samples
	}
	return n
}

func newDecoder(tb testing.TB, f opus.Format) *opus.Decoder {
	tb.Helper()
	d, err := f.NewDecoder()
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// heard returns what is heard of frames of which some are lost.
func (c *trial) heard(tb testing.TB, frames, copies []codec.Frame, lost []bool) []float32 {
	tb.Helper()
	d := newDecoder(tb, c.format)
	var second *opus.Decoder
	if c.repair == twin {
		second = newDecoder(tb, c.twin)
	}
	n := slotOf(c.format)
	out, spare := make([]float32, len(frames)*n), make([]float32, n)
	swapped := false
	for k := range frames {
		pcm := out[k*n : (k+1)*n]
		saved := k+1 < len(frames) && !lost[k+1]
		switch {
		case !lost[k]:
			d.Decode(&frames[k], pcm)
		case c.repair == next && saved:
			d.Recover(&frames[k+1], pcm)
		default:
			d.Conceal(pcm)
		}
		if c.repair != twin {
			continue
		}
		if saved {
			second.Decode(&copies[k], spare)
		} else {
			second.Conceal(spare)
		}
		swapped = exchange(pcm, spare, lost[k] && saved, swapped)
	}
	return out
}

// exchange puts the copy in place of the sound, if it is wanted, and lets one
// go over into the other in 2.5 ms.
func exchange(pcm, spare []float32, want, was bool) bool {
	const length = SampleRate / 400
	if want {
		for i := range pcm {
			pcm[i], spare[i] = spare[i], pcm[i]
		}
	}
	if want != was {
		for i := range length {
			x := float32(i) / length
			pcm[i] = x*pcm[i] + (1-x)*spare[i]
		}
	}
	return want
}

// losses says which of n frames are lost; the same seed loses the same.
func losses(n int, rate float64, seed uint64) []bool {
	rng := rand.New(rand.NewPCG(seed, 7))
	lost := make([]bool, n)
	for k := range lost {
		lost[k] = rng.Float64() < rate
	}
	return lost
}

// score is the STOI and the ESTOI of a trial at one rate of loss.
func (c *trial) score(tb testing.TB, pcm []float32, rate float64, seeds int) (stoi, estoi float64) {
	tb.Helper()
	frames := encoded(tb, c.format, pcm)
	var copies []codec.Frame
	if c.repair == twin {
		copies = encoded(tb, c.twin, pcm)
	}
	if rate == 0 {
		seeds = 1
	}
	for s := range seeds {
		heard := c.heard(tb, frames, copies, losses(len(frames), rate, uint64(s))) //nolint:gosec // not negative
		x, y := Intelligibility(pcm[:len(heard)-opus.Delay], heard[opus.Delay:])
		stoi += x / float64(seeds)
		estoi += y / float64(seeds)
	}
	return stoi, estoi
}

// understood is the STOI from which on nearly everybody understands words and
// numbers.
const understood = 0.8

// TestLostFrames: at 20 ms a frame has a copy of the one before it, and little is
// heard of loss; when nothing is lost the copy costs next to nothing. At 100 ms
// speech is still understood when one frame in ten is lost.
func TestLostFrames(t *testing.T) {
	speech := lossMaterial(t)
	speech = speech[:min(len(speech), 5*SampleRate)]
	at := func(c trial, rate float64) (stoi, estoi float64) {
		stoi, estoi = c.score(t, speech, rate, 1)
		t.Logf("%s, %2.0f %% lost: STOI %.3f, ESTOI %.3f", c.what, 100*rate, stoi, estoi)
		return stoi, estoi
	}
	least := func(what string, got, want float64) {
		t.Helper()
		if got < want {
			t.Errorf("%s: %.3f, want %.3f at least", what, got, want)
		}
	}
	many, _ := at(inUse(cell.Interval100), 0.10)
	least("100 ms, 10 % lost", many, understood)

	with := inUse(cell.Interval20)
	without := withLoss(with, false, 5)
	few, saved := at(with, 0.05)
	_, guessed := at(without, 0.05)
	_, shared := at(with, 0)
	_, alone := at(without, 0)
	least("20 ms, 5 % lost", few, 0.98)
	least("what a copy gives at 20 ms", saved-guessed, 0.01)
	least("what it leaves", shared-alone, -0.005)
	if *lossTried != "" {
		lossTable(t)
	}
}

// lossMaterial is the speech of these tests.
func lossMaterial(tb testing.TB) []float32 {
	tb.Helper()
	if *lossSpeech == "" {
		return load(tb, assets.Speech())
	}
	var all []float32
	for path := range strings.SplitSeq(*lossSpeech, ",") {
		all = append(all, recording(tb, path)...)
	}
	return all
}

// recording reads a WAV file.
func recording(tb testing.TB, path string) []float32 {
	tb.Helper()
	f, err := wav.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	pcm := make([]float32, int(f.Length().Seconds()*float64(f.Format().Rate)))
	for n := 0; n < len(pcm); {
		k, err := f.Read(pcm[n:])
		if err != nil {
			tb.Fatal(err)
		}
		n += k
	}
	pcm, err = codec.Convert(pcm, f.Format().Rate, SampleRate)
	if err != nil {
		tb.Fatal(err)
	}
	return pcm
}

// share loses so many slots in a hundred, from a second after the beginning.
func share(i cell.Interval, percent int) func(k int) time.Duration {
	lost := losses(1000, float64(percent)/100, 1)
	return func(k int) time.Duration {
		if k >= int(time.Second/i.Duration()) && lost[k] {
			return never
		}
		return undisturbed
	}
}

// TestPlayoutLoses: in a whole ear, 5 % of loss at 40 ms take not 0.05 of the
// STOI, and at 10 % speech is still well understood. At 20 ms the ear begins to
// wait for the next slot, and then has it for most of what is lost.
func TestPlayoutLoses(t *testing.T) {
	speech := load(t, assets.Speech())[:5*SampleRate]
	ear := func(i cell.Interval, percent int) (*playout, float64) {
		p := newPlayout(t, i)
		p.run(speech, share(i, percent))
		p.faultless(0)
		stoi, _ := p.score(0)
		t.Logf("%v, %d %% lost: %d of %d slots did not come, %d with the next there, waits %v, STOI %.3f",
			i, percent, p.lost, len(p.waiting), p.saved, p.wait(time.Hour), stoi)
		return p, stoi
	}
	_, whole := ear(cell.Interval40, 0)
	if _, stoi := ear(cell.Interval40, 5); stoi < whole-0.05 {
		t.Errorf("40 ms: 5 %% of loss bring STOI from %.3f to %.3f", whole, stoi)
	}
	if _, stoi := ear(cell.Interval40, 10); stoi < understood+0.1 {
		t.Errorf("40 ms: STOI %.3f when 10 %% are lost", stoi)
	}
	p, stoi := ear(cell.Interval20, 10)
	if stoi < 0.95 || p.saved < p.lost/2 || p.wait(time.Hour) < undisturbed+cell.Interval20.Duration() {
		t.Errorf("20 ms: STOI %.3f when 10 %% are lost", stoi)
	}
}
