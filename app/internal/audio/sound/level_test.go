package sound

import (
	"math"
	"testing"
)

func TestLevel(t *testing.T) {
	var m meter
	if m.level() != (Level{}) {
		t.Error("a new meter is not at rest")
	}
	sine := make([]float32, 4800)
	for i := range sine {
		sine[i] = float32(-0.5 * math.Sin(2*math.Pi*float64(i)/480))
	}
	m.measure(sine)
	if l := m.level(); math.Abs(float64(l.Peak)-0.5) > 1e-4 || math.Abs(float64(l.RMS)-0.5/math.Sqrt2) > 1e-4 {
		t.Errorf("a sine of 0.5 is %+v", l)
	}
	m.measure(make([]float32, 10))
	if m.level() != (Level{}) {
		t.Errorf("silence is %+v", m.level())
	}
}

// The levels are those of the last slot, in a call and out of it.
func TestLevelsOfACard(t *testing.T) {
	c := openFake(t, fakeGood)
	s := newSlots(c)
	s.until(t, "sound", func() bool { return s.mic.Level().Peak > 0.2 })
	loud := []float32{0.5, -0.75}
	s.speaker.Write(loud)
	if got := s.speaker.Level().Peak; got != 0.75 {
		t.Errorf("the loudspeaker's peak is %v", got)
	}
	s.mic.Live(false)
	s.one()
	if got := s.mic.Level(); got != (Level{}) {
		t.Errorf("after the call the microphone gives %+v", got)
	}
}
