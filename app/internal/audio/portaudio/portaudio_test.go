package portaudio

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/pulsetest"
	"undertone/app/internal/audio/ring"
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
// It keeps to absolute time, as a call does: a late slot does not move the next.
func eachSlot(t *testing.T, d time.Duration, f func(n int) bool) {
	t.Helper()
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := range int(d / slot) {
		<-timer.C
		if !f(n) {
			return
		}
		timer.Reset(time.Until(start.Add(time.Duration(n+1) * slot)))
	}
	t.Fatalf("not over within %v", d)
}

func TestDevices(t *testing.T) {
	s := pulsetest.Start(t)
	s.Sink(t, "first")
	s.Sink(t, "second").Microphone(t, "talk")
	s.Pactl(t, "load-module", "module-null-sink", "sink_name=third", "rate=48000", "channels=1", "sink_properties=device.bus=bluetooth")
	s.Pactl(t, "set-default-sink", "second")
	s.Pactl(t, "set-default-source", "talk")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	list, err := sound.Devices(ctx, sound.Config{Env: s.Env()})
	if err != nil || len(list) != 4 {
		t.Fatalf("devices %+v, %v; want three sinks and a source", list, err)
	}
	for i, want := range []sound.Device{
		{Name: "first", Description: "Null Output", Outputs: 1},
		{Name: "second", Description: "Null Output", Outputs: 1, DefaultOutput: true},
		{Name: "third", Description: "Null Output", Outputs: 1, Leaves: sound.LeavesByRadio},
		{Name: "talk", Description: "Remapped Monitor of Null Output", Inputs: 1, DefaultInput: true},
	} {
		got := list[i]
		if max(got.InputLatency, got.OutputLatency) <= 0 {
			t.Errorf("no latency: %+v", got)
		}
		want.System, want.Rate = "PulseAudio", 48000
		got.InputLatency, got.OutputLatency = 0, 0
		if got != want {
			t.Errorf("device %+v, want %+v", got, want)
		}
	}
}

// TestDevicesWithoutServer lists ALSA's devices where no sound server answers.
func TestDevicesWithoutServer(t *testing.T) {
	s := pulsetest.Start(t)
	s.Sink(t, "any")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	// ALSA's configuration leads to the server, and nothing else does.
	s.ServeALSAOnly(t)
	list, err := sound.Devices(ctx, sound.Config{Env: append(s.Env(), "PULSE_SERVER=unix:"+filepath.Join(t.TempDir(), "none"))})
	if err != nil || len(list) != 1 {
		t.Fatalf("devices %+v, %v", list, err)
	}
	d := list[0]
	if d.Name != "default" || d.System != "ALSA" || !d.DefaultInput || !d.DefaultOutput || d.Inputs < 1 ||
		d.Outputs < 1 || d.Rate < wav.MinRate || d.InputLatency <= 0 || d.OutputLatency <= 0 {
		t.Errorf("device %+v", d)
	}
}

// TestNoDevice runs a helper where ALSA knows PulseAudio alone and that is away.
func TestNoDevice(t *testing.T) {
	s := pulsetest.Start(t)
	s.Kill(t)
	env := s.Env()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := sound.Devices(ctx, sound.Config{Env: env}); err == nil || err.Error() != ErrNoDevice.Error() {
		t.Errorf("error %v, want that nothing was found", err)
	}
	card := open(t, sound.Choice{Mic: true}, env)
	mic := card.Mic()
	mic.Live(true)
	pcm := make([]float32, audio.Samples(slot))
	eachSlot(t, 20*time.Second, func(int) bool {
		mic.Read(pcm)
		return card.Trouble() == nil
	})
	if err := card.Trouble(); !strings.Contains(err.Error(), "no microphone") {
		t.Errorf("trouble %v, want one about the microphone", err)
	}
}

// TestChosenDevices chooses each of two loudspeakers and two microphones, and
// sees at the server that they are used.
func TestChosenDevices(t *testing.T) {
	s := pulsetest.Start(t)
	s.Sink(t, "left").Microphone(t, "lefttalk")
	s.Sink(t, "right").Microphone(t, "righttalk")
	for _, side := range []string{"left", "right"} {
		card := open(t, sound.Choice{Mic: true, Speaker: true, MicName: side + "talk", SpeakerName: side}, s.Env())
		mic, speaker := card.Mic(), card.Speaker()
		mic.Live(true)
		speaker.Live(true)
		pcm := make([]float32, audio.Samples(slot))
		eachSlot(t, 30*time.Second, func(int) bool {
			mic.Read(pcm)
			speaker.Write(pcm)
			return !card.Playing()
		})
		if err := card.Trouble(); err != nil {
			t.Errorf("trouble: %v", err)
		}
		pid := card.Stats().Process
		if got := s.Uses(t, pid); !slices.Equal(got, []string{side, side + "talk"}) {
			t.Errorf("%s: used are %q", side, got)
		}
		if err := card.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestUnknownDevice is the default instead, and a person is told.
func TestUnknownDevice(t *testing.T) {
	s := pulsetest.Start(t)
	s.Sink(t, "any")
	card := open(t, sound.Choice{Speaker: true, SpeakerName: "Gramophone"}, s.Env())
	speaker := card.Speaker()
	speaker.Live(true)
	eachSlot(t, 20*time.Second, func(int) bool { return !card.Playing() })
	var detour sound.Detour
	if err := card.Trouble(); !errors.As(err, &detour) || !strings.Contains(err.Error(), `there is no loudspeaker "Gramophone" now`) {
		t.Errorf("trouble %v", err)
	}
	if got := s.Uses(t, card.Stats().Process); !slices.Equal(got, []string{"any"}) {
		t.Errorf("used are %q", got)
	}
}

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
	eachSlot(t, time.Minute, func(n int) bool {
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
	t.Logf("%+v", card.Stats())
	checkTone(t, heard)
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
	eachSlot(t, time.Minute, func(int) bool {
		speaker.Write(left[:n])
		left = left[n:]
		return len(left) > 0
	})
	r.Stop(t)
	t.Logf("%+v", card.Stats())
	checkTone(t, readWAV(t, path))
}

// checkTone checks that all of the tone is there once, without gap or click.
func checkTone(t *testing.T, heard []float32) {
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

// A loop is a card whose microphone hears its loudspeaker, in a call.
type loop struct {
	t       *testing.T
	card    *sound.Card
	mic     *sound.Mic
	speaker *sound.Speaker
	slow    int // slots that took longer than a slot
}

func newLoop(t *testing.T, card *sound.Card) *loop {
	l := &loop{t: t, card: card, mic: card.Mic(), speaker: card.Speaker()}
	l.mic.Live(true)
	l.speaker.Live(true)
	return l
}

// until speaks until ok, which is told how loud the microphone is.
func (l *loop) until(what string, ok func(loud bool) bool) {
	l.t.Helper()
	in, out := make([]float32, audio.Samples(slot)), audio.Tone(toneHz, toneAmplitude, slot)
	defer func() {
		if l.t.Failed() {
			l.t.Logf("waited for %s; trouble: %v", what, l.card.Trouble())
		}
	}()
	eachSlot(l.t, 30*time.Second, func(int) bool {
		start := time.Now()
		l.mic.Read(in)
		l.speaker.Write(out)
		if time.Since(start) > slot {
			l.slow++
		}
		return !ok(slices.Max(in) > toneAmplitude/4)
	})
}

func (l *loop) heard() {
	l.t.Helper()
	l.until("sound", func(loud bool) bool { return loud })
}

// TestSoundServerRestarts kills PulseAudio in a call and starts it again.
func TestSoundServerRestarts(t *testing.T) {
	s := pulsetest.Start(t)
	k := s.Sink(t, "loop")
	card := open(t, sound.Choice{Mic: true, Speaker: true}, s.Env(), k.MicEnv(), k.SpeakerEnv())
	l := newLoop(t, card)
	l.heard()
	began := time.Now()
	s.Kill(t)
	l.until("trouble", func(bool) bool { return card.Trouble() != nil })
	noticed := time.Since(began)
	l.until("silence", func(loud bool) bool { return !loud })
	s.Restart(t)
	s.Sink(t, "loop")
	began = time.Now()
	l.heard()
	t.Logf("noticed after %v, back %v after the restart; %d slots were slow", noticed, time.Since(began), l.slow)
	l.until("no trouble", func(bool) bool { return card.Trouble() == nil })
	if l.slow > 3 { // The machine may stand still now and then; who waits for sound does in every slot.
		t.Errorf("%d slots took longer than %v", l.slow, slot)
	}
}

// TestUnplugged takes away the loudspeaker and the microphone that were chosen,
// in a call, and brings them back.
func TestUnplugged(t *testing.T) {
	s := pulsetest.Start(t)
	s.Sink(t, "desk").Microphone(t, "desktalk")
	s.Pactl(t, "set-default-sink", "desk")
	s.Pactl(t, "set-default-source", "desktalk")
	k := s.Sink(t, "headset")
	k.Microphone(t, "headtalk")
	card := open(t, sound.Choice{Mic: true, Speaker: true, MicName: "headtalk", SpeakerName: "headset"}, s.Env())
	uses := func(want ...string) func(bool) bool {
		return func(loud bool) bool { return loud && slices.Equal(s.Uses(t, card.Stats().Process), want) }
	}
	l := newLoop(t, card)
	l.until("the headset", uses("headset", "headtalk"))
	k.Unplug(t) // And the microphone with it.
	l.until("the default", uses("desk", "desktalk"))
	var detour sound.Detour
	l.until("a word about it", func(bool) bool { return errors.As(card.Trouble(), &detour) })
	for _, name := range []string{"headset", "headtalk"} {
		if !strings.Contains(detour.Error(), fmt.Sprintf("%q", name)) {
			t.Errorf("it says %q, and nothing of %s", detour, name)
		}
	}
	s.Sink(t, "headset").Microphone(t, "headtalk")
	l.until("the headset again", uses("headset", "headtalk"))
	l.until("no trouble", func(bool) bool { return card.Trouble() == nil })
	t.Logf("%+v", card.Stats())
}

// TestDefaultIsFollowed changes the server's default in a call in which nobody
// chose.
func TestDefaultIsFollowed(t *testing.T) {
	s := pulsetest.Start(t)
	set := func(name string) {
		s.Pactl(t, "set-default-sink", name)
		s.Pactl(t, "set-default-source", name+"talk")
	}
	for _, name := range []string{"desk", "headset"} {
		s.Sink(t, name).Microphone(t, name+"talk")
	}
	set("desk")
	card := open(t, sound.Choice{Mic: true, Speaker: true}, s.Env())
	l := newLoop(t, card)
	for _, name := range []string{"desk", "headset", "desk"} {
		set(name)
		l.until(name, func(loud bool) bool {
			return loud && slices.Equal(s.Uses(t, card.Stats().Process), []string{name, name + "talk"})
		})
	}
	if err := card.Trouble(); err != nil || card.Stats().Helpers != 1 {
		t.Errorf("trouble %v; %+v", err, card.Stats())
	}
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
