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

// A sink remembers what was written to it. Fake time orders what the goroutines do, which
// the race detector does not know.
type sink struct {
	mu           sync.Mutex
	live, closed bool
	written      []float32
}

func (s *sink) Live(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live = on
}

func (s *sink) Write(pcm []float32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written = append(s.written, pcm...)
}

func (s *sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *sink) isLive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live
}

// take returns what was written since it was called last.
func (s *sink) take() (got []float32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	got, s.written = s.written, nil
	return got
}

// after returns what is written within a time.
func (s *sink) after(d time.Duration) []float32 {
	time.Sleep(d)
	synctest.Wait()
	return s.take()
}

// The same is written whether it rings or not, but for what it is.
func TestRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		r := New(s)
		time.Sleep(time.Millisecond) // Between two pieces.
		for range 2 {
			if got := s.after(period); len(got) != audio.Samples(period) || slices.Max(got) != 0 || s.isLive() {
				t.Errorf("quiet: %d samples, the loudest %v, live %t", len(got), slices.Max(got), s.isLive())
			}
			r.Ring(true)
			for range 2 {
				if got := s.after(period); !slices.Equal(got, song()) || !s.isLive() {
					t.Errorf("ringing: %d samples that are no period of it", len(got))
				}
			}
			s.after(period / 3) // It begins from its beginning next time.
			r.Ring(false)
		}
		if err := r.Close(); err != nil || !s.closed {
			t.Errorf("closed %t, %v", s.closed, err)
		}
	})
}

// It rings as much softer as it is told, at once.
func TestSofter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		r := New(s)
		r.Ring(true)
		time.Sleep(time.Millisecond)
		for percent, want := range map[int]float32{50: 0.5, 100: 0, -5: 1, 200: 0} {
			r.Softer(percent)
			s.take()
			time.Sleep(period)
			synctest.Wait()
			if got, full := slices.Max(s.take()), slices.Max(song()); got < want*full*0.999 || got > want*full*1.001 {
				t.Errorf("%d percent softer: the loudest is %v of %v", percent, got, full)
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
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
	if s.isLive() {
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

// Who calls hears another tune than who is called; one takes the place of the other, and
// ending one that is not played ends nothing.
func TestTunes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		r := New(s)
		time.Sleep(time.Millisecond) // Between two pieces.
		r.Calls(true)
		r.Ring(false)
		if got := s.after(ringbackPeriod); !slices.Equal(got, ringback()) || !s.isLive() {
			t.Error("who calls hears something else")
		}
		r.Knock() // Not now.
		r.Ring(true)
		if got := s.after(period); !slices.Equal(got, song()) || !s.isLive() {
			t.Error("who is called hears something else")
		}
		r.Ring(false)
		if got := s.after(period); slices.Max(got) != 0 || s.isLive() {
			t.Error("it does not end")
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A knock is heard once, and softer than a bell.
func TestKnock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		r := New(s)
		time.Sleep(time.Millisecond) // Between two pieces.
		r.Knock()
		if !s.isLive() {
			t.Error("it is not heard")
		}
		time.Sleep(3 * rapLength)
		synctest.Wait()
		n := audio.Samples(rapLength)
		if got := s.take(); !slices.Equal(got[:n], rap()) || slices.Max(got[n:]) != 0 || s.isLive() {
			t.Error("it is heard otherwise than once")
		}
		if loud, soft := slices.Max(song()), slices.Max(rap()); soft < 0.01 || soft > loud/2 {
			t.Errorf("it is %v loud, the bell %v", soft, loud)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}
