package sound

import (
	"math"
	"testing"
)

// A simulated card calls back every 10 ms of its own time, which runs off the
// slots' time. All times are in samples of the slots' clock.
type simulated struct {
	memory *Memory
	speed  float64 // card samples per sample of the slot clock
	next   float64 // when the next callback comes
	phase  float64 // of the tone at the microphone
	heard  []float32
	way    int // if set, the microphone hears the loudspeaker, so much later
	period int // of a callback, simPeriod if it is not set
	// source is what is at the microphone at a time, if it is not that tone.
	source func(at float64) float32
}

const (
	simPeriod = 480
	simSlot   = 1920
	simTone   = 300.0 // Hz, by the card's clock
	simVolume = 0.5
)

// simTime is the time in samples as callbacks tell it.
func simTime(at float64) uint64 { return uint64(1e9 + at*1e9/48000) }

// run makes the callbacks that are due until a time.
func (s *simulated) run(until float64) {
	m := s.memory
	period := simPeriod
	if s.period > 0 {
		period = s.period
	}
	for ; s.next <= until; s.next += float64(period) / s.speed {
		captured, played := m.Captured.Count.Load(), m.Played.Count.Load()
		for i := range uint64(period) { //nolint:gosec // positive
			m.Capture[(captured+i)%RingSize] = float32(simVolume * math.Sin(s.phase))
			s.phase += 2 * math.Pi * simTone / 48000
			if s.source != nil {
				m.Capture[(captured+i)%RingSize] = s.source(s.next - float64(period-int(i))/s.speed)
			}
			v := float32(0)
			if played < m.Queued.Count.Load() {
				v = m.Playback[played%RingSize]
				played++
			} else {
				m.Played.Faults.Add(1)
			}
			s.heard = append(s.heard, v)
			if at := len(s.heard) - 1 - s.way; s.way > 0 && at >= 0 {
				m.Capture[(captured+i)%RingSize] = s.heard[at]
			}
		}
		m.Captured.Each.Store(uint64(period)) //nolint:gosec // positive
		m.Played.Each.Store(uint64(period))   //nolint:gosec // positive
		m.Captured.When.Store(simTime(s.next))
		m.Played.When.Store(simTime(s.next))
		m.Captured.Count.Store(captured + uint64(period)) //nolint:gosec // positive
		m.Played.Count.Store(played)
	}
}

// TestDriftAndLateSlots runs half a minute of slots against cards that are too
// fast or too slow, with slots that come up to 2 ms late: nothing may be lost or
// click, and the delay may not grow.
func TestDriftAndLateSlots(t *testing.T) {
	for _, ppm := range []float64{-300, 0, 300} {
		m := &Memory{}
		card := &simulated{memory: m, speed: 1 + ppm/1e6}
		s := newSession(m, Choice{Mic: true, Speaker: true})
		var read []float32
		in, played, out := make([]float32, simSlot), make([]float32, simSlot), make([]float32, simSlot)
		const slots = 30 * 25
		deepest := 0
		for n := range slots {
			late := float64((n * 7919) % playbackCushion)
			now := float64((n+1)*simSlot) + late
			card.run(now)
			s.in.read(in, played, simTime(now))
			read = append(read, in...)
			for i := range out {
				out[i] = float32(simVolume * math.Sin(2*math.Pi*simTone*float64(n*simSlot+i)/48000))
			}
			s.out.write(out, simTime(now))
			if n > slots/2 {
				deepest = max(deepest, s.in.drift.Stats().Fill, int(s.out.next-m.Played.Count.Load())+s.out.drift.Stats().Fill-simSlot)
			}
		}
		smooth(t, ppm, "read", read)
		smooth(t, ppm, "heard", card.heard)
		if in, out := s.in.drift.Stats(), s.out.drift.Stats(); in.Dry+in.Skipped+out.Dry+out.Skipped != 0 {
			t.Errorf("%v ppm: capture %+v, playback %+v", ppm, in, out)
		}
		if limit := 50 * millisecond; deepest > limit {
			t.Errorf("%v ppm: %d ms wait in a ring", ppm, deepest/millisecond)
		}
	}
}

// smooth checks that after the first sound there is a tone without jump or gap.
func smooth(t *testing.T, ppm float64, what string, pcm []float32) {
	t.Helper()
	first := 0
	for first < len(pcm) && pcm[first] == 0 {
		first++
	}
	if first > 24000 {
		t.Errorf("%v ppm: nothing %s for %d samples", ppm, what, first)
	}
	const allowed = 1.05 * 2 * math.Pi * simTone / 48000 * simVolume
	top := 0.0
	for i := first + 1; i < len(pcm); i++ {
		if d := math.Abs(float64(pcm[i] - pcm[i-1])); d > allowed && i > first+480 {
			t.Fatalf("%v ppm: %s jumps by %.4f at sample %d", ppm, what, d, i)
		}
		top = max(top, math.Abs(float64(pcm[i])))
		if (i-first)%480 == 0 {
			if top < 0.95*simVolume && i > first+960 {
				t.Fatalf("%v ppm: %s is only %.3f loud before sample %d", ppm, what, top, i)
			}
			top = 0
		}
	}
}

// TestPlayedWhileHeard: what a read says was played is what was played: the way to
// the microphone takes as long at all times, with a card that runs off the slots'
// time, with slots that come late, and again when playback stood still for a while,
// be it within the first second, from which all later moves are counted.
func TestPlayedWhileHeard(t *testing.T) {
	t.Parallel()
	const way = 4000
	for _, c := range []struct {
		ppm  float64
		gap  int    // the first of four slots in which nothing is played, or none
		when [2]int // seconds
	}{{-300, 0, [2]int{2, 5}}, {300, 0, [2]int{2, 5}}, {0, 125, [2]int{2, 8}}, {0, 5, [2]int{1, 3}}} {
		m := &Memory{}
		card := &simulated{memory: m, speed: 1 + c.ppm/1e6, way: way}
		s := newSession(m, Choice{Mic: true, Speaker: true})
		var heard, played []float32
		in, also, out := make([]float32, simSlot), make([]float32, simSlot), make([]float32, simSlot)
		state := uint32(1)
		low := float32(0)
		for n := range 25 * (c.when[1] + 1) {
			now := float64((n+1)*simSlot + (n*7919)%(4*millisecond))
			card.run(now)
			s.in.read(in, also, simTime(now))
			heard, played = append(heard, in...), append(played, also...)
			for i := range out { // noise below some kHz
				state = state*1664525 + 1013904223
				low += 0.1 * (float32(state>>8)/(1<<23) - 1 - low)
				out[i] = low
			}
			if c.gap == 0 || n < c.gap || n > c.gap+3 {
				s.out.write(out, simTime(now))
			}
		}
		for _, from := range c.when {
			if off := mismatch(heard, played, from*48000, way); off > 0.02 {
				t.Errorf("%v ppm, gap %d: at second %d %.3f of what is heard was not played", c.ppm, c.gap, from, off)
			}
		}
	}
}

// mismatch returns how much of the power heard in the second after from is not
// what was played, way before; three samples more or less are the resampling's.
func mismatch(heard, played []float32, from, way int) float64 {
	best := math.Inf(1)
	for quarter := -12; quarter <= 12; quarter++ { // of a sample
		shift, part := way+(quarter>>2), float32(quarter&3)/4
		off, all := 0.0, 1e-9
		for i := from; i < from+48000; i++ {
			d := float64(heard[i] - played[i-shift] - part*(played[i-shift-1]-played[i-shift]))
			off += d * d
			all += float64(heard[i]) * float64(heard[i])
		}
		best = min(best, off/all)
	}
	return best
}

// TestPlaybackAfterAGap: when writes stop for longer than the cushion,
// playback goes on with the next, and the cushion has grown.
func TestPlaybackAfterAGap(t *testing.T) {
	m := &Memory{}
	card := &simulated{memory: m, speed: 1}
	p := &newSession(m, Choice{Speaker: true}).out
	out := make([]float32, simSlot)
	for i := range out {
		out[i] = 0.25
	}
	for n := range 20 {
		card.run(float64(n * simSlot))
		if n != 10 && n != 11 && n != 12 {
			p.write(out, simTime(float64(n*simSlot)))
		}
	}
	if p.cushion != playbackCushion+playbackStep {
		t.Errorf("the cushion is %d after a gap", p.cushion)
	}
	if last := card.heard[len(card.heard)-1]; math.Abs(float64(last)-0.25) > 0.01 {
		t.Errorf("after the gap %v is heard", last)
	}
}

// TestCushionGrows: slots that come later than the cushion is long break the sound off
// until it is long enough, and not again.
func TestCushionGrows(t *testing.T) {
	m := &Memory{}
	card := &simulated{memory: m, speed: 1}
	s := newSession(m, Choice{Speaker: true})
	out := make([]float32, simSlot)
	const slots = 25 * 20
	var half uint64
	for n := range slots {
		now := float64(n * simSlot)
		if n%7 == 6 {
			now += 25 * millisecond
		}
		card.run(now)
		s.out.write(out, simTime(now))
		if n == slots/2 {
			half = m.Played.Faults.Load()
		}
	}
	if c := s.out.cushion; c <= playbackCushion+playbackStep || c > 25*millisecond {
		t.Errorf("the cushion is %d", c)
	}
	if after := m.Played.Faults.Load(); after != half {
		t.Errorf("%d samples were missing at first, and %d in the end", half, after)
	}
}

// TestFaultsOutliveTheirStreams: what went wrong in a call can be asked for
// after it, and what the device did between two calls is nobody's fault.
func TestFaultsOutliveTheirStreams(t *testing.T) {
	c := &Card{memory: &Memory{}}
	for call := range uint64(3) {
		c.memory.Captured.Faults.Add(100)
		c.memory.Played.Faults.Add(100)
		c.setSession(newSession(c.memory, Choice{Mic: true, Speaker: true}))
		c.memory.Captured.Faults.Add(1)
		c.memory.Played.Faults.Add(2)
		for _, when := range []string{"in", "after"} {
			if s := c.Stats(); s.CaptureFaults != call+1 || s.PlaybackFaults != 2*(call+1) {
				t.Errorf("%s call %d: %d and %d faults, want %d and %d", when, call,
					s.CaptureFaults, s.PlaybackFaults, call+1, 2*(call+1))
			}
			c.setSession(nil)
		}
	}
	if mic, speaker := c.Mic().Faults(), c.Speaker().Faults(); mic != 3 || speaker != 6 {
		t.Errorf("the halves have %d and %d faults, want 3 and 6", mic, speaker)
	}
}

// TestStretchedSlots: slots that are up to 5/8 longer than the others, or a pitch
// period shorter, with the next coming as much later, are played like any others.
func TestStretchedSlots(t *testing.T) {
	m := &Memory{}
	card := &simulated{memory: m, speed: 1 - 200e-6}
	s := newSession(m, Choice{Speaker: true})
	now, at := 0, 0
	out := make([]float32, simSlot*13/8)
	for n := range 30 * 25 {
		slot := simSlot
		switch {
		case n%10 == 3:
			slot -= simSlot * (n % 7) / 24
		case n%100 < 5: // several in a row
			slot += simSlot * (1 + n%5) / 8
		}
		for i := range out[:slot] {
			out[i] = float32(simVolume * math.Sin(2*math.Pi*simTone*float64(at+i)/48000))
		}
		late := float64(now + (n*7919)%playbackCushion)
		card.run(late)
		s.out.write(out[:slot], simTime(late))
		now, at = now+slot, at+slot
	}
	smooth(t, -200, "heard", card.heard)
	if _, faults := s.faults(); faults > simPeriod { // the callback before the first slot
		t.Errorf("%d faults: %+v", faults, s.out.drift.Stats())
	}
}
