package sound

import (
	"math"
	"testing"

	"undertone/app/internal/audio/enhance"
	"undertone/assets"
	"undertone/codec"
)

// TestEchoAtAnyClock: the echo of speech is cancelled through both resamplers, with
// cards that run off the slots' time, and again after playback stood still.
func TestEchoAtAnyClock(t *testing.T) {
	t.Parallel()
	said, err := codec.Convert(assets.Loop().PCM(), assets.SampleRate, codec.SampleRate)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ppm     float64
		gap     bool
		seconds int
	}{{200, false, 7}, {-200, false, 7}, {0, true, 12}} {
		m := &Memory{}
		card := &simulated{memory: m, speed: 1 + c.ppm/1e6, way: 100 * millisecond}
		s := newSession(m, Choice{Mic: true, Speaker: true})
		p, err := enhance.New(enhance.All)
		if err != nil {
			t.Fatal(err)
		}
		p.Live(true)
		var before, after float64
		heard, played := make([]float32, simSlot), make([]float32, simSlot)
		for n := range c.seconds * 25 {
			now := float64((n+1)*simSlot + (n*7919)%(4*millisecond))
			card.run(now)
			s.in.read(heard, played, simTime(now))
			count := n >= 75 && (!c.gap || n < 150 || n >= 225)
			if count {
				before += energy(heard)
			}
			p.HearBoth(heard, played)
			if count {
				after += energy(heard)
			}
			if !c.gap || n < 150 || n > 153 {
				s.out.write(said[n*simSlot:(n+1)*simSlot], simTime(now))
			}
		}
		got := 10 * math.Log10(before/after)
		t.Logf("%v ppm, gap %t: the echo is reduced by %.0f dB", c.ppm, c.gap, got)
		if got < 25 {
			t.Errorf("%v ppm, gap %t: the echo is reduced by %.1f dB, want 25", c.ppm, c.gap, got)
		}
	}
}

func energy(pcm []float32) (sum float64) {
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return sum
}
