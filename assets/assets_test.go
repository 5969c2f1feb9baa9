package assets

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

// maxTotal keeps the programs small to download, in bytes.
const maxTotal = 1_200_000

func sounds() map[string]Sound {
	return map[string]Sound{"speech": Speech(), "answer": Answer(), "loop": Loop()}
}

// header is what a WAV file of n data bytes in our one format starts with.
func header(n int) []byte {
	var b bytes.Buffer
	b.WriteString("RIFF")
	_ = binary.Write(&b, binary.LittleEndian, uint32(36+n))
	b.WriteString("WAVEfmt ")
	for _, v := range []any{uint32(16), uint16(1), uint16(1), uint32(SampleRate), uint32(2 * SampleRate), uint16(2), uint16(16)} {
		_ = binary.Write(&b, binary.LittleEndian, v)
	}
	b.WriteString("data")
	_ = binary.Write(&b, binary.LittleEndian, uint32(n))
	return b.Bytes()
}

// TestFormat checks that the files are what PCM takes them for.
func TestFormat(t *testing.T) {
	total := 0
	for name, s := range sounds() {
		total += len(s)
		if len(s) < headerSize || !bytes.Equal(s[:headerSize], header(len(s)-headerSize)) {
			t.Errorf("%s: not a plain WAV file of 16 kHz, mono, 16 bits", name)
		}
	}
	if total > maxTotal {
		t.Errorf("the sounds have %d bytes, want at most %d", total, maxTotal)
	}
}

// TestLevel checks loudness, headroom, and that each sound starts and ends in
// silence: a stream that starts there cannot click.
func TestLevel(t *testing.T) {
	for name, s := range sounds() {
		pcm := s.PCM()
		var sum, peak float64
		for _, v := range pcm {
			sum += float64(v) * float64(v)
			peak = max(peak, math.Abs(float64(v)))
		}
		if rms := 10 * math.Log10(sum/float64(len(pcm))); math.Abs(rms+20) > 0.5 {
			t.Errorf("%s: %.1f dBFS RMS, want -20", name, rms)
		}
		if peak > 0.95 {
			t.Errorf("%s: peak %.3f, too near to clipping", name, peak)
		}
		for i := range SampleRate / 10 {
			if math.Abs(float64(pcm[i])) > 0.001 || math.Abs(float64(pcm[len(pcm)-1-i])) > 0.001 {
				t.Errorf("%s: does not start and end in silence", name)
				break
			}
		}
	}
}

func TestLengths(t *testing.T) {
	for name, want := range map[string][2]float64{"speech": {6, 10}, "answer": {6, 10}, "loop": {18, 24}} {
		if sec := float64(len(sounds()[name].PCM())) / SampleRate; sec < want[0] || sec > want[1] {
			t.Errorf("%s: %.1f s, want %v", name, sec, want)
		}
	}
}
