package audio

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"undertone/app/internal/audio/wav"
	"undertone/transport/cell"
)

// queueSize is how many samples wait for a slow disk before sound is lost, a
// power of two: 10.9 s.
const queueSize = 1 << 19

// A Recorder is a Sink that writes what it hears while live to a WAV file.
// Going live again goes on where it stopped. A goroutine of its own does all
// that touches the disk; the file is playable at every moment.
type Recorder struct {
	path  string
	file  *wav.Writer
	live  atomic.Bool
	start mark

	// The queue: Write puts in at head, run takes out at tail.
	queue []int16
	head  atomic.Uint64
	tail  atomic.Uint64
	lost  atomic.Uint64 // samples that found the queue full
	wake  chan struct{} // one deep
	quit  chan struct{}
	ended chan error
}

// CreateRecorder makes or replaces the WAV file at path.
func CreateRecorder(path string) (*Recorder, error) {
	file, err := wav.Create(path, cell.SampleRate)
	if err != nil {
		return nil, fmt.Errorf("cannot record to the sound file: %w", err)
	}
	r := newRecorder(path, file)
	go r.run()
	return r, nil
}

func newRecorder(path string, file *wav.Writer) *Recorder {
	return &Recorder{
		path:  path,
		file:  file,
		start: mark{base: time.Now()},
		queue: make([]int16, queueSize),
		wake:  make(chan struct{}, 1),
		quit:  make(chan struct{}),
		ended: make(chan error, 1),
	}
}

// Live starts or stops recording.
func (r *Recorder) Live(on bool) {
	if on && !r.live.Load() {
		r.start.reset() // before Write can mark
	}
	r.live.Store(on)
}

// Write queues pcm for the disk. When the disk is so slow that the queue is
// full, pcm is lost, and Close says so.
func (r *Recorder) Write(pcm []float32) {
	if !r.live.Load() {
		return
	}
	r.start.set(time.Now())
	head := r.head.Load()
	if int(head-r.tail.Load())+len(pcm) > len(r.queue) { //nolint:gosec // at most queueSize
		r.lost.Add(uint64(len(pcm)))
		return
	}
	at := int(head % queueSize) //nolint:gosec // less than queueSize
	n := min(len(pcm), queueSize-at)
	quantize(r.queue[at:at+n], pcm[:n])
	quantize(r.queue[:len(pcm)-n], pcm[n:])
	r.head.Store(head + uint64(len(pcm)))
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Began returns when the first sample since the recorder went live was written.
func (r *Recorder) Began() (time.Time, bool) { return r.start.get() }

// Close ends the recording. It returns when all that was written is in the
// file, or why it is not. It must be called once, after the last Write.
func (r *Recorder) Close() error {
	close(r.quit)
	err := <-r.ended
	if lost := r.lost.Load(); lost > 0 {
		err = errors.Join(err, fmt.Errorf("the disk was too slow: %s of the recording is missing",
			Duration(int(lost)).Round(time.Millisecond))) //nolint:gosec // far from the limit
	}
	if err != nil {
		return fmt.Errorf("recording to %s: %w", r.path, err)
	}
	return nil
}

// run moves samples from the queue to the file until Close, then the rest.
func (r *Recorder) run() {
	var failed error
	for open := true; open; {
		select {
		case <-r.wake:
		case <-r.quit:
			open = false
		}
		if err := r.drain(failed != nil); failed == nil {
			failed = err
		}
	}
	r.ended <- errors.Join(failed, r.file.Close())
}

// drain empties the queue into the file, or into nothing once the file failed.
func (r *Recorder) drain(discard bool) error {
	head := r.head.Load()
	for tail := r.tail.Load(); tail < head; tail = r.tail.Load() {
		at := tail % queueSize
		n := min(head-tail, queueSize-at)
		if !discard {
			if err := r.file.Write(r.queue[at : at+n]); err != nil {
				return err
			}
		}
		r.tail.Add(n)
	}
	return nil
}
