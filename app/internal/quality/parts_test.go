package quality

import (
	"testing"

	"undertone/assets"
)

// Speech whose delay grows on the way is as good as the same speech with a delay
// that stays, and a part that is missing is found.
func TestInParts(t *testing.T) {
	clean := append(load(t, assets.Speech()), load(t, assets.Answer())...)
	whole, _ := InParts(clean, clean)
	if whole.STOI < 0.999 || whole.ESTOI < 0.999 {
		t.Errorf("the same sound has %v", whole)
	}
	half := 3 * partLength
	later := append(make([]float32, SampleRate/10), clean[:half]...)
	later = append(later, make([]float32, SampleRate/20)...)
	later = append(later, clean[half:]...)
	if mean, worst := InParts(clean, later); mean.STOI < 0.99 || worst.STOI < 0.95 {
		t.Errorf("with a delay that grows it has %v, and %v at the worst", mean, worst)
	}
	if stoi, _ := Intelligibility(clean, cut(later, SampleRate/10, len(clean))); stoi > 0.8 {
		t.Errorf("and %v at one delay: it shows nothing that it is so good in parts", stoi)
	}
	gone := append([]float32{}, clean...)
	clear(gone[partLength : 2*partLength])
	if mean, worst := InParts(clean, gone); worst.STOI > 0.1 || mean.STOI > 0.95 {
		t.Errorf("with a part missing it has %v, and %v at the worst", mean, worst)
	}
	if mean, worst := InParts(clean, nil); mean.STOI > 0.1 || worst.STOI > 0.1 {
		t.Errorf("silence has %v, and %v at the worst", mean, worst)
	}
	if mean, _ := InParts(make([]float32, 3*partLength), clean); mean != (Score{}) {
		t.Errorf("nothing that was said has %v", mean)
	}
}
