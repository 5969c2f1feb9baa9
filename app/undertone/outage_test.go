package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"undertone/app/internal/audio/pulsetest"
	"undertone/app/internal/audio/wav"
	"undertone/assets"
	"undertone/transport/cell"
)

// The sound server is killed in a call and started again, and after it the helper
// process: the call goes on, its sound comes back, and no cell is missing.
func TestSoundIsKilled(t *testing.T) {
	pulse := pulsetest.Start(t)
	w := friends(t, cell.Interval40)
	mic, speaker := pulse.Sink(t, "mic"), pulse.Sink(t, "speaker")
	bob := w.run("bob", nil, "idle", "--answer", "auto", "--in", w.chatter("chatter.wav"), "--out", "none")
	bob.await("online")
	ann := w.run("ann", slices.Concat(pulse.Env(), mic.MicEnv(), speaker.SpeakerEnv()), "call", "bob")
	ann.await("voice_heard")
	w.heard(speaker)

	pulse.Kill(t)
	if e := ann.await("sound"); e.Error == "" {
		t.Errorf("of the end of the sound server it says %+v", e)
	}
	pulse.Restart(t)
	pulse.Sink(t, "mic")
	speaker = pulse.Sink(t, "speaker")
	began := time.Now()
	w.heard(speaker)
	t.Logf("the sound was back %v after the sound server, and this is how long it takes to look", time.Since(began))
	for ann.await("sound").Error != "" { //nolint:revive // until it works, or goes another way and then works
	}

	old := helperOf(ann)
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.until("another helper plays", func() bool {
		now := helperOf(ann)
		return now != 0 && now != old && len(pulse.Uses(t, now)) == 2
	})
	w.heard(speaker)

	if err := ann.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	annSaw, _ := ann.end()
	if e := bob.await("ended"); e.Outcome != "peer_hung_up" {
		t.Errorf("the call did not survive: %+v", e)
	}
	if err := bob.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	bobSaw, _ := bob.end()
	t.Logf("ann sent %d cells and skipped %d; bob skipped %d", annSaw.CellsSent, annSaw.CellsSkipped, bobSaw.CellsSkipped)
	// A machine that stands still does so for bob as well, who has no sound card.
	// Had ann waited for hers, she would have stood still for a second or more.
	const few = 5
	if annSaw.CellsSkipped > 2*bobSaw.CellsSkipped+few {
		t.Errorf("%d cells were skipped, and %d by who had no such trouble", annSaw.CellsSkipped, bobSaw.CellsSkipped)
	}
}

// chatter writes a sound file with speech that lasts longer than any of the tests.
func (w *world) chatter(name string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	f, err := wav.Create(path, assets.SampleRate)
	if err != nil {
		w.t.Fatal(err)
	}
	var speech []int16
	for _, v := range assets.Speech().PCM() {
		speech = append(speech, int16(v*math.MaxInt16))
	}
	for range 20 {
		err = errors.Join(err, f.Write(speech))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// heard waits until something sounds from a speaker.
func (w *world) heard(k *pulsetest.Sink) {
	w.t.Helper()
	n := 0
	w.until("sound is heard", func() bool {
		n++
		path := filepath.Join(w.dir, fmt.Sprintf("heard%d.wav", n))
		k.Record(w.t, path).Stop(w.t)
		return slices.ContainsFunc(load(w.t, path), func(v float32) bool { return v > 0.02 })
	})
}

// helperOf returns the process id of a program's only child, 0 when it has none.
func helperOf(p *process) int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		panic(err) // The pattern stands in the line above.
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // It has ended.
		}
		// pid (name) state parent
		_, rest, _ := bytes.Cut(stat, []byte(") "))
		if fields := bytes.Fields(rest); len(fields) > 1 && string(fields[1]) == fmt.Sprint(p.cmd.Process.Pid) && fields[0][0] != 'Z' {
			id, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			return id
		}
	}
	return 0
}
