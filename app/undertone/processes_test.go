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

// acquaintances is a world with ann and bob, who have exchanged links. Their programs
// agree on keys when both are online, in half a minute.
func acquaintances(t *testing.T, i cell.Interval) *world {
	t.Helper()
	w := newWorld(t, cell.TMIX, i)
	ann, bob := w.join("ann"), w.join("bob")
	w.user("ann", "contacts", "add", bob)
	w.user("bob", "contacts", "add", ann)
	return w
}

// friends is a world with ann and bob, who have called each other before.
func friends(t testing.TB, i cell.Interval) *world {
	t.Helper()
	w := newWorld(t, cell.TMIX, i)
	w.join("ann")
	w.join("bob")
	w.pair([]string{"ann", "bob"})
	return w
}

// whole checks that speech was heard, and that it was heard whole as far as this
// program can help: what a busy machine does shows in the counts of the two
// processes. A cell that came too late is concealed, which may be a gap for each of its
// packets of Opus: each is guessed, and fades. Where a sound card had to wait, or a
// process had, anything may follow. theirs is how many breaks in the sound may be those
// of a sound server, whose own we cannot count.
func whole(t *testing.T, who string, said, heard []float32, here, there event, packets, theirs int) {
	t.Helper()
	q := piecemeal(said, heard)
	faults, skipped := here.SoundFaults+there.SoundFaults, here.CellsSkipped+there.CellsSkipped
	t.Logf("%s: similarity %.2f, %.2f at the least, %d clicks, %d gaps, %d repeats, shift %d samples; "+
		"%d cells heard, %d concealed, %d skipped; %d sound faults",
		who, q.similarity, q.worst, q.clicks, q.gaps, q.repeats, q.shift,
		here.Heard, here.Concealed, skipped, faults)
	if faults+skipped == 0 && (q.clicks > 2*theirs || q.gaps+q.repeats > packets*here.Concealed+theirs || q.shift > (1+theirs)*maxShift) {
		t.Errorf("%s did not hear the speech whole: %+v", who, q)
	}
	if faults+skipped+theirs == 0 && here.Concealed*100 < here.Heard && q.worst < 0.8 {
		t.Errorf("nothing disturbed it, and %s heard parts of the speech with a similarity of %.2f", who, q.worst)
	}
	// However busy the machine is, every part of the speech can be understood.
	if q.similarity < 0.6 || q.worst < 0.3 {
		t.Errorf("%s heard the speech with a similarity of %.2f, parts of it with %.2f", who, q.similarity, q.worst)
	}
	if here.Concealed*5 > here.Heard {
		t.Errorf("%s: %d of %d cells of voice were concealed", who, here.Concealed, here.Heard)
	}
}

// serverBreaks is how often a PulseAudio that other work keeps from running may
// break the sound off: seen are one or two in ten seconds on two busy processors.
const serverBreaks = 3

// maxShift is how much the delay may change from one part of the speech to the
// next: half a cell of voice, in samples. It follows the line and the clocks by
// some milliseconds, unheard. A block that is missing or there twice is more.
const maxShift = cell.SampleRate / 50

// A comparison is what speech is compared by.
type comparison struct {
	similarity, worst     float64 // of all parts in the mean, and of the worst
	clicks, gaps, repeats int
	shift                 int // the largest change of the delay, in samples
}

// piecemeal compares part by part, each with a delay of its own, from the first
// word on. A part in which something else is heard, or nothing, has 0.2 at most.
func piecemeal(said, heard []float32) comparison {
	const part, margin = 2 * cell.SampleRate, cell.SampleRate / 4
	about, last, parts := quality.Align(said, heard).Delay, 0, 0
	c := comparison{worst: 1}
	for at := firstSound(said); at+part <= len(said); at += part {
		from := min(max(0, at+about-margin), len(heard))
		q := quality.Compare(said[at:at+part], heard[from:min(from+part+2*margin, len(heard))])
		c.similarity += q.Similarity
		c.worst = min(c.worst, q.Similarity)
		c.gaps += len(q.Gaps)
		c.repeats += len(q.Repeats)
		for _, place := range q.Clicks {
			if place -= q.Delay; place >= 0 && place < part { // Not where heard is cut.
				c.clicks++
			}
		}
		delay := from + q.Delay - at
		if parts > 0 {
			c.shift = max(c.shift, delay-last, last-delay)
		}
		c.shift = max(c.shift, q.Stretch, -q.Stretch)
		last = delay
		parts++
	}
	c.similarity /= float64(parts)
	return c
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
	t.Parallel()
	w := acquaintances(t, cell.Interval40)
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
	whole(t, "bob", pcm(t, assets.Speech()), load(t, filepath.Join(w.dir, "bob.wav")), bobSaw, annSaw, 1, 0)
	whole(t, "ann", pcm(t, assets.Answer()), load(t, filepath.Join(w.dir, "ann.wav")), annSaw, bobSaw, 1, 0)
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

	// As somebody would who hears gaps: tests keep a machine busy. What is said is
	// to be heard as it is, sample by sample.
	how := []string{"--latency", "300ms", "--echo-cancellation", "off", "--noise-suppression", "off", "--gain-control", "off"}
	bob := w.run("bob", bobEnv, append([]string{"idle", "--answer", "auto"}, how...)...)
	bob.await("online")
	ann := w.run("ann", annEnv, append([]string{"call", "bob"}, how...)...)
	ann.await("voice_heard")
	bob.await("voice_heard")
	settle := time.NewTimer(4 * time.Second) // The sound cards of both open, and fall into step.
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
	whole(t, "bob", pcm(t, assets.Speech()), load(t, filepath.Join(w.dir, "bob.wav")), bobSaw, annSaw, 1, serverBreaks)
	whole(t, "ann", pcm(t, assets.Answer()), load(t, filepath.Join(w.dir, "ann.wav")), annSaw, bobSaw, 1, serverBreaks)
}

// kill -9 of the server loses no user and no invite, and a call goes on when the
// server is back.
func TestServerKilled(t *testing.T) {
	t.Parallel()
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
