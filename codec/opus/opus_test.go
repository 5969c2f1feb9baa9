package opus

import (
	"math"
	"math/rand/v2"
	"testing"

	"undertone/assets"
	"undertone/codec"
	"undertone/transport/cell"
)

// load returns a bundled sound at the rate of the codec.
func load(tb testing.TB, s assets.Sound) []float32 {
	tb.Helper()
	pcm, err := codec.Convert(s.PCM(), assets.SampleRate, codec.SampleRate)
	if err != nil {
		tb.Fatal(err)
	}
	return pcm
}

// pair returns an encoder and a decoder for the interval.
func pair(tb testing.TB, i cell.Interval) (*Encoder, *Decoder) {
	tb.Helper()
	e, err := NewEncoder(i)
	if err != nil {
		tb.Fatal(err)
	}
	d, err := NewDecoder(i)
	if err != nil {
		tb.Fatal(err)
	}
	return e, d
}

// sounds returns two or three seconds each of what can come from a microphone.
func sounds(tb testing.TB) map[string][]float32 {
	const n = 2 * codec.SampleRate
	make1 := func(at func(i int) float64) []float32 {
		pcm := make([]float32, n)
		for i := range pcm {
			pcm[i] = float32(at(i))
		}
		return pcm
	}
	rng := rand.New(rand.NewPCG(1, 2))
	tone := func(i int, hz float64) float64 {
		return math.Sin(2 * math.Pi * hz * float64(i) / codec.SampleRate)
	}
	speech, answer := load(tb, assets.Speech())[:3*codec.SampleRate], load(tb, assets.Answer())[:3*codec.SampleRate]
	loud := make([]float32, len(speech))
	for i, v := range speech {
		loud[i] = 20 * v
	}
	return map[string][]float32{
		"speech":  speech,
		"answer":  answer,
		"silence": make([]float32, n),
		"noise":   make1(func(int) float64 { return 0.3 * rng.NormFloat64() }),
		"hiss":    make1(func(int) float64 { return 1e-4 * rng.NormFloat64() }),
		"music": make1(func(i int) float64 {
			beat := math.Exp(-float64(i%24000) / 9000)
			return 0.2 * beat * (tone(i, 220) + tone(i, 277.2) + tone(i, 329.6) + tone(i, 3520) + tone(i, 9000))
		}),
		"clipping": loud,
		"beyond":   make1(func(i int) float64 { return 1e9 * tone(i, 440) }),
		"clicks":   make1(func(i int) float64 { return float64((i/4801)%2)*2 - 1 }),
		"broken": make1(func(i int) float64 {
			return []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0}[i%4]
		}),
	}
}

// TestParts: the packets of a frame are a frame.
func TestParts(t *testing.T) {
	for _, i := range cell.Intervals() {
		samples, bytes := 0, 0
		for _, p := range FormatOf(i).Packets {
			samples += p.Samples
			bytes += p.Bytes
			if p.bitrate()*p.Samples != p.Bytes*8*codec.SampleRate {
				t.Errorf("%v: no whole bit rate fills %d bytes", i, p.Bytes)
			}
		}
		if samples != i.Samples() || bytes != cell.VoiceSize {
			t.Errorf("%v: the parts have %d samples and %d bytes", i, samples, bytes)
		}
	}
}

// TestConstantRate: whatever is said, libopus fills exactly one frame, always
// in the same mode. Encode would hide a failure by sending silence, so the test
// looks beneath it.
func TestConstantRate(t *testing.T) {
	t.Parallel()
	all := sounds(t)
	for _, i := range cell.Intervals() {
		for name, pcm := range all {
			e, _ := pair(t, i)
			heads := map[byte]int{}
			for at := 0; at+i.Samples() <= len(pcm); at += i.Samples() {
				copy(e.in, pcm[at:])
				clip(e.in)
				if err := e.encode(); err != nil {
					t.Fatalf("%v %s: %v", i, name, err)
				}
				heads[e.out[0]>>3]++
			}
			if len(heads) != 1 {
				t.Errorf("%v %s: libopus changed its mode: %v", i, name, heads)
			}
		}
	}
}

// TestTotal: no sound is too strange to be encoded and decoded again, at full
// scale at most.
func TestTotal(t *testing.T) {
	t.Parallel()
	all := sounds(t)
	for _, i := range cell.Intervals() {
		for name, pcm := range all {
			e, d := pair(t, i)
			out := make([]float32, i.Samples())
			for at := 0; at+i.Samples() <= len(pcm); at += i.Samples() {
				var f codec.Frame
				e.Encode(pcm[at:at+i.Samples()], &f)
				d.Decode(&f, out)
				checkScale(t, out)
				if t.Failed() {
					t.Fatalf("%v %s at sample %d", i, name, at)
				}
			}
		}
	}
}

// checkScale fails unless every sample is a number at full scale at most.
func checkScale(t testing.TB, pcm []float32) {
	t.Helper()
	for _, v := range pcm {
		if !(v >= -1 && v <= 1) {
			t.Fatalf("sample %v is beyond full scale", v)
		}
	}
}

// TestWrongLength: a caller's slip costs sound, not a frame.
func TestWrongLength(t *testing.T) {
	e, d := pair(t, cell.Interval20)
	for _, n := range []int{0, 1, 959, 961, 4800} {
		var f codec.Frame
		e.Encode(make([]float32, n), &f)
		if f == (codec.Frame{}) {
			t.Errorf("%d samples gave no frame", n)
		}
		d.Decode(&f, make([]float32, n))
		d.Recover(&f, make([]float32, n))
		d.Conceal(make([]float32, n))
	}
}

// TestReset: after a reset nothing of an earlier stream is left, in either
// direction: the frames and the sound are those of a new codec.
func TestReset(t *testing.T) {
	t.Parallel()
	speech, answer := load(t, assets.Speech()), load(t, assets.Answer())
	for _, i := range cell.Intervals() {
		n := i.Samples()
		used, usedDec := pair(t, i)
		fresh, freshDec := pair(t, i)
		var f, g codec.Frame
		out, want := make([]float32, n), make([]float32, n)
		for at := n; at+n <= 2*codec.SampleRate; at += n {
			used.Encode(answer[at:at+n], &f)
			usedDec.Decode(&f, out)
		}
		used.Reset()
		usedDec.Reset()
		for at := 0; at+n <= codec.SampleRate; at += n {
			used.Encode(speech[at:at+n], &f)
			fresh.Encode(speech[at:at+n], &g)
			if f != g {
				t.Fatalf("%v: frame at sample %d depends on what was said before the reset", i, at)
			}
			usedDec.Decode(&f, out)
			freshDec.Decode(&g, want)
			for k := range out {
				if out[k] != want[k] {
					t.Fatalf("%v: sound at sample %d depends on what was heard before the reset", i, at+k)
				}
			}
		}
	}
}

// TestConceal: a lost frame in the middle of a word is bridged, and a voice
// that never comes back dies away within a second.
func TestConceal(t *testing.T) {
	speech := load(t, assets.Speech())
	for _, i := range cell.Intervals() {
		n := i.Samples()
		e, d := pair(t, i)
		out := make([]float32, n)
		var f codec.Frame
		before := 0.0
		for at := 0; before < 0.02 && at+n <= len(speech); at += n {
			e.Encode(speech[at:at+n], &f)
			d.Decode(&f, out)
			before = energy(out)
		}
		d.Conceal(out)
		if bridged := energy(out); bridged < before/100 {
			t.Errorf("%v: the first lost frame has energy %.2g after %.2g: not concealed", i, bridged, before)
		}
		for range i.Slots(1e9) {
			d.Conceal(out)
		}
		if rest := energy(out); rest > before/1000 {
			t.Errorf("%v: a second after the voice was lost its energy is %.2g, was %.2g", i, rest, before)
		}
	}
}

// TestRecover: where a frame holds a copy of the one before, what is recovered of
// lost frames is far nearer to what was said than a guess is; elsewhere it is
// the guess. What comes after is heard as well.
func TestRecover(t *testing.T) {
	speech := load(t, assets.Speech())
	for _, i := range cell.Intervals() {
		frames, n := framesOf(t, i, speech), i.Samples()
		_, whole := pair(t, i)
		_, guesses := pair(t, i)
		_, saves := pair(t, i)
		want, guessed, saved := make([]float32, n), make([]float32, n), make([]float32, n)
		var off, less float64
		for k, f := range frames[:len(frames)-1] {
			whole.Decode(f, want)
			if k%5 != 4 {
				guesses.Decode(f, guessed)
				saves.Decode(f, saved)
			} else {
				guesses.Conceal(guessed)
				saves.Recover(frames[k+1], saved)
			}
			off += distance(want, guessed)
			less += distance(want, saved)
		}
		t.Logf("%v: a guess is off by %.4g, what is recovered by %.4g", i, off, less)
		if FormatOf(i).Redundant && less > off/2 || !FormatOf(i).Redundant && less != off {
			t.Errorf("%v: a guess is off by %.4g, what is recovered by %.4g", i, off, less)
		}
	}
}

// distance is the energy of the difference.
func distance(a, b []float32) float64 {
	sum := 0.0
	for k := range a {
		sum += float64(a[k]-b[k]) * float64(a[k]-b[k])
	}
	return sum
}

// energy is the mean square of the samples.
func energy(pcm []float32) float64 {
	sum := 0.0
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return sum / float64(len(pcm))
}

// FuzzDecode: a peer can send any 96 bytes. They never stop the decoder and are
// never louder than full scale.
func FuzzDecode(f *testing.F) {
	speech := load(f, assets.Speech())
	e, _ := pair(f, cell.Interval40)
	for at := 0; at+1920 <= 20*1920; at += 1920 {
		var frame codec.Frame
		e.Encode(speech[at:at+1920], &frame)
		f.Add(frame[:])
		frame[0] ^= 0xff
		f.Add(frame[:])
	}
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	decoders := map[cell.Interval]*Decoder{}
	for _, i := range cell.Intervals() {
		_, decoders[i] = pair(f, i)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var frame codec.Frame
		copy(frame[:], b)
		for i, d := range decoders {
			pcm := make([]float32, i.Samples())
			d.Decode(&frame, pcm)
			checkScale(t, pcm)
			d.Conceal(pcm)
			checkScale(t, pcm)
			d.Recover(&frame, pcm)
			checkScale(t, pcm)
		}
	})
}

// TestRefused: what is no packet at all, or one of another length, is a lost
// frame: a fresh decoder makes silence of it, one that has heard a voice lets
// it run on.
func TestRefused(t *testing.T) {
	speech := load(t, assets.Speech())
	for _, i := range cell.Intervals() {
		for name, head := range map[string]byte{"no frames": 3, "2.5 ms": 0xe0, "10 ms": 0xf0} {
			var bad, f codec.Frame
			for at, p := 0, 0; p < len(FormatOf(i).Packets); p++ {
				bad[at] = head
				at += FormatOf(i).Packets[p].Bytes
			}
			n := i.Samples()
			e, d := pair(t, i)
			out := make([]float32, n)
			if name == "no frames" {
				d.Decode(&bad, out)
				if energy(out) != 0 {
					t.Errorf("%v %s: a fresh decoder makes a sound", i, name)
				}
			}
			loud := 0.0
			for at := 0; loud < 0.02 && at+n <= len(speech); at += n {
				e.Encode(speech[at:at+n], &f)
				d.Decode(&f, out)
				loud = energy(out)
			}
			d.Decode(&bad, out)
			if name == "no frames" && energy(out) < loud/100 {
				t.Errorf("%v %s: the voice stops dead", i, name)
			}
			checkScale(t, out)
		}
	}
}

// TestGarbage: random frames are survived, and good ones after them are heard.
func TestGarbage(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	speech := load(t, assets.Speech())
	for _, i := range cell.Intervals() {
		n := i.Samples()
		e, d := pair(t, i)
		out := make([]float32, n)
		for range 300 {
			var f codec.Frame
			for k := range f {
				f[k] = byte(rng.Uint32())
			}
			d.Recover(&f, out)
			checkScale(t, out)
			d.Decode(&f, out)
			checkScale(t, out)
		}
		loudest := 0.0
		for at := 0; at+n <= 2*codec.SampleRate; at += n {
			var f codec.Frame
			e.Encode(speech[at:at+n], &f)
			d.Decode(&f, out)
			loudest = max(loudest, energy(out))
		}
		if loudest < 1e-3 {
			t.Errorf("%v: speech after garbage has energy %.2g at most", i, loudest)
		}
	}
}

// TestAllocs: neither direction allocates.
func TestAllocs(t *testing.T) {
	speech := load(t, assets.Speech())[codec.SampleRate:]
	for _, i := range cell.Intervals() {
		e, d := pair(t, i)
		pcm := make([]float32, i.Samples())
		var f codec.Frame
		if n := testing.AllocsPerRun(20, func() {
			e.Encode(speech, &f)
			d.Decode(&f, pcm)
			d.Conceal(pcm)
			d.Recover(&f, pcm)
			e.Reset()
			d.Reset()
		}); n != 0 {
			t.Errorf("%v: %v allocations in a slot", i, n)
		}
	}
}
