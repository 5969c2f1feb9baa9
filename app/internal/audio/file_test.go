package audio

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"undertone/app/internal/audio/wav"
)

// writeWAV writes samples for one or two channels at any rate.
func writeWAV(t *testing.T, rate, channels int, samples []int16) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.wav")
	w, err := wav.Create(path, rate)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(samples); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if channels == 1 {
		return path
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{2}, 22); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{4}, 32); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOpenClipConvertsAnyCommonRate plays a tone of each rate and checks that
// it is the same tone at 48 kHz: as long, as high and as loud.
func TestOpenClipConvertsAnyCommonRate(t *testing.T) {
	const hz, amplitude = 440.0, 0.5
	for _, rate := range []int{8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000, 192000} {
		for channels := 1; channels <= 2; channels++ {
			var samples []int16
			for i := range rate / 2 {
				v := math.Round(32768 * amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
				for range channels {
					samples = append(samples, int16(v))
				}
			}
			c, err := OpenClip(writeWAV(t, rate, channels, samples))
			if err != nil {
				t.Fatalf("%d Hz, %d channels: %v", rate, channels, err)
			}
			if d := c.Length() - 500*time.Millisecond; d.Abs() > time.Millisecond {
				t.Errorf("%d Hz, %d channels: %v long", rate, channels, c.Length())
			}
			// The edges of a cut-off tone ring in any filter; leave them out.
			const edge = 2400
			want := Tone(hz, amplitude, c.Length())
			for i := edge; i < len(want)-edge; i++ {
				if got := float64(c.samples[i]) / 32768; math.Abs(got-float64(want[i])) > 0.003 {
					t.Fatalf("%d Hz, %d channels: sample %d is %.4f, want %.4f", rate, channels, i, got, want[i])
				}
			}
		}
	}
}

func TestOpenClipRefusesWithHelp(t *testing.T) {
	cut := writeWAV(t, 8000, 1, make([]int16, 10000))
	if err := os.Truncate(cut, 9000); err != nil {
		t.Fatal(err)
	}
	deep := writeWAV(t, 8000, 1, make([]int16, 10000))
	f, err := os.OpenFile(deep, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(binary.LittleEndian.AppendUint16(nil, 24), 34); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		cut:                                 "is cut short",
		deep:                                "is 24-bit; convert it with: sox " + deep + " -b 16 out.wav",
		t.TempDir():                         "is a folder",
		filepath.Join(t.TempDir(), "x.wav"): "no such file",
	} {
		if _, err := OpenClip(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestOpenClipRefusesMoreThanAnHour(t *testing.T) {
	// A sparse file: all zeros, which costs no disk.
	path := writeWAV(t, 8000, 1, []int16{1})
	const size = 2 * 8000 * 3601
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(binary.LittleEndian.AppendUint32(nil, size), 40); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(44 + size); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenClip(path); err == nil || !strings.Contains(err.Error(), "longer than an hour") {
		t.Errorf("error %v, want one about the length", err)
	}
}
