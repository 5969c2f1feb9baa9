package codec

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// level draws one sample within full scale, often one of the edges.
func level(t *rapid.T, name string) float32 {
	if rapid.Bool().Draw(t, name+" at an edge") {
		return rapid.SampledFrom([]float32{0, 1, -1, mixKnee, -mixKnee, 1e-30, 0.999999}).Draw(t, name)
	}
	return rapid.Float32Range(-1, 1).Draw(t, name)
}

// mixed is one sample of several speakers.
func mixed(all ...float32) float32 {
	m, out := newMixer(1), []float32{9}
	m.clear()
	for _, v := range all {
		m.add([]float32{v})
	}
	m.read(out)
	return out[0]
}

// TestMixOne: one speaker comes out exactly as he went in, however loud he is and
// however many are silent.
func TestMixOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := make([]float32, rapid.IntRange(1, MaxSpeakers).Draw(t, "speakers"))
		v := level(t, "level")
		all[rapid.IntRange(0, len(all)-1).Draw(t, "who")] = v
		if got := mixed(all...); got != v {
			t.Fatalf("one speaker at %v came out at %v", v, got)
		}
	})
}

// TestMixSum: what stays below the knee is added and nothing else; what goes
// beyond stays between the knee and full scale, on the same side.
func TestMixSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := make([]float32, rapid.IntRange(1, MaxSpeakers).Draw(t, "speakers"))
		var sum, loudest float64
		for k := range all {
			all[k] = level(t, "level")
			sum += float64(all[k])
			loudest = max(loudest, math.Abs(float64(all[k])))
		}
		got := float64(mixed(all...))
		const rounding = 1e-5
		switch {
		case math.Abs(sum) < max(mixKnee, loudest)-rounding:
			if math.Abs(got-sum) > rounding {
				t.Errorf("%v came out at %v, want their sum", all, got)
			}
		case math.Abs(got) > 1 || math.Abs(got) < max(mixKnee, loudest)-rounding || math.Signbit(got) != math.Signbit(sum):
			t.Errorf("%v came out at %v", all, got)
		}
		slices.Reverse(all)
		if other := float64(mixed(all...)); math.Abs(other-got) > rounding {
			t.Errorf("%v came out at %v, the other way round at %v", all, other, got)
		}
	})
}

// TestMixSmooth: the limiter has no step and never turns round: as one speaker
// becomes louder, the output follows by no more than he does.
func TestMixSmooth(t *testing.T) {
	const step, rounding = 1e-3, 1e-6
	for _, other := range []float32{0, 0.2, 0.69, 0.7, 0.71, 0.95, 1, -0.3} {
		was := mixed(other, -1)
		for v := float32(-1 + step); v <= 1; v += step {
			now := mixed(other, v)
			if d := now - was; d < -rounding || d > step+rounding {
				t.Fatalf("beside %v, from %v to %v the output goes by %v", other, v-step, v, d)
			}
			was = now
		}
	}
}

// TestMixClear: a slot holds nothing of the one before.
func TestMixClear(t *testing.T) {
	m, out := newMixer(2), make([]float32, 2)
	m.add([]float32{1, 1})
	m.add([]float32{1, -1})
	m.clear()
	m.add([]float32{0.5, -0.25})
	m.read(out)
	if out[0] != 0.5 || out[1] != -0.25 {
		t.Errorf("got %v of the second slot", out)
	}
}
