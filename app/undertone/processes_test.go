package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"undertone/app/internal/audio/pulsetest"
	"undertone/app/internal/quality"
	"undertone/assets"
	"undertone/transport/cell"
)

// friends is a world with ann and bob, who have exchanged links.
func friends(t *testing.T, i cell.Interval) *world {
	t.Helper()
	w := newWorld(t, i)
	ann, bob := w.join("ann"), w.join("bob")
	w.user("ann", "contacts", "add", bob)
	w.user("bob", "contacts", "add", ann)
	return w
}

// whole checks that speech was heard whole. What the network or a busy machine
// lost is concealed, which is no fault of the program: the counts of the process
// that heard tell.
func whole(t *testing.T, who string, said, heard []float32, of event) {
	t.Helper()
	q := quality.Compare(said, heard)
	t.Logf("%s: similarity %.2f, %d clicks, %d gaps, %d repeats, stretch %d samples; %d cells of voice heard, %d concealed",
		who, q.Similarity, len(q.Clicks), len(q.Gaps), len(q.Repeats), q.Stretch, of.Heard, of.Concealed)
	if of.Concealed == 0 && !q.Whole() {
		t.Errorf("%s did not hear the speech whole: %+v", who, q)
	}
	if of.Concealed*20 > of.Heard {
		t.Errorf("%s: %d of %d cells of voice were concealed", who, of.Concealed, of.Heard)
	}
	if q.Similarity < 0.85 {
		t.Errorf("%s heard the speech with a similarity of %.2f", who, q.Similarity)
	}
	// The first word is not cut: the first half second of speech is there.
	const half = cell.SampleRate / 2
	from := firstSound(said)
	if first := quality.Compare(said[from:from+4*half], heard[max(0, q.Delay+from):]); first.Similarity < 0.7 {
		t.Errorf("%s heard the first words with a similarity of %.2f", who, first.Similarity)
	}
}

// firstSound returns where the pause before the first word ends.
func firstSound(x []float32) int {
	for i, v := range x {
		if max(v, -v) > 0.02 {
			return i
		}
	}
	return 0
}

// A server and two users in processes of their own, both directions at once,
// from sound file to sound file.
func TestSeparateProcesses(t *testing.T) {
	w := friends(t, cell.Interval40)
	bob := w.run("bob", nil, "idle", "--answer", "auto", "--in", w.wavFile("answer.wav", assets.Answer()), "--out", "bob.wav")
	bob.await("online")
	ann := w.run("ann", nil, "call", "bob", "--in", w.wavFile("speech.wav", assets.Speech()), "--out", "ann.wav")
	if e := bob.await("rings"); e.Name != "ann" {
		t.Errorf("it rings at bob's from %q", e.Name)
	}
	if out := w.busy("bob"); !strings.Contains(out, "in use") {
		t.Errorf("a second process on bob's profile says %q", out)
	}
	annSaw, code := ann.end()
	if code != 0 {
		t.Errorf("the call ended with exit code %d: %s", code, ann.stderr.String())
	}
	if e := bob.await("ended"); e.Outcome != "peer_hung_up" || e.TalkedS < 8 {
		t.Errorf("bob's call ended: %+v", e)
	}
	if err := bob.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	bobSaw, code := bob.end()
	if code != 0 {
		t.Errorf("idle ended with exit code %d", code)
	}
	whole(t, "bob", pcm(t, assets.Speech()), load(t, filepath.Join(w.dir, "bob.wav")), bobSaw)
	whole(t, "ann", pcm(t, assets.Answer()), load(t, filepath.Join(w.dir, "ann.wav")), annSaw)
	if code := w.server.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM ends the server with exit code %d", code)
	}
}

// busy tries a second process on a user's profile.
func (w *world) busy(name string) string {
	out, err := w.command("undertone", "--profile", name, "idle", "--for", "1s").CombinedOutput()
	if err == nil {
		w.t.Error("a second process was let in")
	}
	return string(out)
}

// The same through PortAudio and PulseAudio: two people with microphones and
// loudspeakers.
func TestPulseAudio(t *testing.T) {
	pulse := pulsetest.Start(t)
	w := friends(t, cell.Interval40)
	type ends struct{ mic, speaker *pulsetest.Sink }
	device := func(name string) (ends, []string) {
		e := ends{pulse.Sink(t, name+"mic"), pulse.Sink(t, name+"speaker")}
		env := append([]string{}, pulse.Env()...)
		return e, append(append(env, e.mic.MicEnv()...), e.speaker.SpeakerEnv()...)
	}
	annEnds, annEnv := device("ann")
	bobEnds, bobEnv := device("bob")
	atBob := bobEnds.speaker.Record(t, filepath.Join(w.dir, "bob.wav"))
	atAnn := annEnds.speaker.Record(t, filepath.Join(w.dir, "ann.wav"))

	bob := w.run("bob", bobEnv, "idle", "--answer", "auto")
	bob.await("online")
	ann := w.run("ann", annEnv, "call", "bob")
	ann.await("voice_heard")
	bob.await("voice_heard")
	settle := time.NewTimer(time.Second) // The sound cards of both open.
	<-settle.C
	annEnds.mic.Play(t, w.wavFile("speech.wav", assets.Speech()))
	bobEnds.mic.Play(t, w.wavFile("answer.wav", assets.Answer()))
	settle.Reset(time.Second) // The last word is on its way.
	<-settle.C

	if err := ann.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	annSaw, _ := ann.end()
	bob.await("ended")
	if err := bob.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	bobSaw, _ := bob.end()
	atBob.Stop(t)
	atAnn.Stop(t)
	if s := ann.stderr.String() + bob.stderr.String(); strings.Contains(s, "ALSA") {
		t.Errorf("sound drivers talk on the terminal: %s", s)
	}
	whole(t, "bob", pcm(t, assets.Speech()), load(t, filepath.Join(w.dir, "bob.wav")), bobSaw)
	whole(t, "ann", pcm(t, assets.Answer()), load(t, filepath.Join(w.dir, "ann.wav")), annSaw)
}

// kill -9 of the server loses no user and no invite, and a call goes on when the
// server is back.
func TestServerKilled(t *testing.T) {
	w := friends(t, cell.Interval40)
	spare := field(t, w.admin("invite", "create", "cyd", "--json"), "link")
	bob := w.run("bob", nil, "idle", "--answer", "auto", "--in", "none", "--out", "none")
	bob.await("online")
	ann := w.run("ann", nil, "call", "bob", "--in", "none", "--out", "none")
	ann.await("voice_heard")
	bob.await("voice_heard")
	if err := w.server.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ann.await("offline")
	bob.await("offline")
	w.serve()
	ann.await("online")
	bob.await("online")
	w.user("cyd", "join", spare, "--name", "cyd")
	if err := ann.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if e := ann.await("ended"); e.Outcome != "hung_up" {
		t.Errorf("the call did not survive: %+v", e)
	}
	if e := bob.await("ended"); e.Outcome != "peer_hung_up" {
		t.Errorf("the call did not survive at bob's: %+v", e)
	}
}
