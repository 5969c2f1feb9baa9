package sound

import (
	"time"

	"undertone/codec"
	"undertone/transport/cell"
)

const millisecond = cell.SampleRate / 1000 // samples

// Tuning constants, in samples.
const (
	// captureCushion is what is left of the captured sound after a Read, at the
	// least: so late may a callback be.
	captureCushion = 3 * millisecond
	// callbackBurst is how much callbacks bring or take at a time, where they do not
	// say it.
	callbackBurst = 5 * millisecond
	// playbackRest is what is left in the resampler after a Write, at the least.
	playbackRest = 2 * millisecond
	// playbackCushion is what is left when the next Write comes, beside what a
	// callback takes at a time: so late may it be. It grows by itself when that was
	// not enough.
	playbackCushion    = 2 * millisecond
	playbackCushionMax = 60 * millisecond
	playbackStep       = 5 * millisecond
	// primer fills the resampler so that its first read plays and leaves
	// playbackRest.
	primer = playbackRest + 64
	// driftRoom is room for several of the longest slots.
	driftRoom = RingSize / 2
	// chunk is how much is copied at a time.
	chunk = 1024
	// ageMost is how many callbacks late the newest may be and still tell when the
	// others are.
	ageMost = 4
	// longest is the longest slot.
	longest = 100 * millisecond
)

// age returns how long before now the newest callback was, in samples, and false if
// that cannot be: callbacks come all the time.
func age(now, when uint64, each int) (int, bool) {
	ns := int64(now - when) //nolint:gosec // wraps around as it should
	if most := int64(codec.Duration(ageMost * each)); ns < -most || ns > most {
		return 0, false
	}
	return int(ns * cell.SampleRate / int64(time.Second)), true
}

// A session is the time for which a helper's streams are open. It is made when
// they have opened, so that neither Read nor Write ever has to.
type session struct {
	choice Choice
	in     capture
	out    playback
	// What the memory's fault counts were when the streams opened.
	captured, played uint64
}

func newSession(m *Memory, c Choice) *session {
	latency := int(min(c.Latency, MaxLatency) * cell.SampleRate / time.Second)
	burst := min(max(callbackBurst, latency/4), chunk)
	s := &session{choice: c, captured: m.Captured.Faults.Load(), played: m.Played.Faults.Load()}
	s.in = capture{memory: m, next: m.Captured.Count.Load(), cushion: max(captureCushion, latency/2), burst: burst}
	s.in.drift = codec.NewDrift(s.in.cushion, driftRoom)
	s.in.echo = codec.NewDrift(s.in.cushion, driftRoom)
	s.out = playback{memory: m, cushion: max(playbackCushion, latency/2), burst: burst}
	s.out.drift = codec.NewDrift(playbackRest, driftRoom)
	return s
}

// faults returns how often the sound broke off since the streams opened. It may
// be called from anywhere.
func (s *session) faults() (in, out uint64) {
	mic, speaker, m := s.in.drift.Stats(), s.out.drift.Stats(), s.in.memory
	return mic.Dry + mic.Skipped + m.Captured.Faults.Load() - s.captured,
		speaker.Dry + speaker.Skipped + m.Played.Faults.Load() - s.played
}

// capture is the half of a session that Read uses.
type capture struct {
	memory *Memory
	drift  *codec.Drift
	// echo does with what was played all that drift does with what was captured:
	// it gets and gives as many samples, so the two stay in step.
	echo    *codec.Drift
	pair    pair
	next    uint64 // the first captured sample not yet taken
	started bool
	cushion int // samples
	burst   int // samples that a callback moves
	buf     [chunk]float32
}

// read fills pcm with the newest sound, and played with what the card played at
// the same time. The first read waits for a whole one, and leaves out what is
// older.
func (c *capture) read(pcm, played []float32, now uint64) {
	head, when, each := c.memory.Captured.look(c.burst)
	c.burst = each
	there := head - c.next
	if there > RingSize/2 { // overtaken, or the helper has gone mad
		c.next, there = head, 0
	}
	old, timed := age(now, when, each)
	if !timed {
		old = 0
	}
	if !c.started {
		need := uint64(len(pcm) + c.cushion + max(each-old, 0)) //nolint:gosec // positive
		if there < need {
			clear(pcm)
			clear(played)
			return
		}
		c.next = head - need
		c.started = true
	}
	c.pair.follow(int64(c.memory.Played.Count.Load()-head), len(pcm)) //nolint:gosec // a difference
	c.take(head)
	if timed {
		c.drift.Phase(each - old)
		c.echo.Phase(each - old)
	}
	c.drift.Read(pcm)
	c.echo.Read(played)
}

// take moves what was captured up to head into the resampler, which is to see the
// writes of a card: whole callbacks.
func (c *capture) take(head uint64) {
	for c.next != head {
		n := int(min(head-c.next, uint64(c.burst))) //nolint:gosec // at most chunk
		for i := range n {
			c.buf[i] = sane(c.memory.Capture[(c.next+uint64(i))%RingSize]) //nolint:gosec // positive
		}
		c.drift.Write(c.buf[:n])
		c.played(c.buf[:n])
		c.echo.Write(c.buf[:n])
		c.next += uint64(n) //nolint:gosec // positive
	}
}

// played fills pcm with what was played while what comes next was captured. The
// ring still has it, for all that waits in it is less than half of it.
func (c *capture) played(pcm []float32) {
	at := c.next + uint64(c.pair.offset) //nolint:gosec // wraps around as it should
	queued := c.memory.Queued.Count.Load()
	for i := range pcm {
		if age := queued - at - uint64(i); age-1 < RingSize { //nolint:gosec // positive
			pcm[i] = sane(c.memory.Playback[(at+uint64(i))%RingSize]) //nolint:gosec // positive
		} else {
			pcm[i] = 0 // not queued yet, or long overwritten
		}
	}
}

// A pair tells which sample was played while another was captured. The callbacks
// of the two directions come in turn, so that the difference of their counts goes
// up and down by what they move at a time; but its least value in a second only
// changes when playback stood still, and with cards of different clocks.
type pair struct {
	offset int64 // what was played then, less what was captured
	base   int64 // the least difference that the offset belongs to
	least  int64 // in this window
	window int   // samples read in it
	known  bool  // the base is
}

// Tuning constants of a pair, in samples. The tolerance is more than a callback
// moves: a reference that jumps to and fro is worse than one that is off.
const (
	pairWindow    = cell.SampleRate
	pairTolerance = 16 * millisecond
)

// follow is told the difference of the two counts, before a read of n samples.
func (p *pair) follow(difference int64, n int) {
	if p.window == 0 {
		p.least = difference
		if !p.known {
			p.offset = difference
		}
	}
	p.least = min(p.least, difference)
	if !p.known && p.offset-p.least > pairTolerance {
		p.offset = p.least // playback stood still before there was a base
	}
	p.window += n
	if p.window < pairWindow {
		return
	}
	if moved := p.least - p.base; p.known && (moved > pairTolerance || moved < -pairTolerance) {
		p.offset += moved
		p.base = p.least
	}
	if !p.known {
		p.known, p.base = true, p.least
	}
	p.window = 0
}

// sane makes a sample of whatever another process left there.
func sane(v float32) float32 {
	switch {
	case v > 1:
		return 1
	case v < -1:
		return -1
	case v != v: // not a number
		return 0
	}
	return v
}

// playback is the half of a session that Write uses.
type playback struct {
	memory  *Memory
	drift   *codec.Drift
	next    uint64 // the first sample not yet queued
	primed  bool
	cushion int // samples
	burst   int // samples that a callback moves
	buf     [chunk]float32
}

// write queues pcm. It then tops up what waits for the callbacks, so that what
// it takes from the resampler follows the card's clock.
func (p *playback) write(pcm []float32, now uint64) {
	played, when, each := p.memory.Played.look(p.burst)
	p.burst = each
	left := int(p.next - played) //nolint:gosec // checked below
	level := p.cushion + each + len(pcm)
	switch {
	case !p.primed:
		p.primed = true
		p.silence(p.drift.Write, primer)
		left = p.restart(played)
	case left <= 0 || left > RingSize/2: // it ran dry, or the helper has gone mad
		p.cushion = max(p.cushion, min(p.cushion+playbackStep, playbackCushionMax))
		level = p.cushion + each + len(pcm)
		left = p.restart(played)
	}
	p.drift.Write(pcm)
	// Not more than the resampler has: a late Write is what the cushion is for.
	// It sees the reads of a card: whole callbacks.
	old, timed := age(now, when, each)
	for n := min(level-left, p.there()); n > 0; n -= each {
		k := min(n, each)
		left += k
		if timed {
			p.drift.Phase(old + level - left)
		}
		p.drift.Read(p.buf[:k])
		p.queue(p.buf[:k])
	}
	p.memory.Queued.Count.Store(p.next)
}

// there is how much the resampler can give at its slowest without running dry.
func (p *playback) there() int {
	fill := p.drift.Stats().Fill
	return fill - fill/128 - 2
}

// restart puts the cushion in front of what comes next, and returns its length.
func (p *playback) restart(played uint64) int {
	p.next = played
	p.silence(p.queue, p.cushion+p.burst)
	return p.cushion + p.burst
}

// queue puts pcm into the ring; the callbacks see it when the count is stored.
func (p *playback) queue(pcm []float32) {
	for i, v := range pcm {
		p.memory.Playback[(p.next+uint64(i))%RingSize] = v //nolint:gosec // positive
	}
	p.next += uint64(len(pcm))
}

func (p *playback) silence(to func([]float32), n int) {
	clear(p.buf[:])
	for ; n > 0; n -= chunk {
		to(p.buf[:min(n, chunk)])
	}
}
