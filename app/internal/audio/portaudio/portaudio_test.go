package portaudio

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"undertone/app/internal/audio/pulsetest"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/audio/wav"
	"undertone/transport/cell"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == sound.Command {
		if err := sound.Main(New()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	pulsetest.Hurry()
	os.Exit(m.Run())
}

const slot = 40 * time.Millisecond

// safeLatency lets the tests about what is heard pass on a machine that is busy
// with other tests. How late it is heard is measured with the normal one.
const safeLatency = sound.MaxLatency

func open(t *testing.T, c sound.Choice, env ...[]string) *sound.Card {
	t.Helper()
	card, err := sound.Open(sound.Config{Choice: c, Env: slices.Concat(env...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { card.Close() })
	return card
}

// eachSlot calls f at the pace of a call until it returns false, at most for d.
// It keeps to absolute time, as a call does: a late slot does not move the next. It
// returns how late the latest one was.
func eachSlot(t *testing.T, d time.Duration, f func(n int) bool) (late time.Duration) {
	t.Helper()
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := range int(d / slot) {
		<-timer.C
		late = max(late, time.Since(start)-time.Duration(n)*slot)
		if !f(n) {
			return late
		}
		timer.Reset(time.Until(start.Add(time.Duration(n+1) * slot)))
	}
	t.Fatalf("not over within %v", d)
	return 0
}

func writeWAV(t *testing.T, path string, pcm []float32) {
	t.Helper()
	w, err := wav.Create(path, cell.SampleRate)
	if err != nil {
		t.Fatal(err)
	}
	samples := make([]int16, len(pcm))
	for i, v := range pcm {
		samples[i] = int16(v * 32767)
	}
	if err := errors.Join(w.Write(samples), w.Close()); err != nil {
		t.Fatal(err)
	}
}

func readWAV(t *testing.T, path string) []float32 {
	t.Helper()
	f, err := wav.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []float32
	pcm := make([]float32, 4096)
	for {
		n, err := f.Read(pcm)
		if err != nil {
			return all
		}
		all = append(all, pcm[:n]...)
	}
}
