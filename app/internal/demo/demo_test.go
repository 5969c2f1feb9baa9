package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"undertone/app/internal/audio"
	"undertone/transport/cell"
)

// The demo on real sockets and in real time, as a person runs it. The bounds are
// the issue's, an order of magnitude above what is measured.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	out := filepath.Join(t.TempDir(), "heard.wav")
	var log bytes.Buffer
	r, err := Run(ctx, Config{Mode: cell.TMIX, Interval: cell.Interval40, For: 5 * time.Second, Out: out, Log: &log})
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	var text strings.Builder
	r.Print(&text)
	t.Logf("%s\n%s", log.String(), text.String())

	if ring := time.Duration(r.Ring); ring <= 0 || ring > time.Second {
		t.Errorf("it rang after %s", ring)
	}
	if setup := time.Duration(r.Setup); setup <= 0 || setup > 800*time.Millisecond {
		t.Errorf("the first voice came %s after the answer", setup)
	}
	if late := time.Duration(r.MouthToEar); late < 40*time.Millisecond || late > 500*time.Millisecond {
		t.Errorf("from mouth to ear it takes %s", late)
	}
	// That the stages add up to the millisecond shows in fake time (TestSoundsWithLoss).
	// Here a busy machine moves both while they are measured, each by its own median.
	quiet := r.CellsSkipped+r.CellsLost+r.CellsStagedLate+r.Concealed == 0
	for way, late := range []milliseconds{r.MouthToEar, r.Back} {
		s := []Stages{r.Latency, r.LatencyBack}[way]
		if d := time.Duration(s.Sum - late); quiet && d.Abs() > cell.Interval40.Duration()/2 || s.Slots == 0 {
			t.Errorf("from mouth to ear it takes %s, and its stages are %+v", time.Duration(late), s)
		}
	}
	// A machine that is too busy to send says so, and then the sound says nothing
	// about the program but that it was there.
	least := 0.3
	if r.CellsSkipped+r.CellsLost+r.Concealed == 0 {
		least = 0.9
	}
	if r.Similarity < least || r.SimilarityBack < least {
		t.Errorf("the speech was heard with a similarity of %.2f and %.2f, want %.1f", r.Similarity, r.SimilarityBack, least)
	}
	if r.CellsSent < 400 || r.CellsLost > r.CellsSent/3 {
		t.Errorf("%d cells sent, %d lost", r.CellsSent, r.CellsLost)
	}
	for name, d := range map[string][2]Flow{"up": {r.Wire.Idle.Up, r.Wire.Call.Up}, "down": {r.Wire.Idle.Down, r.Wire.Call.Down}} {
		idle, call := d[0], d[1]
		quiet := r.CellsSkipped+r.CellsLost == 0
		if idle.CellSize != call.CellSize || quiet && math.Abs(idle.CellsPerSecond-call.CellsPerSecond) > 1 {
			t.Errorf("%s: %.2f cells of %d bytes a second in idle, %.2f of %d in the call", name,
				idle.CellsPerSecond, idle.CellSize, call.CellsPerSecond, call.CellSize)
		}
	}
	clip, err := audio.OpenClip(out)
	if err != nil || clip.Length() < 5*time.Second {
		t.Errorf("what was heard: %v", err)
	}
}

// A program that reads the report finds every field that is promised.
func TestReportJSON(t *testing.T) {
	b, err := json.Marshal(&Report{Ring: milliseconds(1234567 * time.Nanosecond)})
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"mode", "interval_ms", "ring_ms", "setup_ms", "mouth_to_ear_ms", "speech_similarity", "latency",
		"cells_sent", "cells_skipped", "cells_lost", "wire", "members",
	} {
		if _, ok := all[name]; !ok {
			t.Errorf("the report has no %q: %s", name, b)
		}
	}
	if all["ring_ms"] != 1.2 {
		t.Errorf("1.234567 ms is printed as %v", all["ring_ms"])
	}
}

func TestConfig(t *testing.T) {
	for says, c := range map[string]Config{
		"between 3s":      {Mode: cell.TMIX, Interval: cell.Interval40, For: time.Second},
		"between 2 and 8": {Mode: cell.BMIX, Interval: cell.Interval40, For: 8 * time.Second, Group: 9},
		"calls of two":    {Mode: cell.TMIX, Interval: cell.Interval40, For: 8 * time.Second, Group: 3},
		"between 4 and":   {Mode: cell.BMIX, Interval: cell.Interval40, For: 8 * time.Second, Group: 4, Members: 3},
	} {
		if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", c, err, says)
		}
	}
}

// Whoever ends the demo early leaves nothing behind.
func TestInterrupted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	if _, err := Run(ctx, Config{Mode: cell.TMIX, Interval: cell.Interval40, For: 8 * time.Second}); err == nil {
		t.Error("no error")
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
