package pulsetest

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Witness records a sink and knows when each sample was played, so that what two
// of them heard can be compared in time. It takes the samples from a pipe as they
// come:
//
//	sink ─ monitor ▶ parec ─ pipe ▶ block, block, …   each with the time it came
//
// A block comes some milliseconds after its last sample was played, and later when
// the machine is busy. The quickest of them says where the recording begins, and is
// as quick with every Witness.
type Witness struct {
	cmd   *exec.Cmd
	ended sync.WaitGroup

	// Written until ended.
	samples []float32
	begin   time.Time
}

// witnessBlock is how many samples are taken from the pipe at once: a millisecond.
const witnessBlock = 48

// Witness starts to record the sink. It returns when the recording runs.
func (k *Sink) Witness(t testing.TB) *Witness {
	t.Helper()
	w := &Witness{cmd: exec.Command("parec", "--device="+k.name+".monitor", "--raw", "--rate=48000",
		"--channels=1", "--format=float32le", "--latency-msec=10")}
	w.cmd.Env = append(os.Environ(), k.server.env...)
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatalf("cannot start parec (make test installs it): %v", err)
	}
	runs := make(chan struct{})
	w.ended.Go(func() { w.listen(pipe, runs) })
	t.Cleanup(w.stop)
	select {
	case <-runs:
	case <-time.After(startTime):
		t.Fatal("the recording does not run")
	}
	return w
}

// listen takes samples until the recorder ends.
func (w *Witness) listen(pipe io.Reader, runs chan<- struct{}) {
	in, block := bufio.NewReaderSize(pipe, 4*witnessBlock), make([]byte, 4*witnessBlock)
	for {
		if _, err := io.ReadFull(in, block); err != nil {
			return
		}
		for b := block; len(b) > 0; b = b[4:] {
			w.samples = append(w.samples, math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
		begin := time.Now().Add(-time.Duration(len(w.samples)) * time.Second / 48000)
		if len(w.samples) == witnessBlock {
			close(runs)
			w.begin = begin
		}
		if begin.Before(w.begin) {
			w.begin = begin
		}
	}
}

func (w *Witness) stop() {
	w.cmd.Process.Signal(syscall.SIGINT) //nolint:errcheck // it may have ended
	w.ended.Wait()
	w.cmd.Wait() //nolint:errcheck // it is ended by a signal
}

// Stop ends the recording, and returns what was heard and when it began.
func (w *Witness) Stop() (heard []float32, begin time.Time) {
	w.stop()
	return w.samples, w.begin
}
