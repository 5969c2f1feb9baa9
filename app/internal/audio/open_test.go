package audio

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"undertone/app/internal/audio/sound"
)

func TestOpenFiles(t *testing.T) {
	in := writeWAV(t, 48000, 1, slices.Repeat([]int16{100}, 1000))
	out := filepath.Join(t.TempDir(), "out.wav")
	d, err := Open(Options{In: in, Out: out})
	if err != nil {
		t.Fatal(err)
	}
	d.Live(true)
	pcm := make([]float32, 500)
	for range 2 {
		d.Read(pcm)
		d.Write(pcm)
	}
	<-d.Done()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.MouthBegan(); !ok {
		t.Error("nothing was read")
	}
	if err := d.Trouble(); err != nil {
		t.Error(err)
	}
	equal(t, readWAV(t, out), readWAV(t, in))
}

func TestOpenNull(t *testing.T) {
	d, err := Open(Options{In: Null, Out: Null})
	if err != nil {
		t.Fatal(err)
	}
	if d.Done() != nil {
		t.Error("silence has an end")
	}
	if _, ok := d.EarBegan(); ok {
		t.Error("silence has a beginning")
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestOpenSoundCard runs the helper as a program that is not there: opening
// works, and the trouble is told once for both halves.
func TestOpenSoundCard(t *testing.T) {
	d, err := Open(Options{In: Mic, Out: Speaker, Sound: sound.Config{Program: []string{"/nonexistent"}}})
	if err != nil {
		t.Fatal(err)
	}
	d.Live(true)
	pcm := ramp(100)
	for d.Trouble() == nil {
		d.Write(pcm)
		d.Read(pcm)
	}
	d.Read(pcm)
	equal(t, pcm, make([]float32, 100))
	if n := strings.Count(d.Trouble().Error(), "cannot start"); n != 1 {
		t.Errorf("trouble is told %d times: %v", n, d.Trouble())
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	in := writeWAV(t, 48000, 1, []int16{1, 2})
	sub := filepath.Join(t.TempDir(), "no", "out.wav")
	for _, test := range []struct{ in, out, want string }{
		{in, in, "would be overwritten"},
		{"missing.wav", Null, "no such file"},
		{in, sub, "cannot record"},
	} {
		if _, err := Open(Options{In: test.in, Out: test.out}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s to %s: error %v, want %q", test.in, test.out, err, test.want)
		}
	}
	if info, err := os.Stat(in); err != nil || info.Size() != 48 {
		t.Errorf("the file to play was changed: %v, %v", info, err)
	}
}
