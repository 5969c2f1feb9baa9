package enhance

import (
	"slices"
	"testing"
	"time"
)

// TestFinder: the delay is found while both talk, and followed when it changes.
func TestFinder(t *testing.T) {
	t.Parallel()
	s := newScene(300 * time.Millisecond)
	copy(s.echo[4*second:], reverberate(s.played, 130*time.Millisecond, 0.5)[4*second:])
	s.say(near(), 0)
	var f finder
	for at := 0; at+block <= len(s.heard); at += block {
		f.look(s.played[at:at+block], s.heard[at:at+block])
		echo := samples(300 * time.Millisecond)
		if at >= 4*second {
			echo = samples(130 * time.Millisecond)
		}
		rest := echo - f.delay
		if at > 3*second && at < 4*second || at > 7*second {
			if rest < earliest-thin || rest > latest+thin {
				t.Fatalf("after %d ms the echo comes %d ms after the reference", at*1000/second, rest*1000/second)
			}
		}
	}
}

// TestFinderUnrelated: two who talk at the same time are no echo of each other,
// and neither is silence.
func TestFinderUnrelated(t *testing.T) {
	t.Parallel()
	played, heard := far(), near()
	for name, heard := range map[string][]float32{"speech": heard, "silence": make([]float32, 3*second)} {
		var f finder
		for at := 0; at+block <= len(heard); at += block {
			if f.look(played[at:at+block], heard[at:at+block]); f.delay != 0 {
				t.Fatalf("%s: after %d ms a delay of %d ms", name, at*1000/second, f.delay*1000/second)
			}
		}
	}
}

// TestFinderInSilence: numbers that processors are slow with never come up, how
// long ever a microphone gives nothing but zeros, and nothing is found in it.
func TestFinderInSilence(t *testing.T) {
	t.Parallel()
	const slow = 0x1p-126
	var f finder
	for lag := range f.scores { // What a minute left of loud speech.
		f.scores[lag] = float32(1-lag%2*2) * 1e-20
	}
	zeros := make([]float32, block)
	for range 300 {
		if f.look(zeros, zeros); f.delay != 0 {
			t.Fatalf("a delay of %d", f.delay)
		}
		for lag, s := range f.scores {
			if s*s < slow {
				t.Fatalf("the score of delay %d is %g", lag, s)
			}
		}
	}
}

// A line gives back the same samples later, and an older or newer part of them
// when the delay changes.
func TestLine(t *testing.T) {
	var l line
	count := 0
	for k := range 200 {
		n := []int{960, 1920, 4800}[k%3]
		delay := []int{0, 1, 4800, farthest}[k/3%4]
		pcm := make([]float32, n)
		for i := range pcm {
			count++
			pcm[i] = float32(count)
		}
		l.delay(pcm, delay)
		for i, v := range pcm {
			if want := float32(max(0, count-n+i+1-delay)); v != want {
				t.Fatalf("sample %d, %d later, is %g, want %g", count-n+i+1, delay, v, want)
			}
		}
	}
}

// A talk is a queue with a count at each end.
type talk struct {
	queue
	in int
}

func (k *talk) play(n int) {
	pcm := make([]float32, n)
	for i := range pcm {
		k.in++
		pcm[i] = float32(k.in)
	}
	k.put(pcm)
}

// hear returns how many samples the queue is behind, or -1 for silence.
func (k *talk) hear(t *testing.T, n int) int {
	t.Helper()
	pcm := make([]float32, n)
	k.take(pcm)
	if pcm[0] == 0 {
		return -1
	}
	for i := range pcm {
		if pcm[i] != pcm[0]+float32(i) {
			t.Fatal("samples are missing")
		}
	}
	return k.in - int(pcm[n-1])
}

// Play and Hear that change places now and then have a constant delay after the
// first time.
func TestQueueInTurn(t *testing.T) {
	const n = 960
	var k talk
	var behind []int
	for slot := range 300 {
		if slot == 150 {
			if got := k.hear(t, n); got != -1 {
				t.Errorf("before the first slot there was something: %d", got)
			}
			k.play(n)
			k.play(n)
			behind = append(behind, k.hear(t, n))
			continue
		}
		k.play(n)
		behind = append(behind, k.hear(t, n))
	}
	if behind[0] != 0 || behind[149] != 0 || behind[160] != n || behind[299] != n {
		t.Errorf("the queue is behind by %v", slices.Compact(behind))
	}
}

// Who hears nothing for long finds the newest sound again within a second; who
// plays nothing for long changes nothing.
func TestQueueStalls(t *testing.T) {
	const n = 1920
	var k talk
	for range 100 { // more than there is room for
		k.play(n)
	}
	for range 2 * queueWindow / n {
		k.play(n)
		k.hear(t, n)
	}
	k.play(n)
	if got := k.hear(t, n); got < 0 || got > 2*n {
		t.Errorf("two seconds after a stall of Hear the queue is %d behind", got)
	}
	before := k.hear(t, n)
	for range 100 {
		if got := k.hear(t, n); before >= n && got >= 0 {
			before -= n
		} else if got != -1 {
			t.Fatalf("with nobody playing it is %d behind", got)
		}
	}
	k.play(n)
	if got := k.hear(t, n); got != 0 {
		t.Errorf("after a stall of Play the queue is %d behind", got)
	}
}
