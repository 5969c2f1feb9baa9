package portaudio

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/pulsetest"
	"undertone/app/internal/audio/ring"
	"undertone/app/internal/audio/sound"
	"undertone/transport/cell"
)

const (
	toneHz        = 440
	toneAmplitude = 0.5
	toneLength    = 3 * time.Second
)

// tone is faded at its ends, so that every jump in it is a fault.
func tone() []float32 {
	pcm := audio.Tone(toneHz, toneAmplitude, toneLength)
	const fade = 480
	for i := range fade {
		pcm[i] *= float32(i) / fade
		pcm[len(pcm)-1-i] *= float32(i) / fade
	}
	return pcm
}

// TestMicrophoneIsHeardWhole plays a tone into a virtual microphone, through
// PulseAudio, ALSA, PortAudio, the helper and the shared memory.
func TestMicrophoneIsHeardWhole(t *testing.T) {
	s := pulsetest.Start(t)
	k := s.Sink(t, "mic")
	card := open(t, sound.Choice{Mic: true, Latency: safeLatency}, s.Env(), k.MicEnv())
	mic := card.Mic()
	mic.Live(true)
	path := filepath.Join(t.TempDir(), "tone.wav")
	writeWAV(t, path, tone())

	var heard []float32
	pcm := make([]float32, audio.Samples(slot))
	over := make(chan struct{})
	quiet := 0
	late := eachSlot(t, time.Minute, func(n int) bool {
		mic.Read(pcm)
		heard = append(heard, pcm...)
		if n == 25 { // the stream runs
			go func() {
				defer close(over)
				k.Play(t, path)
			}()
		}
		select {
		case <-over:
			quiet++
		default:
		}
		return quiet < int(time.Second/slot)
	})
	checkTone(t, heard, undisturbed(t, card, late))
}

// TestSpeakerPlaysWhole is the other way.
func TestSpeakerPlaysWhole(t *testing.T) {
	s := pulsetest.Start(t)
	k := s.Sink(t, "ear")
	card := open(t, sound.Choice{Speaker: true, Latency: safeLatency}, s.Env(), k.SpeakerEnv())
	speaker := card.Speaker()
	speaker.Live(true)
	path := filepath.Join(t.TempDir(), "ear.wav")
	r := k.Record(t, path)

	n := audio.Samples(slot)
	left := append(append(make([]float32, 25*n), tone()...), make([]float32, 25*n)...)
	late := eachSlot(t, time.Minute, func(int) bool {
		speaker.Write(left[:n])
		left = left[n:]
		return len(left) > 0
	})
	r.Stop(t)
	checkTone(t, readWAV(t, path), undisturbed(t, card, late))
}

// undisturbed reports whether a machine did what it was asked to in time. If it was
// late itself, by so much that a device runs dry, and the card counted that one did, a
// break in the sound is the machine's. A card that only counts has no such excuse.
func undisturbed(t *testing.T, card *sound.Card, late time.Duration) bool {
	t.Helper()
	s := card.Stats()
	t.Logf("%+v; the slots were up to %v late", s, late)
	return s.CaptureFaults+s.PlaybackFaults == 0 || late < slot
}

// checkTone checks that all of the tone is there once, without gap or click. On a
// machine that was too busy it is there.
func checkTone(t *testing.T, heard []float32, undisturbed bool) {
	t.Helper()
	const loud = toneAmplitude / 4
	first := slices.IndexFunc(heard, func(v float32) bool { return v > loud })
	if first < 0 {
		t.Fatal("nothing was heard")
	}
	last := first
	var steepest float64
	for i := first + 1; i < len(heard); i++ {
		if heard[i] > loud {
			last = i
		}
		steepest = max(steepest, math.Abs(float64(heard[i]-heard[i-1])))
	}
	if !undisturbed {
		if d := audio.Duration(last - first); d < toneLength/2 || d > 2*toneLength {
			t.Errorf("the tone lasts %v, on a busy machine, want about %v", d, toneLength)
		}
		return
	}
	if d := audio.Duration(last-first) - toneLength; d < -20*time.Millisecond || d > 20*time.Millisecond {
		t.Errorf("the tone lasts %v, want %v", toneLength+d, toneLength)
	}
	if allowed := 1.1 * 2 * math.Pi * toneHz / cell.SampleRate * toneAmplitude; steepest > allowed {
		t.Errorf("a click: two samples differ by %.4f, the tone by %.4f at most", steepest, allowed)
	}
	// Every period of the tone is as loud as the next: no gap, no fade.
	const period = 2 * cell.SampleRate / toneHz
	for i := first + 2*480; i+period < last-2*480; i += period {
		if top := slices.Max(heard[i : i+period]); top < 0.9*toneAmplitude || top > 1.1*toneAmplitude {
			t.Fatalf("%v after its start the tone has amplitude %.3f, want %.2f", audio.Duration(i-first), top, toneAmplitude)
		}
	}
}

// TestRoundTrip measures how late a click comes back that is played to a
// speaker whose monitor is the microphone: both cards' latency and ours.
func TestRoundTrip(t *testing.T) {
	s := pulsetest.Start(t)
	k := s.Sink(t, "loop")
	card := open(t, sound.Choice{Mic: true, Speaker: true}, s.Env(), k.MicEnv(), k.SpeakerEnv())
	trips := clicks(t, card, 10)
	slices.Sort(trips)
	median := trips[len(trips)/2]
	t.Logf("round trip through PortAudio and PulseAudio: median %v, all %v; %+v", median, trips, card.Stats())
	if median > 500*time.Millisecond {
		t.Errorf("the median round trip is %v", median)
	}
}

// clicks plays n clicks and returns how late they came back, as if by a card
// whose Read ends now and whose Write starts now.
func clicks(t *testing.T, card *sound.Card, n int) []time.Duration {
	t.Helper()
	mic, speaker := card.Mic(), card.Speaker()
	mic.Live(true)
	speaker.Live(true)
	in, quiet := make([]float32, audio.Samples(slot)), make([]float32, audio.Samples(slot))
	click := slices.Clone(quiet)
	for i := range 48 {
		click[i] = toneAmplitude
	}
	var trips []time.Duration
	var played time.Time
	eachSlot(t, time.Minute, func(k int) bool {
		mic.Read(in)
		now := time.Now()
		if i := slices.IndexFunc(in, func(v float32) bool { return v > toneAmplitude/2 }); i >= 0 && !played.IsZero() {
			trips = append(trips, now.Sub(played)-audio.Duration(len(in)-i))
			played = time.Time{}
		}
		if k%20 == 19 {
			played = now
			speaker.Write(click)
		} else {
			speaker.Write(quiet)
		}
		return len(trips) < n
	})
	return trips
}

// TestRingIsHeard rings in the hall, and not at the desk, which is the default.
func TestRingIsHeard(t *testing.T) {
	s := pulsetest.Start(t)
	s.Sink(t, "desk")
	hall := s.Sink(t, "hall")
	s.Pactl(t, "set-default-sink", "desk")
	card := open(t, sound.Choice{Speaker: true, SpeakerName: "hall", Latency: safeLatency}, s.Env())
	path := filepath.Join(t.TempDir(), "hall.wav")
	recording := hall.Record(t, path)
	r := ring.New(card.Speaker())
	r.Ring(true)
	eachSlot(t, 20*time.Second, func(int) bool { return !card.Playing() })
	if got := s.Uses(t, card.Stats().Process); !slices.Equal(got, []string{"hall"}) {
		t.Errorf("it rings by %q", got)
	}
	eachSlot(t, 20*time.Second, func(int) bool { return !loud(t, path) })
	recording.Stop(t)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// loud tells whether a recording that goes on has something in it.
func loud(t *testing.T, path string) bool {
	t.Helper()
	const head, little = 44, 3000
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := head; i+1 < len(b); i += 2 {
		if int16(binary.LittleEndian.Uint16(b[i:])) > little {
			return true
		}
	}
	return false
}
