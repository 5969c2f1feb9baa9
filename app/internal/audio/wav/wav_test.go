package wav

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"undertone/transport/cell"
)

// sample builds a file with the given fmt fields and sound.
func sample(code, channels uint16, rate uint32, bits uint16, data []byte) []byte {
	b := header(int(rate), uint32(len(data)))
	le := binary.LittleEndian
	le.PutUint16(b[20:], code)
	le.PutUint16(b[22:], channels)
	le.PutUint16(b[32:], channels*bits/8)
	le.PutUint16(b[34:], bits)
	return append(b, data...)
}

func pcm16(values ...int16) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}

func readAll(r *Reader) ([]float32, error) {
	var all []float32
	var buf [1000]float32
	for {
		n, err := r.Read(buf[:])
		all = append(all, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

func TestReaderMixesToMono(t *testing.T) {
	for name, test := range map[string]struct {
		file []byte
		want []float32
	}{
		"mono":     {sample(codePCM, 1, 8000, 16, pcm16(0, 16384, -32768)), []float32{0, 0.5, -1}},
		"stereo":   {sample(codePCM, 2, 192000, 16, pcm16(16384, 0, -32768, -32768)), []float32{0.25, -1}},
		"odd tail": {sample(codePCM, 2, 44100, 16, append(pcm16(16384, 16384), 7, 7)), []float32{0.5}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := NewReader(bytes.NewReader(test.file))
			if err != nil {
				t.Fatal(err)
			}
			got, err := readAll(r)
			if err != nil || len(got) != len(test.want) {
				t.Fatalf("read %v, %v; want %v", got, err, test.want)
			}
			for i := range got {
				if got[i] != test.want[i] {
					t.Errorf("sample %d is %v, want %v", i, got[i], test.want[i])
				}
			}
		})
	}
}

func TestReaderSkipsOtherChunksAndAcceptsUnknownLength(t *testing.T) {
	file := sample(codePCM, 1, 16000, 16, pcm16(1, 2, 3))
	list := append([]byte("LIST\x03\x00\x00\x00abc"), 0) // odd, so padded
	withList := bytes.Join([][]byte{file[:riffSize], list, file[riffSize:]}, nil)
	piped := bytes.Clone(withList)
	binary.LittleEndian.PutUint32(piped[len(list)+40:], 0xFFFFFFFF)
	for name, b := range map[string][]byte{"list": withList, "piped": piped} {
		r, err := NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := readAll(r); err != nil || len(got) != 3 {
			t.Errorf("%s: read %v, %v; want 3 samples", name, got, err)
		}
	}
}

func TestReaderAcceptsExtendedPCM(t *testing.T) {
	plain := sample(codePCM, 1, 48000, 16, pcm16(5, 6))
	format := make([]byte, extendedSize)
	copy(format, plain[20:36])
	binary.LittleEndian.PutUint16(format, codeExtended)
	binary.LittleEndian.PutUint16(format[24:], codePCM)
	file := append([]byte{}, plain[:16]...)
	file = binary.LittleEndian.AppendUint32(file, extendedSize)
	file = append(append(file, format...), plain[36:]...)
	r, err := NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(r); err != nil || len(got) != 2 {
		t.Errorf("read %v, %v; want 2 samples", got, err)
	}
}

func TestOpenSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	sound := pcm16(1, 2, 3, 4, 5, 6)
	good := sample(codePCM, 1, 48000, 16, sound)
	contradiction := bytes.Clone(good)
	contradiction[32] = 7
	soundFirst := bytes.Join([][]byte{good[:riffSize], good[36:]}, nil)
	for name, test := range map[string]struct {
		file []byte
		want []string
	}{
		"empty":         {nil, []string{"is empty"}},
		"24 bits":       {sample(codePCM, 1, 48000, 24, sound), []string{"is 24-bit", "convert it with: sox ", "/24 bits.wav' -b 16 out.wav"}},
		"8 bits":        {sample(codePCM, 1, 48000, 8, sound), []string{"is 8-bit", "-b 16"}},
		"float":         {sample(codeFloat, 1, 48000, 32, sound), []string{"is 32-bit floating point", "sox"}},
		"mulaw":         {sample(codeMuLaw, 1, 8000, 8, sound), []string{"A-law or µ-law", "sox"}},
		"compressed":    {sample(0x11, 1, 8000, 4, sound), []string{"is compressed (format 0x0011)", "sox"}},
		"surround":      {sample(codePCM, 6, 48000, 16, sound), []string{"has 6 channels", "-c 1"}},
		"slow":          {sample(codePCM, 1, 4000, 16, sound), []string{"has 4000 samples per second", "-r 48000"}},
		"fast":          {sample(codePCM, 1, 384000, 16, sound), []string{"has 384000 samples", "-r 48000"}},
		"no sound":      {sample(codePCM, 1, 48000, 16, nil), []string{"holds no sound"}},
		"no data chunk": {good[:36], []string{"holds no sound"}},
		"short header":  {good[:30], []string{"cut short in its header"}},
		"short riff":    {good[:5], []string{"cut short in its header"}},
		"contradiction": {contradiction, []string{"contradicts itself"}},
		"data first":    {soundFirst, []string{"before it says of what kind"}},
		"mp3":           {[]byte("ID3\x04 and so on, long enough"), []string{"is an MP3 file", "ffmpeg -i "}},
		"bare mp3":      {[]byte("\xFF\xFB\x90\x44 and so on"), []string{"is an MP3 file"}},
		"ogg":           {[]byte("OggS and so on, long enough"), []string{"is an Ogg file"}},
		"flac":          {[]byte("fLaC and so on, long enough"), []string{"is a FLAC file"}},
		"big":           {[]byte("RF64\xFF\xFF\xFF\xFFWAVEds64"), []string{"is a RF64 file"}},
		"text":          {[]byte("hello"), []string{"is something else, not a WAV file"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name+".wav")
			if err := os.WriteFile(path, test.file, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path)
			checkError(t, err, append(test.want, path)...)
			var format *FormatError
			if !errors.As(err, &format) {
				t.Errorf("%v is no FormatError", err)
			}
		})
	}
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir)
	checkError(t, err, "is a folder", dir)
	_, err = Open(filepath.Join(dir, "missing.wav"))
	checkError(t, err, "missing.wav", "no such file")
	_, err = Open(os.DevNull)
	checkError(t, err, "not a regular file")
}

func checkError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("was accepted")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not contain %q", err, part)
		}
	}
}

func TestReadTellsOfATruncatedFile(t *testing.T) {
	whole := sample(codePCM, 1, 48000, 16, make([]byte, 20000))
	path := filepath.Join(t.TempDir(), "cut.wav")
	if err := os.WriteFile(path, whole[:12345], 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Read(make([]float32, 480))
	}
	checkError(t, err, "cut.wav is cut short", "sox --ignore-length")
}

// TestWriterIsAlwaysPlayable reads the file back after each Write, as somebody
// would who finds it after the process was killed there.
func TestWriterIsAlwaysPlayable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.wav")
	w, err := Create(path, cell.SampleRate)
	if err != nil {
		t.Fatal(err)
	}
	block := []int16{1, -2, 32767, -32768}
	for i := 1; i <= 5; i++ {
		if err := w.Write(block); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readAll(f.Reader)
		if err != nil || len(got) != i*len(block) {
			t.Fatalf("after %d blocks: %d samples, %v", i, len(got), err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestHeaderVector pins the header to the bytes that sox writes for the same file.
func TestHeaderVector(t *testing.T) {
	const want = "524946462c00000057415645666d74201000000001000100" +
		"80bb0000007701000200100064617461" + "08000000"
	if got := hex.EncodeToString(header(48000, 8)); got != want {
		t.Errorf("header %s, want %s", got, want)
	}
}

func TestWriterStopsAtTheLimitOfTheFormat(t *testing.T) {
	w, err := Create(filepath.Join(t.TempDir(), "full.wav"), cell.SampleRate)
	if err != nil {
		t.Fatal(err)
	}
	w.data = maxData - 1
	if err := w.Write(make([]int16, 1)); !errors.Is(err, ErrFull) {
		t.Errorf("error %v, want ErrFull", err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestQuoteIsSafeInAShell(t *testing.T) {
	for path, want := range map[string]string{
		"a/b-1.wav": "a/b-1.wav",
		"my wav":    "'my wav'",
		"it's":      `'it'\''s'`,
		"-rf":       "'./-rf'",
		"$(reboot)": "'$(reboot)'",
	} {
		if got := quote(path); got != want {
			t.Errorf("quote(%q) = %s, want %s", path, got, want)
		}
	}
}

// FuzzReader checks that no file makes the reader crash, run on for ever, give
// more sound than the file has bytes for, or fail without saying why.
func FuzzReader(f *testing.F) {
	f.Add(sample(codePCM, 1, 48000, 16, pcm16(1, 2, 3)))
	f.Add(sample(codePCM, 2, 44100, 16, pcm16(1, 2, 3, 4)))
	f.Add(sample(codeFloat, 2, 44100, 32, make([]byte, 16)))
	f.Add(sample(codeExtended, 2, 44100, 16, make([]byte, 16)))
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\x7f"))
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVELIST\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(bytes.NewReader(b))
		var samples []float32
		if err == nil {
			samples, err = readAll(r)
		}
		var format *FormatError
		if err != nil && !errors.As(err, &format) {
			t.Fatalf("error of another kind: %v", err)
		}
		if 2*len(samples) > len(b) {
			t.Fatalf("%d samples from %d bytes", len(samples), len(b))
		}
		for _, v := range samples {
			if v < -1 || v >= 1 {
				t.Fatalf("sample %v", v)
			}
		}
	})
}

func TestReadAllocatesNothing(t *testing.T) {
	r, err := NewReader(bytes.NewReader(sample(codePCM, 2, 48000, 16, make([]byte, 1<<20))))
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]float32, 480)
	if n := testing.AllocsPerRun(100, func() { r.Read(pcm) }); n != 0 { //nolint:errcheck // long enough
		t.Errorf("%v allocations", n)
	}
}
