package quality

import (
	"testing"

	"undertone/assets"
	"undertone/codec"
	"undertone/codec/opus"
	"undertone/transport/cell"
)

// TestNoClickAtLostFrames: what is heard of speech where frames are lost, and where they
// come again, does not click.
func TestNoClickAtLostFrames(t *testing.T) {
	speech, err := codec.Convert(assets.Speech().PCM(), assets.SampleRate, SampleRate)
	if err != nil {
		t.Fatal(err)
	}
	speech = speech[:6*SampleRate]
	const fade = SampleRate / 20
	for _, i := range []cell.Interval{cell.Interval20, cell.Interval40} {
		e, err := opus.NewEncoder(i)
		if err != nil {
			t.Fatal(err)
		}
		d, err := opus.NewDecoder(i)
		if err != nil {
			t.Fatal(err)
		}
		var f codec.Frame
		heard := make([]float32, len(speech))
		for k, n := 0, i.Samples(); k+n <= len(speech); k += n {
			if e.Encode(speech[k:k+n], &f); k/n%4 == 3 {
				d.Conceal(heard[k : k+n])
			} else {
				d.Decode(&f, heard[k:k+n])
			}
		}
		for k := range fade { // it would end with a jump
			heard[len(heard)-fade+k] *= 1 - float32(k)/fade
		}
		if c := Clicks(speech, heard, opus.Delay); len(c) > 0 {
			t.Errorf("%v: clicks at %v", i, c)
		}
		at := 2*SampleRate + 777
		rest := heard[at:] // which jumps, as at a seam that is none
		for k := range rest {
			rest[k] += 0.05 * (1 - float32(k)/float32(len(rest)))
		}
		if c := Clicks(speech, heard, opus.Delay); len(c) != 1 {
			t.Errorf("%v: a planted click is not found: %v", i, c)
		}
	}
}
