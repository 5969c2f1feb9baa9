package quality

import (
	"math"
	"slices"
	"testing"

	"undertone/codec"
	"undertone/codec/opus"
	"undertone/transport/cell"
)

// Places in the first seconds of the speech, in samples, that are in the
// middle of a vowel.
var vowels = []int{100004, 150007}

// around looks for faults within half a second of a place.
func around(at int, clean, heard []float32, find func(clean, heard []float32, delay int) []int) []int {
	from, to := max(0, at-SampleRate/2), min(len(clean), at+SampleRate/2)
	found := find(clean[from:to], heard[from:to+opus.Delay], opus.Delay)
	for k := range found {
		found[k] += from
	}
	return found
}

// TestNoFaults: neither the speech itself nor what any codec makes of it has a
// fault: the positive controls below prove something.
func TestNoFaults(t *testing.T) {
	speech := short(t)
	sounds := map[string][]float32{"clean": later(speech, opus.Delay)}
	for _, i := range cell.Intervals() {
		sounds[i.String()] = shortCoded(t, i)
	}
	for name, heard := range sounds {
		checkFaults(t, name, speech, heard)
	}
}

// TestClick: a jump of a twentieth of full scale, a single wrong sample, and
// samples left out, in a vowel and in a pause.
func TestClick(t *testing.T) {
	speech := short(t)
	for _, i := range cell.Intervals() {
		coded := shortCoded(t, i)
		for _, at := range append([]int{5000}, vowels...) {
			step := slices.Clone(coded)
			for k := at; k < at+3000; k++ {
				step[k] += 0.05
			}
			tick := slices.Clone(coded)
			tick[at] += 0.1
			for name, heard := range map[string][]float32{"step": step, "tick": tick} {
				found := around(at, speech, heard, Clicks)
				if !near(found, at, 3) {
					t.Errorf("%v: a %s at %d is not among %v", i, name, at, found)
				}
			}
		}
		for _, at := range vowels {
			n := 50 // what follows is at another height
			for k := 50; k < 500; k++ {
				if math.Abs(float64(coded[at+k]-coded[at-1])) > math.Abs(float64(coded[at+n]-coded[at-1])) {
					n = k
				}
			}
			if found := Clicks(speech, slices.Delete(slices.Clone(coded), at, at+n), opus.Delay); !near(found, at, 3) {
				t.Errorf("%v: %d samples left out at %d are not among %v", i, n, at, found)
			}
		}
	}
}

// TestClickOutside: a stream that starts or ends at once, before or after the
// speech, clicks too.
func TestClickOutside(t *testing.T) {
	speech := short(t)
	heard := append(later(speech, 20000), make([]float32, 20000)...)
	for _, at := range []int{3000, len(heard) - 3000} {
		planted := slices.Clone(heard)
		for k := at; k < at+960; k++ {
			planted[k] = 0.1
		}
		if found := Clicks(speech, planted, 20000); !near(found, at, 3) || !near(found, at+960, 3) {
			t.Errorf("a block at %d is not among %v", at, found)
		}
	}
}

// TestClickInSource: a click that was said is not the line's fault.
func TestClickInSource(t *testing.T) {
	speech := short(t)
	speech[vowels[0]] += 0.2
	if found := Clicks(speech, later(speech, 777), 777); len(found) > 0 {
		t.Errorf("the source's own click is reported: %v", found)
	}
}

// TestGap: 20 ms of silence in a vowel, cut hard or faded, and a lost end.
func TestGap(t *testing.T) {
	speech := short(t)
	for _, i := range cell.Intervals() {
		coded := shortCoded(t, i)
		for _, at := range vowels {
			hard := slices.Clone(coded)
			clear(hard[at : at+960])
			soft := slices.Clone(coded)
			for k := range 480 {
				soft[at-480+k] *= 1 - float32(k)/480
				soft[at+960+k] *= float32(k) / 480
			}
			clear(soft[at : at+960])
			for name, heard := range map[string][]float32{"hard": hard, "soft": soft} {
				if found := around(at, speech, heard, Gaps); !near(found, at, 480) {
					t.Errorf("%v: a %s gap at %d is not among %v", i, name, at, found)
				}
			}
		}
		if found := Gaps(speech, coded[:vowels[1]], opus.Delay); !near(found, vowels[1], 480) {
			t.Errorf("%v: the missing end at %d is not among %v", i, vowels[1], found)
		}
	}
}

// TestRepeat: a block of 10, 20, 40 or 100 ms that is played twice, in place of
// the next one.
func TestRepeat(t *testing.T) {
	speech := short(t)
	coded := shortCoded(t, cell.Interval40)
	for _, at := range vowels {
		for _, n := range []int{960, 1920, 4800} {
			heard := slices.Clone(coded)
			copy(heard[at:at+n], coded[at-n:at])
			if found := around(at, speech, heard, Repeats); !near(found, at, n) {
				t.Errorf("%d samples repeated at %d are not among %v", n, at, found)
			}
		}
	}
}

// TestStretch: a block inserted, a block left out, and a clock that runs fast
// by 0.06 %.
func TestStretch(t *testing.T) {
	speech := short(t)
	const at = 100000
	fast, err := codec.Convert(speech, 50000, 49970)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		heard    []float32
		from, to int
	}{
		"inserted": {slices.Insert(slices.Clone(speech), at, speech[at-960:at]...), 950, 970},
		"left out": {slices.Delete(slices.Clone(speech), at, at+960), -970, -950},
		"fast":     {fast, -100, -50},
		"as it is": {speech, -1, 1},
	} {
		if a := Align(speech, c.heard); a.Stretch < c.from || a.Stretch > c.to {
			t.Errorf("%s: stretch %d, want %d to %d", name, a.Stretch, c.from, c.to)
		}
	}
}

// TestLoss: frames that are lost and concealed, here and there, are neither
// clicks nor does the delay change.
func TestLoss(t *testing.T) {
	speech := short(t)
	for _, i := range cell.Intervals() {
		heard := code(t, i, speech, func(n int) bool { return n%10 == 6 })
		if found := Clicks(speech, heard, opus.Delay); len(found) > 0 {
			t.Errorf("%v: concealment clicks at %v", i, found)
		}
		if a := Align(speech, heard); a.Stretch < -4 || a.Stretch > 4 {
			t.Errorf("%v: concealment stretches by %d", i, a.Stretch)
		}
	}
}

// checkFaults expects no fault in heard.
func checkFaults(t *testing.T, name string, clean, heard []float32) {
	t.Helper()
	if f := Clicks(clean, heard, opus.Delay); len(f) > 0 {
		t.Errorf("%s: clicks at %v", name, f)
	}
	if f := Gaps(clean, heard, opus.Delay); len(f) > 0 {
		t.Errorf("%s: gaps at %v", name, f)
	}
	if f := Repeats(clean, heard, opus.Delay); len(f) > 0 {
		t.Errorf("%s: repeats at %v", name, f)
	}
}
