package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"undertone/app/internal/audio/pulsetest"
	"undertone/assets"
	"undertone/transport/cell"
)

// What a whole client takes of one processor, its sound helper with it, through
// PortAudio and PulseAudio: in a call it hears speech and speaks, and out of one it
// does the same work on noise.
func BenchmarkClient(b *testing.B) {
	for _, processing := range []string{"off", "on"} {
		for _, calling := range []bool{false, true} {
			state := map[bool]string{false: "idle", true: "call"}[calling]
			b.Run(state+"/processing-"+processing, func(b *testing.B) { benchmarkClient(b, processing, calling) })
		}
	}
}

// costWindow is how long one figure takes: the kernel counts in hundredths of a
// second.
const costWindow = 10 * time.Second

func benchmarkClient(b *testing.B, processing string, calling bool) {
	pulse := pulsetest.Start(b)
	w, mic, speaker := friends(b, cell.Interval40), pulse.Sink(b, "mic"), pulse.Sink(b, "speaker")
	env := append(append(append([]string{}, pulse.Env()...), mic.MicEnv()...), speaker.SpeakerEnv()...)
	flags := []string{"--echo-cancellation", processing, "--noise-suppression", processing, "--gain-control", processing}
	bob := w.run("bob", env, append([]string{"idle", "--answer", "auto"}, flags...)...)
	bob.await("online")
	ann := w.run("ann", env, append([]string{"idle"}, flags...)...)
	ann.await("online")
	if calling {
		ann.stop(syscall.SIGINT)
		ann = w.run("ann", env, append([]string{"call", "bob"}, flags...)...)
		ann.await("voice_heard")
	}
	voice := w.wavFile("speech.wav", assets.Speech())
	mic.Play(b, voice) // What starts with a call has started then.
	var spent, own, passed time.Duration
	for b.Loop() {
		before, ownBefore, began := processorTime(b, ann.cmd.Process.Pid), ownTime(b, ann.cmd.Process.Pid), time.Now()
		for time.Since(began) < costWindow {
			mic.Play(b, voice)
		}
		spent += processorTime(b, ann.cmd.Process.Pid) - before
		own += ownTime(b, ann.cmd.Process.Pid) - ownBefore
		passed += time.Since(began)
	}
	b.ReportMetric(100*spent.Seconds()/passed.Seconds(), "%core")
	b.ReportMetric(100*own.Seconds()/passed.Seconds(), "%core-without-helper")
	b.ReportMetric(0, "ns/op")
}

// processorTime returns what a process and those it started have used so far, ownTime
// what it has used itself: that is to be the same in a call as without one.
func processorTime(t testing.TB, pid int) time.Duration {
	t.Helper()
	return time.Duration(allTicks(t, pid)) * time.Second / 100
}

func ownTime(t testing.TB, pid int) time.Duration {
	t.Helper()
	return time.Duration(ticks(t, pid)) * time.Second / 100
}

// ticks are the hundredths of a second that a process has used, from proc(5): numbers
// 14 and 15 of its stat, the second of which may have spaces in it.
func ticks(t testing.TB, pid int) (n int) {
	t.Helper()
	_, rest, _ := strings.Cut(read(t, fmt.Sprintf("/proc/%d/stat", pid)), ") ")
	for _, field := range strings.Fields(rest)[11:13] {
		k, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		n += k
	}
	return n
}

// allTicks are those of a process and its children.
func allTicks(t testing.TB, pid int) int {
	t.Helper()
	n := ticks(t, pid)
	// A child belongs to the thread that started it.
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		for _, child := range strings.Fields(read(t, fmt.Sprintf("/proc/%d/task/%s/children", pid, thread.Name()))) {
			id, err := strconv.Atoi(child)
			if err != nil {
				t.Fatal(err)
			}
			n += allTicks(t, id)
		}
	}
	return n
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
