package codec

import (
	"math"
	"sync"
	"testing"
)

// tone is a sine of 440 Hz at half of full scale; no two neighbours differ by
// more than toneJump.
func tone(i float64) float32 { return float32(0.5 * math.Sin(2*math.Pi*440*i/SampleRate)) }

const toneJump = 0.5 * 2 * math.Pi * 440 / SampleRate

// A driftRig runs a Drift between two clocks in simulated time.
type driftRig struct {
	d         *Drift
	writeEach int     // samples per write
	readEach  int     // samples per read
	ppm       float64 // how much faster than the reader the writer's clock runs

	wrote float64 // samples so far
	at    float64 // the reader's clock, in samples
	last  float32
	jump  float64 // largest step between neighbours
	loud  float64 // largest sample
}

// run goes on for the given seconds of the reader's clock; stall says that the
// writer is silent at a time in samples.
func (r *driftRig) run(seconds float64, stall func(at float64) bool) {
	in, out := make([]float32, r.writeEach), make([]float32, r.readEach)
	end := r.at + seconds*SampleRate
	for r.at < end {
		for r.wrote+float64(r.writeEach) <= r.at*(1+r.ppm/1e6) {
			for i := range in {
				in[i] = tone(r.wrote + float64(i))
			}
			r.wrote += float64(r.writeEach)
			if stall == nil || !stall(r.at) {
				r.d.Write(in)
			}
		}
		r.d.Read(out)
		r.at += float64(r.readEach)
		for _, v := range out {
			r.jump = max(r.jump, math.Abs(float64(v-r.last)))
			r.loud = max(r.loud, math.Abs(float64(v)))
			r.last = v
		}
	}
}

// TestDriftHolds: clocks that differ by up to 1,000 ppm, either way, for
// a minute: no jump, the ring never runs dry after the start, and the fill stays.
func TestDriftHolds(t *testing.T) {
	const seconds = 60.0
	for _, c := range []struct {
		name        string
		write, read int
		ppm         float64
	}{
		{"playing, +200 ppm", 1920, 480, 200},
		{"playing, -200 ppm", 1920, 480, -200},
		{"recording, +1000 ppm", 480, 1920, 1000},
		{"playing, -1000 ppm", 4800, 256, -1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			const target = 480
			r := &driftRig{d: NewDrift(target, SampleRate), writeEach: c.write, readEach: c.read, ppm: c.ppm}
			r.run(seconds/4, nil)
			r.jump = 0
			for range 20 {
				r.run(seconds*3/4/20, nil)
				s := r.d.Stats()
				if spread := c.write + c.read; s.Fill > target+spread+spread/2 {
					t.Fatalf("%.0f s: %d samples wait, want at most %d", r.at/SampleRate, s.Fill, target+spread+spread/2)
				}
			}
			s := r.d.Stats()
			if s.Dry != 0 || s.Skipped != 0 || s.Dropped != 0 {
				t.Errorf("the sound was not whole: %+v", s)
			}
			if math.Abs(float64(s.PPM)-c.ppm) > 1500 {
				t.Errorf("plays %d ppm faster, want about %.0f", s.PPM, c.ppm)
			}
			if r.jump > 1.02*toneJump {
				t.Errorf("largest jump %.4f, the tone has %.4f", r.jump, toneJump)
			}
		})
	}
}

// TestDriftStall: the writer stops in the middle of a wave and comes back.
// The sound fades and rises again: no jump beyond what fading makes.
func TestDriftStall(t *testing.T) {
	t.Parallel()
	for _, read := range []int{64, 480, 1920} {
		r := &driftRig{d: NewDrift(240, SampleRate), writeEach: 960, readEach: read}
		r.run(2, nil)
		dry := r.d.Stats().Dry
		for k := range 12 {
			from := r.at + SampleRate/4
			r.run(0.6, func(at float64) bool { return at > from && at < from+float64(500+457*k) })
		}
		if got := r.d.Stats().Dry - dry; got < 8 {
			t.Fatalf("read %d: the ring ran dry %d times only, the test tests nothing", read, got)
		}
		if r.jump > 1.5*toneJump {
			t.Errorf("read %d: largest jump %.4f, the tone has %.4f", read, r.jump, toneJump)
		}
		if r.loud > 0.75 {
			t.Errorf("read %d: peak %.2f of a tone of 0.5", read, r.loud)
		}
	}
}

// TestDriftExcess: after the reader was away far too much waits. It is skipped
// or dropped without a jump, and the delay is back at its target soon.
func TestDriftExcess(t *testing.T) {
	t.Parallel()
	for _, away := range []float64{0.3, 5} {
		r := &driftRig{d: NewDrift(480, SampleRate), writeEach: 1920, readEach: 480}
		r.run(3, nil)
		r.at += away * SampleRate // nobody reads
		r.run(6, nil)
		s := r.d.Stats()
		if s.Skipped == 0 {
			t.Errorf("away for %v s: nothing was skipped", away)
		}
		if (s.Dropped > 0) != (away > 1) {
			t.Errorf("away for %v s: %d samples dropped", away, s.Dropped)
		}
		if s.Fill > 480+1920+480+driftExcess {
			t.Errorf("away for %v s: %d samples still wait", away, s.Fill)
		}
		if r.jump > 1.5*toneJump {
			t.Errorf("away for %v s: largest jump %.4f, the tone has %.4f", away, r.jump, toneJump)
		}
	}
}

// TestDriftFull: where a writer finds no room the sound fades, and rises again
// when there is some.
func TestDriftFull(t *testing.T) {
	d := NewDrift(100, 2000)
	in, out := make([]float32, 480), make([]float32, 480)
	wrote := 0
	write := func() {
		for i := range in {
			in[i] = tone(float64(wrote + i))
		}
		wrote += len(in)
		d.Write(in)
	}
	last, jump := float32(0), 0.0
	for k := range 60 {
		for range 20 {
			write()
		}
		wrote += k * 7 // so that each seam joins other phases
		for range 5 {
			d.Read(out)
			for _, v := range out {
				jump = max(jump, math.Abs(float64(v-last)))
				last = v
			}
		}
	}
	if s := d.Stats(); s.Dropped < 60*5*480 || s.Skipped > 0 {
		t.Fatalf("%+v: the test tests nothing", s)
	}
	if jump > 1.5*toneJump {
		t.Errorf("largest jump %.4f, the tone has %.4f", jump, toneJump)
	}
}

// TestDriftBegin: the first samples come at once, rising, and none is lost.
func TestDriftBegin(t *testing.T) {
	const target, block = 100, 1920
	d := NewDrift(target, 4800)
	out := make([]float32, 4*480)
	d.Read(out[:480])
	d.Write(constant(block, 0.5))
	for k := 0; k < len(out); k += 480 {
		d.Read(out[k : k+480])
	}
	const start = target + 480
	if out[start-1] != 0 || out[start] > 0.01 || math.Abs(float64(out[start+fadeSamples+20]-0.5)) > 0.001 {
		t.Errorf("around sample %d: %v, %v, after the fade %v; want a rise to 0.5",
			start, out[start-1], out[start], out[start+fadeSamples+20])
	}
	if s := d.Stats(); s.Dry != 0 || s.Fill > start || s.Fill < target {
		t.Errorf("after a block was given: %+v", s)
	}
}

// TestDriftRace: one writer, one reader, whoever asks: nothing is shared by
// mistake (with -race), and nothing but the sound comes out.
func TestDriftRace(t *testing.T) {
	d := NewDrift(480, 9600)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 500 {
			d.Write(constant(480+i%7, 0.5))
		}
	})
	wg.Go(func() {
		for range 500 {
			d.Stats()
		}
	})
	out := make([]float32, 480)
	for range 500 {
		d.Read(out)
		for _, v := range out {
			if v < -0.01 || v > 0.8 {
				t.Fatalf("heard %v, wrote 0.5 only", v)
			}
		}
	}
	wg.Wait()
}

func TestDriftAllocs(t *testing.T) {
	d := NewDrift(480, 9600)
	pcm := constant(1920, 0.1)
	if n := testing.AllocsPerRun(100, func() {
		d.Write(pcm)
		d.Read(pcm)
		d.Read(pcm) // runs dry
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkDrift is the cost of one slot of 40 ms through the ring.
func BenchmarkDrift(b *testing.B) {
	d := NewDrift(480, 9600)
	pcm := constant(1920, 0.1)
	b.ReportAllocs()
	for b.Loop() {
		d.Write(pcm)
		d.Read(pcm)
	}
}
