package codec

import (
	"math"
	"testing"
)

// sine is n samples of a sine at a rate.
func sine(n int, hz float64, rate int) []float32 {
	pcm := make([]float32, n)
	for i := range pcm {
		pcm[i] = float32(0.5 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
	}
	return pcm
}

// worst is the largest difference of two signals, without their ends.
func worst(a, b []float32) float64 {
	m := 0.0
	for i := 2000; i < min(len(a), len(b))-2000; i++ {
		m = max(m, math.Abs(float64(a[i]-b[i])))
	}
	return m
}

// TestResamplerTones: a tone in the common band is the same tone at the other
// rate, at the same time, to within 1/1000 of full scale.
func TestResamplerTones(t *testing.T) {
	t.Parallel()
	for _, from := range []int{8000, 11025, 16000, 44100, 48000, 96000, 192000, 12347} {
		for _, to := range []int{48000, 8000} {
			for _, hz := range []float64{100, 3300} {
				got, err := Convert(sine(from, hz, from), from, to)
				if err != nil {
					t.Fatal(err)
				}
				if len(got) != to {
					t.Errorf("%d to %d: a second has %d samples", from, to, len(got))
				}
				if m := worst(got, sine(to, hz, to)); m > 0.001 {
					t.Errorf("%d to %d at %v Hz: differs by %.5f", from, to, hz, m)
				}
			}
		}
	}
}

// TestResamplerAliases: what the lower rate cannot hold is gone.
func TestResamplerAliases(t *testing.T) {
	got, err := Convert(sine(48000, 9000, 48000), 48000, 16000)
	if err != nil {
		t.Fatal(err)
	}
	if m := worst(got, make([]float32, len(got))); m > 0.001 {
		t.Errorf("a tone above the band leaves %.5f", m)
	}
}

// TestResamplerStream: how the stream is cut makes no difference.
func TestResamplerStream(t *testing.T) {
	pcm := sine(44100, 440, 44100)
	want, err := Convert(pcm, 44100, 48000)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewResampler(44100, 48000)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time after Flush
		var got []float32
		for at, k := 0, 1; at < len(pcm); k = k*3%1999 + 1 {
			n := min(k, len(pcm)-at)
			got = r.Append(got, pcm[at:at+n])
			at += n
		}
		got = r.Flush(got)
		if len(got) != len(want) {
			t.Fatalf("%d samples, want %d", len(got), len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("sample %d differs", i)
			}
		}
	}
}

// TestResamplerEnds: short streams, and rates that are refused.
func TestResamplerEnds(t *testing.T) {
	for _, n := range []int{0, 1, 2, 100} {
		got, err := Convert(constant(n, 0.5), 16000, 48000)
		if err != nil || len(got) != 3*n {
			t.Errorf("%d samples became %d, %v", n, len(got), err)
		}
	}
	for _, rate := range []int{-1, 0, 7999, 192001} {
		if _, err := NewResampler(rate, 48000); err == nil {
			t.Errorf("rate %d accepted", rate)
		}
		if _, err := Convert(nil, 48000, rate); err == nil {
			t.Errorf("rate %d accepted", rate)
		}
	}
}

// BenchmarkResampler is the cost of a second of sound from 16 to 48 kHz.
func BenchmarkResampler(b *testing.B) {
	pcm := sine(16000, 440, 16000)
	for b.Loop() {
		if _, err := Convert(pcm, 16000, 48000); err != nil {
			b.Fatal(err)
		}
	}
}
