package main

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/pulsetest"
	"undertone/app/internal/quality"
	"undertone/assets"
	"undertone/transport/cell"
)

// From a microphone to a speaker through PortAudio and PulseAudio, everything in a
// process of its own: what is played to the microphone and what the speaker plays
// are both recorded, and compared stretch by stretch. Whatever else the machine does
// only makes it longer, so that the shortest of the stretches is what the program
// takes, and the middle one is not much longer; and a call in which the machine stood
// still is made once more. How the callbacks of the card stand to the slots is chance, and
// the same for a whole call: at 20 ms half of the calls take up to a callback longer than
// that, and are made once more, too.
func TestMouthToEar(t *testing.T) {
	const calls, more = 8, 15 * time.Millisecond
	pulse := pulsetest.Start(t)
	for i, budget := range map[cell.Interval]time.Duration{
		cell.Interval20:  85 * time.Millisecond,
		cell.Interval40:  110 * time.Millisecond,
		cell.Interval100: 175 * time.Millisecond,
	} {
		t.Run(i.String(), func(t *testing.T) {
			mic, speaker := pulse.Sink(t, "mic"+i.String()), pulse.Sink(t, "speaker"+i.String())
			w := friends(t, i)
			for n := range calls {
				late := mouthToEar(t, w, pulse.Env(), mic, speaker)
				if len(late) == 0 {
					t.Fatal("nothing was heard of what was said")
				}
				t.Logf("from mouth to ear: %v at the least, %v in the middle, %v at the most", late[0], late[len(late)/2], late[len(late)-1])
				if late[0] <= budget && late[len(late)/2] <= budget+more {
					return
				}
				if n == calls-1 {
					t.Errorf("that is too long: want %v, and %v in the middle", budget, budget+more)
				}
			}
		})
	}
}

// mouthToEar has ann speak to bob, and returns how long that took, stretch by
// stretch, the shortest first.
func mouthToEar(t *testing.T, w *world, pulse []string, mic, speaker *pulsetest.Sink) (late []time.Duration) {
	with := func(env []string) []string { return append(append([]string{}, pulse...), env...) }
	bob := w.run("bob", with(speaker.SpeakerEnv()), "idle", "--answer", "auto", "--in", "none")
	bob.await("online")
	ann := w.run("ann", with(mic.MicEnv()), "call", "bob", "--out", "none",
		"--echo-cancellation", "off", "--noise-suppression", "off", "--gain-control", "off")
	bob.await("voice_heard")
	settle := time.NewTimer(time.Second) // The sound cards open, and fall into step.
	<-settle.C
	atAnn, atBob := mic.Witness(t), speaker.Witness(t)
	mic.Play(t, w.wavFile("speech.wav", assets.Speech()))
	settle.Reset(500 * time.Millisecond) // The last word is on its way.
	<-settle.C
	said, began := atAnn.Stop()
	heard, from := atBob.Stop()
	for _, p := range []*process{ann, bob} {
		if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		sum, _ := p.end()
		t.Logf("%d cells heard, %d concealed, %d skipped; %d sound faults", sum.Heard, sum.Concealed, sum.CellsSkipped, sum.SoundFaults)
	}
	for _, p := range quality.Align(said, heard).Pieces {
		late = append(late, audio.Duration(p.Delay)+from.Sub(began))
	}
	slices.Sort(late)
	return late
}
