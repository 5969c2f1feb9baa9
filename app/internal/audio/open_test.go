package audio

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"undertone/app/internal/audio/enhance"
	"undertone/app/internal/audio/sound"
	"undertone/assets"
	"undertone/codec"
	"undertone/transport/cell"
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

// TestEnhanced: what is written is the reference for what is read, in a call, and
// what files say is not touched unless asked for.
func TestEnhanced(t *testing.T) {
	said, err := codec.Convert(assets.Speech().PCM(), assets.SampleRate, cell.SampleRate)
	if err != nil {
		t.Fatal(err)
	}
	const n = 1920
	said = said[:len(said)/n*n]
	for _, on := range []bool{true, false} {
		d, err := Open(Options{In: Null, Out: Null, Enhance: enhance.Settings{Echo: on}})
		if err != nil {
			t.Fatal(err)
		}
		// The room is a clip: what is written, 50 ms later.
		d.mouth = NewClip(append(make([]float32, 2400), said...))
		d.Live(true)
		heard := make([]float32, len(said))
		for at := 0; at < len(said); at += n {
			d.Write(said[at : at+n])
			d.Read(heard[at : at+n])
		}
		level := func(pcm []float32) (sum float64) {
			for _, v := range pcm {
				sum += float64(v) * float64(v)
			}
			return sum
		}
		from := 3 * cell.SampleRate
		if ratio := level(heard[from:]) / level(said[from:]); (ratio < 0.003) != on || !on && ratio < 0.9 {
			t.Errorf("echo cancellation %t: %.4f of the power comes back", on, ratio)
		}
		d.Enhance(enhance.All)
		if d.enhance != nil && d.enhance.Settings() != enhance.All {
			t.Error("it cannot be switched")
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A wary half says of what to beware with it.
type wary struct {
	Silence
	of error
}

func (w wary) Caution() error { return w.of }

func TestCaution(t *testing.T) {
	radio, far := sound.Caution("radio"), sound.Caution("far")
	for _, c := range []struct {
		mouth, ear error
		want       string
	}{
		{nil, nil, ""},
		{radio, nil, "radio"},
		{nil, far, "far"},
		{radio, far, "radio\nfar"},
		{radio, radio, "radio"},
	} {
		got := ""
		if err := NewDuplex(wary{of: c.mouth}, wary{of: c.ear}).Caution(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v and %v: %q", c.mouth, c.ear, got)
		}
	}
	if err := NewDuplex(Silence{}, Silence{}).Caution(); err != nil {
		t.Errorf("of silence: %v", err)
	}
}
