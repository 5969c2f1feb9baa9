package lease

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"undertone/transport/cell"
)

func TestSlotAllocatesNothing(t *testing.T) {
	p := New(cell.Interval40, rand.New(rand.NewPCG(1, 2)))
	v := View{Slot: 1000, Known: 996, Channels: 8, Members: 20, Ends: []cell.Slot{0, 1010, 1020, 1030, 1040, 1050, 0, 1070}}
	mine := []Lease{{Begin: 900, End: 1010}, {Begin: 920, End: 1050}}
	if n := testing.AllocsPerRun(1000, func() { p.Slot(v, true, mine); v.Slot++; v.Known++ }); n != 0 {
		t.Errorf("a slot allocates %v times", n)
	}
}

func BenchmarkSlot(b *testing.B) {
	b.ReportAllocs()
	w := newWorld(usual, 1)
	w.run(1000)
	p := w.persons[0].reserver
	v := View{Slot: w.now, Known: w.now - 4, Channels: 8, Members: 20, Ends: w.at(w.now - 1).ends[:8]}
	for b.Loop() {
		p.Slot(v, true, w.persons[0].leases)
		v.Slot++
		v.Known++
	}
}

// Whatever a server shows, the policy places a token or two, never more.
func TestSlotIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := New(rapid.SampledFrom(cell.Intervals()).Draw(t, "interval"), rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed"))))
		slot := rapid.Map(rapid.Uint64Range(0, 300), func(n uint64) cell.Slot { return cell.Slot(n) })
		channels := rapid.IntRange(0, 33).Draw(t, "channels")
		n := slot.Draw(t, "first")
		for range 100 {
			v := View{
				Slot: n, Known: slot.Draw(t, "known"), Lost: slot.Draw(t, "lost"), Channels: channels,
				Members: rapid.IntRange(-1, 60).Draw(t, "members"), Opening: rapid.Bool().Draw(t, "opening"),
				Ends: rapid.SliceOfN(slot, 0, 34).Draw(t, "ends"),
			}
			var mine []Lease
			for range rapid.IntRange(0, 3).Draw(t, "leases") {
				mine = append(mine, Lease{slot.Draw(t, "begin"), slot.Draw(t, "end")})
			}
			if got := p.Slot(v, rapid.Bool().Draw(t, "wants"), mine); got < 0 || got > 2 {
				t.Fatalf("%d tokens", got)
			}
			n += cell.Slot(rapid.IntRange(-2, 5).Draw(t, "step") + 2)
		}
	})
}

// busy lets calls come and go, up to so many at once, and returns how long
// callers waited for a channel, and those who answered after they had; and how
// many slots of how many of calls had none.
func busy(s setting, calls, runs, seconds int) (dials, answered []cell.Slot, silent, talked int) {
	for seed := range runs {
		t := newTown(s, calls, unused+uint64(seed))
		t.run(t.slots(seconds * 1000))
		for i := range t.callers {
			c := &t.callers[i]
			dials = append(dials, c.dials...)
			answered = append(answered, c.answered...)
			silent += c.silent[0] + c.silent[1]
			talked += 2 * c.talked
		}
	}
	return dials, answered, silent, talked
}

// within returns the part of the waits that are at most so many slots.
func within(waits []cell.Slot, limit cell.Slot) float64 {
	n := 0
	for _, w := range waits {
		if w <= limit {
			n++
		}
	}
	return float64(n) / float64(max(len(waits), 1))
}

// Up to three calls at once, which come and go: 95 % of who dial have a channel
// within three seconds, and of who answer, and nobody ever loses his. The limits
// leave room for the few calls of a short run.
func TestCallsGetAChannelAndKeepIt(t *testing.T) {
	runs := 3
	if *windows > 0 {
		runs = 24
	}
	for _, calls := range []int{3} {
		dials, answered, silent, talked := busy(usual, calls, runs, 900)
		limit := cell.Slot(3000 / 40)
		t.Logf("up to %d calls: %d dialed, %.3f had a channel in 3 s; %d answered, %.3f at once, %.3f in 3 s; %d of %d slots without", calls,
			len(dials), within(dials, limit), len(answered), within(answered, 0), within(answered, limit), silent, talked)
		if len(dials) < 40 || within(dials, limit) < 0.95-0.25/math.Sqrt(float64(len(dials))) {
			t.Errorf("up to %d calls: only %.3f of %d had a channel in 3 s", calls, within(dials, limit), len(dials))
		}
		if within(answered, limit) < 0.95-0.25/math.Sqrt(float64(len(answered))) {
			t.Errorf("up to %d calls: only %.3f of %d who answered had a channel in 3 s", calls, within(answered, limit), len(answered))
		}
		if silent > 0 {
			t.Errorf("up to %d calls: %d of %d slots of calls had no channel", calls, silent, talked)
		}
	}
}

// Three calls of an hour. Without lost slots no slot of them is without a
// channel. With two lost in a thousand, a token is lost with one; it is placed
// again in the same frame, and what may be missing are two slots.
func TestVoiceOutlivesLeases(t *testing.T) {
	for _, loss := range []float64{0, 0.002} {
		s := usual
		s.loss = loss
		w := newWorld(s, 3)
		for i := range 6 {
			w.persons[i].wants = true
		}
		w.run(w.slots(20_000))
		silent, all := 0, 0
		length := w.slots(3_600_000)
		if loss > 0 && *windows == 0 {
			length /= 10
		}
		for range length {
			w.step()
			if w.now%4096 == 0 {
				w.forget()
			}
			for i := range 6 {
				all++
				if !w.persons[i].talks(w.now, w.delay) {
					silent++
				}
			}
		}
		t.Logf("loss %.3f: %d of %d slots without a channel", loss, silent, all)
		if float64(silent) > loss*float64(all)/20 {
			t.Errorf("loss %.3f: %d of %d slots without a channel", loss, silent, all)
		}
	}
}

// After a lapse, callers reserve in the first slot of the opening: they speak
// again after the result of it.
func TestCallersComeBackInTheOpening(t *testing.T) {
	back, all := 0, 0
	for seed := range 40 {
		w := newWorld(usual, uint64(seed))
		for i := range 6 {
			w.persons[i].wants = true
		}
		w.run(w.slots(20_000))
		w.vanish(19)
		w.run(4 + 2)
		for i := range 6 {
			all++
			if w.persons[i].talks(w.now, w.delay) {
				back++
			}
		}
	}
	t.Logf("%d of %d callers were back", back, all)
	if float64(back) < 0.9*float64(all) {
		t.Errorf("%d of %d callers were back after the opening", back, all)
	}
}

// With fewer members than channels everybody always has one, and places the same
// tokens in a call or not: the public process is the same to the slot.
func TestFewMembersAreAllTheSame(t *testing.T) {
	for _, members := range []int{2, 5, 7} {
		s := usual
		s.members = members
		a, b := newWorld(s, 1), newWorld(s, 1)
		a.run(a.slots(20_000))
		b.run(b.slots(20_000))
		b.persons[0].wants, b.persons[1].wants = true, true
		for range a.slots(60_000) {
			a.step()
			b.step()
			if a.facts[len(a.facts)-1] != b.facts[len(b.facts)-1] {
				t.Fatalf("%d members: the channels differ in slot %d", members, a.now-1)
			}
			for i := range b.persons {
				if !b.persons[i].talks(b.now, b.delay) {
					t.Fatalf("%d members: one has no channel", members)
				}
			}
		}
	}
}

// Two calls get their channels, and keep them, in sets of other sizes, at other
// intervals, and with results that come late.
func TestOtherSets(t *testing.T) {
	for name, s := range map[string]setting{
		"8 members":   {interval: cell.Interval40, channels: 8, members: 8, delay: 4},
		"50 members":  {interval: cell.Interval40, channels: 8, members: 50, delay: 4},
		"32 channels": {interval: cell.Interval40, channels: 32, members: 100, delay: 4},
		"20ms":        {interval: cell.Interval20, channels: 8, members: 20, delay: 7},
		"100ms":       {interval: cell.Interval100, channels: 8, members: 20, delay: 2},
		"far away":    {interval: cell.Interval40, channels: 8, members: 20, delay: 6},
		"loss":        {interval: cell.Interval40, channels: 8, members: 20, delay: 4, loss: 0.01},
	} {
		dials, answered, silent, talked := busy(s, 2, 1, 300)
		limit := cell.Slot(5000 / s.interval.Milliseconds())
		t.Logf("%-12s %.3f of %d had a channel in 5 s, %.3f who answered; %d of %d slots without", name, within(dials, limit), len(dials), within(answered, limit), silent, talked)
		if within(dials, limit) < 0.7 || float64(silent) > (0.0005+s.loss/10)*float64(talked) {
			t.Errorf("%s: %.3f of %d had a channel in 5 s; %d of %d slots without", name, within(dials, limit), len(dials), silent, talked)
		}
	}
}

// The channels that no call needs go around, if slowly.
func TestFairness(t *testing.T) {
	w := newWorld(usual, 5)
	var held [20]int
	for range 400 {
		w.run(w.slots(4000))
		w.forget()
		for i := range w.persons {
			if w.persons[i].talks(w.now, w.delay) {
				held[i]++
			}
		}
	}
	t.Log(held)
	none := 0
	for _, n := range held {
		none += count(n == 0)
	}
	if none > 8 || slices.Max(held[:]) > 300 {
		t.Errorf("%d of 20 never had a channel: %v", none, held)
	}
}

// The law of who gives way is one: its parts add up, and it is what hazards make.
func TestGivingAddsUp(t *testing.T) {
	for _, channels := range []int{4, 8, 32} {
		for hole := 1; hole <= channels; hole++ {
			sum, left := 0.0, 1.0
			for j := range 3 * channels {
				x := giving(j, hole, channels-2)
				if j > 0 && left > 1e-6 && x > 0 {
					h := hazard(j, hole, channels-2)
					if got := left * h; got < x-1e-6 || got > x+1e-4 {
						t.Errorf("%d channels, hole %d, frame %d: hazards make %v, want %v", channels, hole, j, got, x)
					}
					left -= left * h
				}
				sum += x
			}
			if sum < 0.999 || sum > 1.001 {
				t.Errorf("%d channels, hole %d: probabilities add up to %v", channels, hole, sum)
			}
		}
	}
}

// forget drops the leases that are over.
func (w *world) forget() {
	for i := range w.persons {
		w.persons[i].leases = slices.DeleteFunc(w.persons[i].leases, func(l Lease) bool { return l.End+100 < w.now })
	}
	keep := 200
	if drop := len(w.facts) - keep; drop > 0 {
		w.facts = append(w.facts[:0], w.facts[drop:]...)
		w.first += cell.Slot(drop)
	}
}
