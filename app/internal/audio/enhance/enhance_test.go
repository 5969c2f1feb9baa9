package enhance

import (
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"undertone/codec"
	"undertone/transport/cell"
)

// after is when the echo has to be gone.
const after = 3 * second

// TestEcho: of a far end that talks alone, nearly nothing comes back, through
// rooms with any delay that sound servers have, at every interval.
func TestEcho(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		delay time.Duration
		slot  cell.Interval
		on    Settings
	}{
		{50 * time.Millisecond, cell.Interval20, All},
		{100 * time.Millisecond, cell.Interval40, All},
		{200 * time.Millisecond, cell.Interval100, All},
		{400 * time.Millisecond, cell.Interval40, All},
	} {
		t.Run(c.delay.String()+" "+c.slot.String()+" "+c.on.String(), func(t *testing.T) {
			t.Parallel()
			s := newScene(c.delay)
			p := newProcessor(t, c.on)
			p.Live(true)
			out := s.hear(p, c.slot.Samples())
			got := reduction(s.echo[after:len(out)], out[after:])
			t.Logf("the echo is reduced by %.0f dB, the reference is %d ms late", got, p.room.finder.delay*1000/second)
			if got < 25 {
				t.Errorf("the echo is reduced by %.1f dB, want 25", got)
			}
			if p.Faults() > 0 {
				t.Errorf("%d faults", p.Faults())
			}
		})
	}
}

// TestEchoBoth: the same where the card says what was played.
func TestEchoBoth(t *testing.T) {
	t.Parallel()
	s := newScene(200 * time.Millisecond)
	p := newProcessor(t, All)
	p.Live(true)
	played, out := slices.Clone(s.played), slices.Clone(s.heard)
	for at := 0; at+960 <= len(out); at += 960 {
		p.HearBoth(out[at:at+960], played[at:at+960])
	}
	if got := reduction(s.echo[after:], out[after:]); got < 25 {
		t.Errorf("the echo is reduced by %.1f dB, want 25", got)
	}
}

// TestEchoOff is the control: the echo is there when nobody cancels it.
func TestEchoOff(t *testing.T) {
	t.Parallel()
	s := newScene(50 * time.Millisecond)
	p := newProcessor(t, Settings{Noise: true})
	p.Live(true)
	out := s.hear(p, cell.Interval40.Samples())
	if got := reduction(s.echo[after:len(out)], out[after:]); got > 6 {
		t.Errorf("the echo is reduced by %.1f dB without echo cancellation", got)
	}
}

// TestNear: who sits at the microphone is heard: when he talks alone, in an
// exchange of turns with the far end, and while both talk.
func TestNear(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		stops time.Duration // the far end
		from  time.Duration // the near end
		want  float64
	}{
		{"alone", 0, time.Second, 0.9},
		{"in turn", 4 * time.Second, 4500 * time.Millisecond, 0.9},
		{"both talk", 8 * time.Second, 4500 * time.Millisecond, 0.55},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(100 * time.Millisecond)
			clear(s.played[samples(c.stops):])
			s.echo = reverberate(s.played, 100*time.Millisecond, 0.25)
			said := near()[:3*second]
			s.say(said, c.from)
			p := newProcessor(t, All)
			p.Live(true)
			got := kept(said, s.hear(p, cell.Interval40.Samples())[samples(c.from):], All)
			t.Logf("similarity %.2f", got)
			if got < c.want {
				t.Errorf("of the near end %.2f is kept, want %.2f", got, c.want)
			}
		})
	}
}

// TestNoise: steady noise becomes less, the voice in it stays.
func TestNoise(t *testing.T) {
	t.Parallel()
	s := newScene(50 * time.Millisecond)
	clear(s.played)
	clear(s.echo)
	said := near()[:5*second/2]
	s.say(said, 5*time.Second)
	c := chance(3)
	for i := range s.heard {
		s.heard[i] += float32(0.01 * c.next())
	}
	p := newProcessor(t, Settings{Noise: true})
	p.Live(true)
	out := s.hear(p, cell.Interval40.Samples())
	if got := reduction(s.heard[after:5*second], out[after:5*second]); got < 8 {
		t.Errorf("noise is reduced by %.1f dB, want 8", got)
	}
	if got := kept(said, out[5*second:], Settings{Noise: true}); got < 0.8 {
		t.Errorf("of the voice in noise %.2f is kept, want 0.8", got)
	}
}

// TestGain: a voice from far away comes nearer.
func TestGain(t *testing.T) {
	t.Parallel()
	s := newScene(50 * time.Millisecond)
	clear(s.played)
	clear(s.echo)
	said := slices.Clone(near())
	for i := range said {
		said[i] *= 0.1
	}
	s.say(said, time.Second)
	p := newProcessor(t, Settings{Gain: true})
	p.Live(true)
	out := s.hear(p, cell.Interval40.Samples())
	if got := -reduction(s.heard[3*second:6*second], out[3*second:6*second]); got < 6 {
		t.Errorf("a quiet voice is raised by %.1f dB, want 6", got)
	}
	if got := kept(said[:3*second], out[second:], Settings{Gain: true}); got < 0.9 {
		t.Errorf("of the quiet voice %.2f is kept, want 0.9", got)
	}
}

// TestNone: with nothing on, every sample stays.
func TestNone(t *testing.T) {
	p := newProcessor(t, Settings{})
	p.Live(true)
	pcm := []float32{1, -1, 0.5, float32(math.Inf(1))}
	pcm = append(pcm, make([]float32, 956)...)
	want := slices.Clone(pcm)
	p.Play(want)
	p.Hear(pcm)
	if !slices.Equal(pcm, want) {
		t.Error("samples changed")
	}
}

// TestIdle: idle leaves what it is given alone, and has the library work on as
// many blocks as a call has.
func TestIdle(t *testing.T) {
	for _, i := range cell.Intervals() {
		p := newProcessor(t, All)
		pcm := make([]float32, i.Samples())
		for range 10 {
			p.Play(pcm)
			p.Hear(pcm)
		}
		idle := p.idle.chain.blocks
		if power(pcm) > 1e-12 {
			t.Errorf("%v: idle gives sound", i)
		}
		p.Live(true)
		for range 10 {
			p.Play(pcm)
			p.Hear(pcm)
		}
		if call := p.room.chain.blocks; call != idle || call != 10*i.Milliseconds()/10 || p.idle.chain.blocks != idle {
			t.Errorf("%v: %d blocks in idle, %d in a call", i, idle, call)
		}
	}
}

// TestCallsApart: the next call hears nothing of the one before, even when there
// is no slot between them.
func TestCallsApart(t *testing.T) {
	for _, slots := range []int{0, 1} {
		p := newProcessor(t, All)
		p.Live(true)
		speech := near()[second:]
		const n = 960
		pcm := make([]float32, n)
		for at := range 100 {
			p.Play(pcm)
			copy(pcm, speech[at*n:])
			p.Hear(pcm)
		}
		p.Live(false)
		for range slots {
			p.Hear(pcm)
		}
		p.Live(true)
		for range 30 {
			clear(pcm)
			p.Play(pcm)
			p.Hear(pcm)
			if level := power(pcm); level > 1e-7 {
				t.Fatalf("%d slots later the next call begins with a power of %g", slots, level)
			}
		}
	}
}

// TestAnySample: whatever the sound card gives, what comes out is sound, and the
// voice is back soon after.
func TestAnySample(t *testing.T) {
	bad := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32, -math.MaxFloat32, 1e-42}
	p := newProcessor(t, All)
	p.Live(true)
	in, out := make([]float32, 1920), make([]float32, 1920)
	for k := range 50 {
		for i := range in {
			in[i], out[i] = bad[(i+k)%len(bad)], bad[(i/7+k)%len(bad)]
		}
		p.Play(out)
		p.Hear(in)
		for _, v := range in {
			if !(v >= -1 && v <= 1) {
				t.Fatalf("sample %g", v)
			}
		}
	}
	speech := near()[second/2 : 5*second]
	got := slices.Clone(speech)
	clear(out)
	for at := 0; at+1920 <= len(got); at += 1920 {
		p.Play(out)
		p.Hear(got[at : at+1920])
	}
	if k := kept(speech[second:3*second], got[second:], All); k < 0.8 || p.Faults() > 0 {
		t.Errorf("similarity %.2f a second later, %d faults", k, p.Faults())
	}
}

// TestLongSlot: what is longer than any slot is done, too.
func TestLongSlot(t *testing.T) {
	p := newProcessor(t, All)
	p.Live(true)
	long := make([]float32, 5*longest/2)
	p.Play(long)
	p.Hear(long)
	if got := p.room.chain.blocks; got != 25 {
		t.Errorf("%d blocks", got)
	}
}

func TestAllocatesNothing(t *testing.T) {
	p := newProcessor(t, All)
	pcm := make([]float32, 1920)
	slot := func() {
		p.Play(pcm)
		p.Hear(pcm)
	}
	for _, live := range []bool{false, true} {
		p.Live(live)
		if n := testing.AllocsPerRun(50, slot); n != 0 {
			t.Errorf("live %t: a slot allocates %v times", live, n)
		}
	}
}

// TestSwitch: everything may be switched at any time, from anywhere, and sound
// goes on.
func TestSwitch(t *testing.T) {
	p := newProcessor(t, All)
	speech := near()
	const n = 960
	end := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() {
		for k := 0; ; k++ {
			select {
			case <-end:
				return
			default:
			}
			p.Set(Settings{Echo: k&1 != 0, Noise: k&2 != 0, Gain: k&4 != 0})
			p.Live(k%50 < 40)
		}
	})
	others.Go(func() {
		for at := range 100 {
			p.Play(speech[at*n : (at+1)*n])
		}
	})
	pcm := make([]float32, n)
	for at := range 100 {
		copy(pcm, speech[at*n:])
		p.Hear(pcm)
	}
	close(end)
	others.Wait()
	for _, s := range []Settings{{}, {Echo: true}, {Noise: true}, {Gain: true}, All} {
		p.Set(s)
		p.Live(true)
		p.Hear(pcm)
		if p.Settings() != s || p.have != s.bits() {
			t.Errorf("set %v, got %v", s, p.Settings())
		}
	}
	if p.Faults() > 0 {
		t.Errorf("%d faults", p.Faults())
	}
}

// TestClocks: a sound card that runs off the slots' clock, with a resampler on
// each way, and a jump of the playout, do not undo it.
func TestClocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		ppm  float64
		jump int // by how many samples the playout is late from the middle on
	}{
		{"fast", 200, 0},
		{"slow", -200, 0},
		{"jump", 0, 20 * second / 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			played := far()
			card := newCard(c.ppm)
			p := newProcessor(t, All)
			p.Live(true)
			const n = 1920
			var echo, out []float32
			pcm := make([]float32, n)
			for at := 0; at+n <= len(played); at += n {
				if at == len(played)/2/n*n && c.jump > 0 {
					card.late(c.jump)
				}
				p.Play(played[at : at+n])
				card.slot(played[at:at+n], pcm)
				echo = append(echo, pcm...)
				p.Hear(pcm)
				out = append(out, pcm...)
			}
			got := reduction(echo[after:], out[after:])
			t.Logf("%s: %.0f dB", c.name, got)
			if got < 22 {
				t.Errorf("the echo is reduced by %.1f dB, want 22", got)
			}
		})
	}
}

// A card plays and hears at a clock of its own, 100 ms late, as audio/sound does
// it: through a codec.Drift each way.
type card struct {
	out, in *codec.Drift
	speed   float64
	due     float64 // samples that it has still to do
	line    []float32
	buf     [96]float32
}

func newCard(ppm float64) *card {
	return &card{
		out: codec.NewDrift(960, second), in: codec.NewDrift(960, second),
		speed: 1 + ppm/1e6, line: make([]float32, second/10),
	}
}

// late has the loudspeaker play silence for n samples, and all else after it.
func (c *card) late(n int) { c.line = append(c.line, make([]float32, n)...) }

func (c *card) slot(played, heard []float32) {
	c.out.Write(played)
	for c.due += float64(len(played)) * c.speed; c.due >= float64(len(c.buf)); c.due -= float64(len(c.buf)) {
		c.out.Read(c.buf[:])
		c.line = append(c.line, c.buf[:]...)
		for i := range c.buf {
			c.buf[i] = 0.5*c.line[i] - 0.2*c.line[max(0, i-20)]
		}
		c.line = c.line[len(c.buf):]
		c.in.Write(c.buf[:])
	}
	c.in.Read(heard)
}
