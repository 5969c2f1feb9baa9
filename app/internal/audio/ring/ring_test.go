package ring

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"undertone/app/internal/audio"
)

// A sink remembers what was written to it.
type sink struct {
	live, closed bool
	written      []float32
}

func (s *sink) Live(on bool)        { s.live = on }
func (s *sink) Write(pcm []float32) { s.written = append(s.written, pcm...) }
func (s *sink) Close() error        { s.closed = true; return nil }

// The same is written whether it rings or not, but for what it is.
func TestRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		r := New(s)
		wait := func(d time.Duration) (got []float32) {
			time.Sleep(d)
			synctest.Wait()
			got, s.written = s.written, nil
			return got
		}
		time.Sleep(time.Millisecond) // Between two pieces.
		for range 2 {
			if got := wait(period); len(got) != audio.Samples(period) || slices.Max(got) != 0 || s.live {
				t.Errorf("quiet: %d samples, the loudest %v, live %t", len(got), slices.Max(got), s.live)
			}
			r.Ring(true)
			for range 2 {
				if got := wait(period); !slices.Equal(got, song()) || !s.live {
					t.Errorf("ringing: %d samples that are no period of it", len(got))
				}
			}
			wait(period / 3) // It begins from its beginning next time.
			r.Ring(false)
		}
		if err := r.Close(); err != nil || !s.closed {
			t.Errorf("closed %t, %v", s.closed, err)
		}
	})
}

// A slowSink is told to be quiet again while it goes live.
type slowSink struct {
	sink
	begun, ended sync.WaitGroup
	quiet        func()
}

func (s *slowSink) Live(on bool) {
	if on {
		s.begun.Add(1)
		s.ended.Go(func() {
			s.begun.Done()
			s.quiet()
		})
		s.begun.Wait()
		for range 1000 {
			runtime.Gosched() // Who is not kept from it gets ahead.
		}
	}
	s.sink.Live(on)
}

// Two who begin and end it at the same time leave the loudspeaker as they leave it.
func TestRingAtTheSameTime(t *testing.T) {
	s := &slowSink{}
	r := New(s)
	s.quiet = func() { r.Ring(false) }
	r.Ring(true)
	s.ended.Wait()
	if s.live {
		t.Error("it rings no more, and the loudspeaker is open")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// It has no click, is no louder than it should be, and has a pause.
func TestSong(t *testing.T) {
	pcm := song()
	if len(pcm)%audio.Samples(piece) != 0 {
		t.Error("a period is no whole number of pieces")
	}
	var peak, jump float32
	for i, v := range pcm {
		next := pcm[(i+1)%len(pcm)]
		peak, jump = max(peak, v, -v), max(jump, next-v, v-next)
	}
	if peak < loudness/3 || peak > 2*loudness {
		t.Errorf("its peak is %v", peak)
	}
	if jump > 0.06 { // A sine of the high note with that peak and its overtones.
		t.Errorf("a click: two samples differ by %v", jump)
	}
	if last := slices.Max(pcm[len(pcm)-audio.Samples(time.Second):]); last != 0 {
		t.Errorf("no pause: %v", last)
	}
}
