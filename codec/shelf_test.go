package codec

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"undertone/transport/cell"
)

// TestJitterSpeakers: whatever is put and taken in whatever order within the
// depth, each speaker is heard as he spoke, once, in the slot he spoke in, and
// nothing is kept for a slot that was taken. The oracle keeps everything.
func TestJitterSpeakers(t *testing.T) {
	type voice struct {
		n cell.Slot
		s int
	}
	rapid.Check(t, func(t *rapid.T) {
		speakers := rapid.IntRange(1, MaxSpeakers).Draw(t, "speakers")
		j := NewJitter(cell.Interval20, speakers)
		due := rapid.Uint64Range(0, 1000).Draw(t, "start")
		begun, taken, said := false, cell.Slot(0), map[voice]byte{}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				n := cell.Slot(due + rapid.Uint64Range(0, jitterDepth-1).Draw(t, "ahead"))
				if begun && rapid.IntRange(0, 4).Draw(t, "late") == 0 {
					n = taken - min(taken, cell.Slot(rapid.Uint64Range(0, 5).Draw(t, "by")))
				}
				s, what := rapid.IntRange(-1, speakers).Draw(t, "speaker"), rapid.Byte().Draw(t, "what")
				want := s >= 0 && s < speakers && (!begun || n > taken)
				if got := j.Put(n, s, &Frame{what}); got != want {
					t.Fatalf("put of speaker %d in slot %d, due is %d: %v, want %v", s, n, due, got, want)
				}
				if want {
					said[voice{n, s}] = what
				}
			},
			"take": func(t *rapid.T) {
				for s := -1; s <= speakers; s++ {
					var f Frame
					what, want := said[voice{cell.Slot(due), s}]
					if got := j.Take(cell.Slot(due), s, &f); got != want || got && f[0] != what {
						t.Fatalf("take of speaker %d in slot %d: %v, frame %d; want %v, frame %d", s, due, got, f[0], want, what)
					}
					if j.Take(cell.Slot(due), s, &f) {
						t.Fatalf("speaker %d was heard twice in slot %d", s, due)
					}
				}
				begun, taken = true, cell.Slot(due)
				due++
			},
			// After a stall the ear leaves out what was due long ago.
			"skip": func(t *rapid.T) { due += rapid.Uint64Range(1, 40).Draw(t, "slots") },
		})
	})
}

// TestJitterStatsOfAll: frames of all speakers are counted together.
func TestJitterStatsOfAll(t *testing.T) {
	j := NewJitter(cell.Interval40, 3)
	j.Arrived(7, time.Unix(1, 0))
	var f Frame
	j.Put(7, 0, &f)
	j.Put(7, 2, &f)
	for s := range 3 {
		j.Take(7, s, &f)
	}
	j.Put(7, 1, &f)
	if got, want := j.Stats(), (JitterStats{Heard: 2, Missing: 1, Late: 1}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

// TestJitterNobody: there is room for one speaker whatever is asked for.
func TestJitterNobody(t *testing.T) {
	for _, speakers := range []int{-1, 0, 1} {
		j := NewJitter(cell.Interval40, speakers)
		var f Frame
		if !j.Put(1, 0, &Frame{3}) || j.Put(1, 1, &f) || !j.Take(1, 0, &f) || f[0] != 3 {
			t.Errorf("%d speakers: the only one was not heard", speakers)
		}
	}
}
