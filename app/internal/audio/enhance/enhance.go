// Package enhance makes of what a microphone hears what the other side is to
// hear: without the echo of the loudspeaker, without steady noise, at an even
// level. The work is done by WebRTC's audio processing (Debian's
// libwebrtc-audio-processing), in its order:
//
//	Play ─▶ queue
//	          │        ┌─▶ delay line ─┐
//	          ▼        ▼        ▲      ▼
//	        played ─▶ finder ───┘   ┌─────────────── chain ────────────┐
//	                   ▲            │ high-pass, echo cancellation,    │
//	Hear, HearBoth ────┴───────────▶│ noise suppression, gain control  │─▶
//	                                └──────────────────────────────────┘
//
// The library takes blocks of 10 ms, of which a slot has 2, 4 or 10, so nothing
// has to be collected first. The three delay the voice nevertheless: echo
// cancellation by 8 ms, noise suppression by 7, gain control by 1 (with a
// high-pass, which is on with any of them). With none, Hear changes nothing.
//
// A sound card says what it played while it heard (sound.Mic.ReadBoth): that is the
// reference of HearBoth, sample by sample. Hear is for where nobody knows, such as
// files: its reference is what Play got. Between the two lie resamplers, which take
// their time to fall into step with a card; where clocks are 200 ppm apart the
// echo becomes about 25 dB less then, instead of 50 and more.
//
// Sound servers add 20 to 250 ms between what is played and what is heard, nobody
// knows how much, and the library, whose filter is 128 ms long, takes fifteen
// seconds to find out. The finder takes one or two, and delays the reference by
// as much.
//
// Idle does the same work as a call: the same code runs in every slot, on
// prepared noise, in a chain of its own, so that the chain of the calls keeps
// what it learnt of the room, the noise and the voice. (Silence would cost less:
// the work depends a little on who talks.) Nothing of a call before is heard in
// the next. What is switched on or off does show, in the time that
// the processor needs, but not in any packet, and it is the same in a call and
// out of it.
//
// The library runs inside the slot, in this process: it does no I/O, starts no
// thread, waits for nothing (its locks are used from here alone), allocates
// nothing once it runs, and all its loops end, whatever the samples. What it
// cannot bear, samples that are not finite, it does not get. When it reports an
// error, the block stays as it was heard.
//
// Who may call: Hear and HearBoth belong to one goroutine, Play to one; the rest
// to any. Nothing here blocks, and a slot allocates nothing.
package enhance

import (
	"math"
	"strings"
	"sync/atomic"
)

// Settings say what is done to what is heard.
type Settings struct {
	Echo  bool // cancel the echo of what is played
	Noise bool // suppress noise
	Gain  bool // bring the voice to an even level
}

// All is everything.
var All = Settings{Echo: true, Noise: true, Gain: true}

// String names what is on, such as "echo+gain".
func (s Settings) String() string {
	var on []string
	for _, one := range []struct {
		on   bool
		name string
	}{{s.Echo, "echo"}, {s.Noise, "noise"}, {s.Gain, "gain"}} {
		if one.on {
			on = append(on, one.name)
		}
	}
	if on == nil {
		return "none"
	}
	return strings.Join(on, "+")
}

// Tuning constants, in samples.
const (
	// quiet is how long a call begins with silence: 200 ms, in which hardly any
	// microphone has opened yet. For less long than that the chain gives what it
	// held at the end of the call before, or what its filter makes of what was
	// played then.
	quiet = 20 * block
	// longest is the longest slot, 100 ms. What is longer is done in pieces.
	longest = 10 * block
	// noiseSize is how much noise there is for idle: two seconds and a bit, no
	// whole number of slots.
	noiseSize = 202 * block
	// noiseSmooth makes it as deep as a voice, and as loud; noiseSyllable is how
	// long a syllable is, noiseFloor how loud a quiet room.
	noiseSmooth   = 0.1
	noiseSyllable = 20 * block
	noiseFloor    = 3e-4
)

// A Processor is what stands between the sound card and the slots.
type Processor struct {
	want   atomic.Uint32 // the bits of Settings
	live   atomic.Bool
	calls  atomic.Uint32 // how often live began
	faults atomic.Uint64
	queue  queue // Play writes, Hear reads

	// Only Hear touches these.
	have   uint32
	call   uint32 // which of the calls Hear is in
	mute   int    // samples still to be silent
	room   end    // of the calls
	idle   end
	noise  []float32
	at     int // in noise
	played [longest]float32
	dummy  [longest]float32
}

// New returns a Processor that is idle.
func New(s Settings) (*Processor, error) {
	p := &Processor{noise: newNoise()}
	p.Set(s)
	p.have = p.want.Load()
	for _, e := range []*end{&p.room, &p.idle} {
		c, err := newChain(p.have)
		if err != nil {
			return nil, err
		}
		e.chain = c
	}
	return p, nil
}

// newNoise returns noise that is the same every time. As what a call costs depends
// a little on who talks, it is a talk: its first half has the low tones and the
// syllables of a voice, in the second somebody listens in a quiet room.
func newNoise() []float32 {
	pcm := make([]float32, noiseSize)
	state, low := uint32(1), 0.0
	for i := range pcm {
		state = state*1664525 + 1013904223
		v := float64(state>>8)/(1<<23) - 1
		low += noiseSmooth * (v - low)
		pcm[i] = float32(noiseFloor * v)
		if i < noiseSize/2 {
			syllable := math.Sin(math.Pi * float64(i) / noiseSyllable)
			pcm[i] += float32(low * syllable * syllable)
		}
	}
	return pcm
}

// Set switches each of the three, from the next slot on. What stays on keeps
// what it has learnt.
func (p *Processor) Set(s Settings) { p.want.Store(s.bits()) }

// Settings returns what was set.
func (p *Processor) Settings() Settings {
	w := p.want.Load()
	return Settings{Echo: w&echoBit != 0, Noise: w&noiseBit != 0, Gain: w&gainBit != 0}
}

func (s Settings) bits() (b uint32) {
	if s.Echo {
		b |= echoBit
	}
	if s.Noise {
		b |= noiseBit
	}
	if s.Gain {
		b |= gainBit
	}
	return b
}

// Live says whether Hear gets a microphone's sound, or has to work on noise.
func (p *Processor) Live(on bool) {
	if on && !p.live.Swap(true) {
		p.calls.Add(1)
	} else if !on {
		p.live.Store(false)
	}
}

// Faults returns how often the library refused something. There is no reason for
// it to do so.
func (p *Processor) Faults() uint64 { return p.faults.Load() }

// Play tells what is played from now on.
func (p *Processor) Play(pcm []float32) { p.queue.put(pcm) }

// Hear works on one slot of what was heard, whole blocks of 10 ms, in place. Its
// reference is what Play got. While not live it leaves pcm alone, and does the
// same work for nothing.
func (p *Processor) Hear(pcm []float32) {
	p.HearBoth(pcm, nil)
}

// HearBoth is Hear where it is known what was played at the time: played, as long
// as pcm, which it may change. Play is not used then.
func (p *Processor) HearBoth(pcm, played []float32) {
	if want := p.want.Load(); want != p.have {
		p.have = want
		p.check(p.room.chain.set(want))
		p.check(p.idle.chain.set(want))
	}
	for ; len(pcm) > 0; pcm = pcm[min(longest, len(pcm)):] {
		n := min(longest, len(pcm))
		if played == nil {
			p.queue.take(p.played[:n])
			p.hear(pcm[:n], p.played[:n])
		} else {
			p.hear(pcm[:n], played[:n])
			played = played[n:]
		}
	}
}

func (p *Processor) hear(pcm, played []float32) {
	if p.have == 0 {
		return
	}
	if !p.live.Load() {
		pcm = p.dummy[:len(pcm)]
		p.murmur(played, pcm)
		p.check(p.idle.work(played, pcm, p.have))
		return
	}
	if call := p.calls.Load(); call != p.call {
		p.call, p.mute = call, quiet
	}
	p.check(p.room.work(played, pcm, p.have))
	n := min(p.mute, len(pcm))
	clear(pcm[:n])
	p.mute -= n
}

// murmur fills both with noise, of which one talks while the other listens.
func (p *Processor) murmur(played, heard []float32) {
	for i := range heard {
		heard[i] = p.noise[p.at]
		played[i] = p.noise[(p.at+noiseSize/2)%noiseSize]
		p.at = (p.at + 1) % noiseSize
	}
}

func (p *Processor) check(ok bool) {
	if !ok {
		p.faults.Add(1)
	}
}

// An end is a chain and what it needs to know of the delay.
type end struct {
	chain  *chain
	finder finder
	line   line
}

// work does in place what the bits of on say.
func (e *end) work(played, heard []float32, on uint32) bool {
	sane(played)
	sane(heard)
	if on&echoBit != 0 {
		e.finder.look(played, heard)
	}
	e.line.delay(played, e.finder.delay)
	ok := e.chain.run(played, heard)
	sane(heard)
	return ok
}

// sane makes samples of whatever there is.
func sane(pcm []float32) {
	for i, v := range pcm {
		if v != v { // not a number
			v = 0
		}
		pcm[i] = min(1, max(-1, v))
	}
}
