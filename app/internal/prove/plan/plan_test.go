package plan

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// counts returns how many segments there are of each label and each control.
func counts(steps []Step) map[string]int {
	n := map[string]int{}
	for _, s := range steps {
		switch {
		case s.Control != "":
			n[s.Control]++
		case s.Label != "":
			n[s.Label]++
		}
	}
	return n
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		size        Size
		least, most time.Duration
		eachLabel   int
	}{
		{Long, 85 * time.Minute, 110 * time.Minute, 50},
		{Quick, 8 * time.Minute, 11 * time.Minute, 4},
	} {
		for seed := range uint64(20) {
			steps := New(c.size, seed)
			n := counts(steps)
			calls := Count(steps) - n[Idle]
			if calls < c.size.Segments || calls > c.size.Segments+16 || n[Idle] != calls {
				t.Errorf("%d segments of calls, %d of idle", calls, n[Idle])
			}
			for _, name := range Controls() {
				if n[name] != c.size.Controls {
					t.Errorf("%d of %q", n[name], name)
				}
			}
			for _, label := range []string{RingingOut, RingingIn, Talk, Silence, Decline, NoAnswer, HangUp} {
				if n[label] < c.eachLabel {
					t.Errorf("seed %d: %d of %q", seed, n[label], label)
				}
			}
			if d := c.size.Lasts(steps); d < c.least || d > c.most {
				t.Errorf("it lasts %v", d)
			}
		}
	}
}

// In every tenth of a run there are calls and idle in about the same numbers, and
// every control comes early and late.
func TestMixed(t *testing.T) {
	steps := New(Long, 7)
	var where []float64 // 1 for calls
	first, last := map[string]float64{}, map[string]float64{}
	for _, s := range steps {
		switch {
		case s.Control != "":
			at := float64(len(where))
			if _, seen := first[s.Control]; !seen {
				first[s.Control] = at
			}
			last[s.Control] = at
		case s.Label == Idle:
			where = append(where, 0)
		case s.Label != "":
			where = append(where, 1)
		}
	}
	tenth := len(where) / 10
	for k := range 10 {
		sum := 0.0
		for _, v := range where[k*tenth : (k+1)*tenth] {
			sum += v
		}
		if share := sum / float64(tenth); math.Abs(share-0.5) > 0.15 {
			t.Errorf("in part %d %v are calls", k, share)
		}
	}
	for _, name := range Controls() {
		if all := float64(len(where)); first[name] > 0.3*all || last[name] < 0.7*all {
			t.Errorf("%q is from %v to %v", name, first[name]/all, last[name]/all)
		}
	}
}

func TestSeedRepeats(t *testing.T) {
	if !slices.Equal(New(Quick, 1), New(Quick, 1)) {
		t.Error("two plans of one seed")
	}
	if slices.Equal(New(Quick, 1), New(Quick, 2)) {
		t.Error("one plan of two seeds")
	}
}

// A plan never asks for what cannot be done: whoever follows it is always in the
// state that the act, and the label, need.
func TestPlanCanBeDone(t *testing.T) {
	type state struct{ calling, ringing, talking, speaking bool }
	for seed := range uint64(50) {
		var s state
		for i, step := range New(Quick, seed) {
			was := s
			ok := true
			switch step.Act {
			case Nothing:
			case Calls:
				ok, s = was == state{}, state{calling: true}
			case Called:
				ok, s = was == state{}, state{ringing: true}
			case Answers:
				ok, s = was.ringing, state{talking: true}
			case Answered:
				ok, s = was.calling, state{talking: true}
			case Declines:
				ok = was.ringing
			case Declined:
				ok = was.calling
			case HangsUp, HungUp:
				ok = was.calling || was.ringing || was.talking
			case Speaks, Hushes:
				ok, s.speaking = was.talking, step.Act == Speaks
			case AwaitsIdle:
				s = state{}
			}
			switch step.Label {
			case Idle:
				ok = ok && was == state{}
			case RingingOut:
				ok = ok && was.calling
			case RingingIn:
				ok = ok && was.ringing
			case Talk:
				ok = ok && was.talking && was.speaking
			case Silence:
				ok = ok && was.talking && !was.speaking
			case HangUp:
				ok = ok && was.talking
			case Decline, NoAnswer:
				ok = ok && (was.calling || was.ringing)
			}
			if step.Control != "" && step.Control != DTX {
				ok = ok && step.Label == Idle
			}
			if step.Label != "" && step.Call() != (step.Label != Idle || step.Control != "") {
				ok = false
			}
			if !ok {
				t.Fatalf("seed %d, step %d: %s in %+v", seed, i, fmt.Sprintf("%+v", step), was)
			}
		}
		if (s != state{}) {
			t.Errorf("seed %d ends in %+v", seed, s)
		}
	}
}
