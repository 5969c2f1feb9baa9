package audio

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"undertone/app/internal/audio/wav"
	"undertone/transport/cell"
)

const slot = 40 * time.Millisecond

func ramp(n int) []float32 {
	pcm := make([]float32, n)
	for i := range pcm {
		pcm[i] = float32(i%30000+1) / 32768
	}
	return pcm
}

func equal(t *testing.T, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d samples, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("sample %d is %v, want %v", i, got[i], want[i])
		}
	}
}

func TestClipPlaysFromItsStartWheneverLive(t *testing.T) {
	sound := ramp(1000)
	c := NewClip(sound)
	pcm := make([]float32, 600)
	c.Read(pcm)
	equal(t, pcm, make([]float32, 600))
	for range 2 {
		c.Live(true)
		c.Read(pcm)
		equal(t, pcm, sound[:600])
		c.Read(pcm)
		equal(t, pcm[:400], sound[600:])
		equal(t, pcm[400:], make([]float32, 200))
		c.Live(false)
		c.Read(pcm)
		equal(t, pcm, make([]float32, 600))
	}
	c.Live(true)
	c.Live(true) // again says nothing new
	c.Read(pcm)
	c.Live(false)
	c.Live(true) // between two slots, starts anew
	c.Read(pcm)
	equal(t, pcm, sound[:600])
}

func TestClipIsDoneWhenReadToItsEnd(t *testing.T) {
	c := NewClip(ramp(1000))
	pcm := make([]float32, 500)
	c.Live(true)
	c.Read(pcm)
	select {
	case <-c.Done():
		t.Fatal("done after half of it")
	default:
	}
	c.Read(pcm)
	select {
	case <-c.Done():
	default:
		t.Fatal("not done")
	}
}

// TestTimesAreThoseOfASoundCard checks the marks that mouth-to-ear is measured
// with: what is read at t was heard until t, what is written at t plays from t.
func TestTimesAreThoseOfASoundCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewDuplex(NewClip(ramp(10000)), NewTape(time.Second))
		pcm := make([]float32, Samples(slot))
		if _, ok := d.MouthBegan(); ok {
			t.Error("the mouth began before it was live")
		}
		for range 2 {
			time.Sleep(time.Second)
			d.Live(true)
			time.Sleep(7 * time.Millisecond)
			read := time.Now()
			d.Read(pcm)
			time.Sleep(5 * time.Millisecond)
			written := time.Now()
			d.Write(pcm)
			time.Sleep(slot)
			d.Read(pcm)
			d.Write(pcm)
			if at, ok := d.MouthBegan(); !ok || !at.Equal(read.Add(-slot)) {
				t.Errorf("the mouth began at %v, %v; want %v", at, ok, read.Add(-slot))
			}
			if at, ok := d.EarBegan(); !ok || !at.Equal(written) {
				t.Errorf("the ear began at %v, %v; want %v", at, ok, written)
			}
			d.Live(false)
		}
	})
}

func TestTapeRecordsWhileLiveUpToItsLength(t *testing.T) {
	tape := NewTape(10 * time.Millisecond)
	sound := ramp(600)
	tape.Write(sound[:100])
	tape.Live(true)
	tape.Write(sound[:400])
	tape.Live(false)
	tape.Write(sound)
	tape.Live(true)
	tape.Write(sound[400:])
	equal(t, tape.Samples(), sound[:480])
}

func readWAV(t *testing.T, path string) []float32 {
	t.Helper()
	f, err := wav.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := make([]float32, 1<<20)
	n := 0
	for {
		m, err := f.Read(all[n:])
		if err != nil {
			return all[:n]
		}
		n += m
	}
}

func TestRecorderKeepsAllThatWasHeardWhileLive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.wav")
	r, err := CreateRecorder(path)
	if err != nil {
		t.Fatal(err)
	}
	sound := ramp(20000)
	r.Write(sound)
	r.Live(true)
	for i := 0; i < len(sound); i += 1000 {
		r.Write(sound[i : i+1000])
	}
	r.Live(false)
	r.Write(sound)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, readWAV(t, path), sound)
}

// TestRecorderQueueGoesRound writes more than the queue holds, waiting for the
// disk, so that every wrap of the ring is crossed.
func TestRecorderQueueGoesRound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.wav")
	r, err := CreateRecorder(path)
	if err != nil {
		t.Fatal(err)
	}
	r.Live(true)
	sound := ramp(999_999)
	const block = 4801
	for i := 0; i < len(sound); i += block {
		for r.head.Load()-r.tail.Load() > queueSize/2 {
			r.wake <- struct{}{}
		}
		r.Write(sound[i:min(i+block, len(sound))])
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, readWAV(t, path), sound)
}

// TestRecorderSaysWhatItLost stands in for a disk that hangs: nobody takes
// from the queue. Write must neither wait nor overwrite.
func TestRecorderSaysWhatItLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.wav")
	file, err := wav.Create(path, cell.SampleRate)
	if err != nil {
		t.Fatal(err)
	}
	r := newRecorder(path, file)
	r.Live(true)
	sound := ramp(4800)
	for range queueSize/len(sound) + 10 {
		r.Write(sound)
	}
	go r.run()
	if err := r.Close(); err == nil {
		t.Error("Close says nothing of the lost sound")
	}
	if got := len(readWAV(t, path)); got != queueSize/len(sound)*len(sound) {
		t.Errorf("%d samples on disk, want what fits the queue", got)
	}
}

func TestRecorderTellsOfAFullDisk(t *testing.T) {
	if _, err := CreateRecorder(filepath.Join(t.TempDir(), "no", "out.wav")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want one about the missing folder", err)
	}
	if _, err := CreateRecorder("/dev/full"); err == nil {
		t.Error("a header was written to a full disk")
	}
	path := filepath.Join(t.TempDir(), "out.wav")
	file, err := wav.Create(path, cell.SampleRate)
	if err != nil {
		t.Fatal(err)
	}
	r := newRecorder(path, file)
	go r.run()
	if err := file.Close(); err != nil { // from now on writing fails
		t.Fatal(err)
	}
	r.Live(true)
	r.Write(ramp(100))
	if err := r.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v, want that of the file", err)
	}
}

// TestRecordingIsPlayableAfterAKill records in a process that is killed.
func TestRecordingIsPlayableAfterAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "killed.wav")
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), killedEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ready [1]byte
	if _, err := out.Read(ready[:]); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the recording process was not killed")
	}
	equal(t, readWAV(t, path), ramp(48000))
}

const killedEnv = "UNDERTONE_TEST_RECORD"

// record writes a second of sound to path, says when it is on disk, and waits
// for its death.
func record(path string) {
	r, err := CreateRecorder(path)
	if err != nil {
		panic(err)
	}
	r.Live(true)
	r.Write(ramp(48000))
	for r.tail.Load() < 48000 {
		r.wake <- struct{}{}
	}
	if _, err := os.Stdout.WriteString("."); err != nil {
		panic(err)
	}
	select {}
}

func TestMain(m *testing.M) {
	if path := os.Getenv(killedEnv); path != "" {
		record(path)
	}
	os.Exit(m.Run())
}

func TestSilence(t *testing.T) {
	pcm := ramp(100)
	var d Device = Silence{}
	d.Live(true)
	d.Write(pcm)
	d.Read(pcm)
	equal(t, pcm, make([]float32, 100))
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestQuantizeTakesAnything(t *testing.T) {
	in := []float32{0, 0.5, 1, -1, 2, -2, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 1.4 / 32768}
	want := []int16{0, 16384, 32767, -32768, 32767, -32768, 0, 32767, -32768, 1}
	got := make([]int16, len(in))
	quantize(got, in)
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%v becomes %d, want %d", in[i], got[i], want[i])
		}
	}
}

// TestNothingIsAllocatedInASlot covers what runs on the slot path.
func TestNothingIsAllocatedInASlot(t *testing.T) {
	r, err := CreateRecorder(filepath.Join(t.TempDir(), "out.wav"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for name, d := range map[string]Device{
		"files":  NewDuplex(NewClip(ramp(1<<20)), r),
		"memory": NewDuplex(NewClip(ramp(1<<20)), NewTape(time.Minute)),
	} {
		d.Live(true)
		pcm := make([]float32, Samples(slot))
		if n := testing.AllocsPerRun(100, func() { d.Read(pcm); d.Write(pcm) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkSlot(b *testing.B) {
	r, err := CreateRecorder(filepath.Join(b.TempDir(), "out.wav"))
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // a benchmark loses sound
	d := NewDuplex(NewClip(ramp(1<<20)), r)
	d.Live(true)
	pcm := make([]float32, Samples(slot))
	b.ReportAllocs()
	for b.Loop() {
		d.Read(pcm)
		d.Write(pcm)
	}
}
