// Package plan decides what is done in a measurement, and what is recorded of it:
// segments under one label each, in a random order that a seed repeats.
//
//	idle … ─▶ scene ─▶ idle … ─▶ control ─▶ idle … ─▶ scene ─▶ …
//
//	out, talk       call, ringing out …, answered, talk and silence …, hang-up
//	in, talk        the other calls, ringing in …, answer, talk and silence …, hang-up
//	out, declined   call, ringing out …, the other declines (decline …), give up
//	in, declined    the other calls, ringing in …, decline …, the other gives up
//	out, no answer  call, ringing out …, give up (no answer)
//	in, no answer   the other calls, ringing in …, he gives up (no answer …)
//	ring time over  call, ringing out … until it ends by itself (no answer …)
//
// Every scene is followed by idle segments; the lengths of these stretches are those
// of the scenes, in another order. So there are as many idle segments as others, both
// are spread over the whole time, and a machine that is slow for a while is so for
// both. Between what is recorded and what changes the state lies a guard time, but
// where the change is what the label says: there it happens within the segment.
//
// Positive controls are segments in which the client is made to leak, once in a
// while, between the others. They are idle, but for DTX, which takes a call with
// nothing said.
//
// Pure; package drive does what a plan says.
package plan

import (
	"math/rand/v2"
	"time"
)

// The labels of segments.
const (
	Idle       = "idle"
	RingingOut = "ringing out"
	RingingIn  = "ringing in"
	Talk       = "talk"
	Silence    = "silence"
	Decline    = "decline"
	NoAnswer   = "no answer"
	HangUp     = "hang-up"
)

// The positive controls.
const (
	Work = "1.5 ms of work"
	Byte = "one byte more"
	Skip = "a skipped tick"
	DTX  = "DTX"
)

// Controls are all of them.
func Controls() []string { return []string{Work, Byte, Skip, DTX} }

// An Act is something that is done, by the client or by the other side.
type Act uint8

// The acts.
const (
	Nothing    Act = iota
	Calls          // the client calls the other
	Called         // the other calls the client
	Answers        // the client answers
	Answered       // the other answers
	Declines       // the client declines
	Declined       // the other declines
	HangsUp        // the client hangs up, or gives up ringing
	HungUp         // the other does
	Speaks         // both begin to speak
	Hushes         // both fall silent
	AwaitsIdle     // nobody does anything until there is no call
)

// A Step is the next thing to do: an act and a guard time, or a segment, which may
// have an act in it.
type Step struct {
	Act     Act
	Label   string // of the segment; empty for none
	Control string // what leaks in it; empty for nothing
}

// Call reports whether the segment is to be held against idle.
func (s Step) Call() bool { return s.Label != Idle || s.Control != "" }

// A Size is how long a run is.
type Size struct {
	// Segments is how many there are of calls, and as many idle ones, at least.
	Segments int
	// Controls is how many segments there are of each control.
	Controls int
	// Length is how long a segment lasts, Guard how long it is waited after an act, and
	// Settle how long the line has before the first segment.
	Length, Guard, Settle time.Duration
}

// Long is a run that can show that nothing shows, Quick one that can only find what
// is gross.
var (
	Long  = Size{Segments: 1300, Controls: 16, Length: 2 * time.Second, Guard: 300 * time.Millisecond, Settle: 30 * time.Second}
	Quick = Size{Segments: 100, Controls: 8, Length: 2 * time.Second, Guard: 300 * time.Millisecond, Settle: 30 * time.Second}
)

// A scene is a call from its beginning to its end.
type scene func(*maker) []Step

// A maker makes plans.
type maker struct{ random *rand.Rand }

// ringOver is how many segments of two seconds ring before the ring time ends.
const ringOver = 13

func scenes() []scene {
	return []scene{
		func(m *maker) []Step { return m.talk(Calls, RingingOut, Answered, HangsUp) },
		func(m *maker) []Step { return m.talk(Called, RingingIn, Answers, HungUp) },
		func(m *maker) []Step { return m.unanswered(Calls, RingingOut, Declined, Decline, HangsUp) },
		func(m *maker) []Step { return m.unanswered(Called, RingingIn, Declines, Decline, HungUp) },
		func(m *maker) []Step { return m.unanswered(Calls, RingingOut, HangsUp, NoAnswer, Nothing) },
		func(m *maker) []Step { return m.unanswered(Called, RingingIn, HungUp, NoAnswer, Nothing) },
	}
}

// overtime is a call that nobody answers until it ends by itself. It is long, so
// that it is in every third deck only.
func (m *maker) overtime() []Step {
	return append(append(record([]Step{{Act: Calls}}, RingingOut, ringOver), record(nil, NoAnswer, 3)...), Step{Act: AwaitsIdle})
}

func (m *maker) between(least, most int) int { return least + m.random.IntN(most-least+1) }

// record adds so many segments.
func record(steps []Step, label string, n int) []Step {
	for range n {
		steps = append(steps, Step{Label: label})
	}
	return steps
}

func (m *maker) talk(begin Act, ringing string, answer, end Act) []Step {
	steps := record([]Step{{Act: begin}}, ringing, m.between(1, 3))
	steps = append(steps, Step{Act: answer})
	speaking := m.random.IntN(2) == 0
	for range m.between(2, 3) {
		if speaking {
			steps = record(append(steps, Step{Act: Speaks}), Talk, m.between(1, 3))
		} else {
			steps = record(append(steps, Step{Act: Hushes}), Silence, m.between(1, 3))
		}
		speaking = !speaking
	}
	return append(steps, Step{Act: end, Label: HangUp}, Step{Act: AwaitsIdle})
}

// unanswered rings until act, which is in a segment of its own with another after
// it, and ends by end.
func (m *maker) unanswered(begin Act, ringing string, act Act, label string, end Act) []Step {
	steps := record([]Step{{Act: begin}}, ringing, m.between(1, 4))
	steps = append(steps, Step{Act: act, Label: label})
	steps = record(steps, label, m.between(1, 2))
	if end != Nothing {
		steps = append(steps, Step{Act: end})
	}
	return append(steps, Step{Act: AwaitsIdle})
}

// New makes the plan of a run. The same seed makes the same.
func New(size Size, seed uint64) []Step {
	m := &maker{rand.New(rand.NewPCG(seed, 0))}
	var calls [][]Step
	for deck, total := 0, 0; total < size.Segments; deck++ {
		of := scenes()
		if deck%3 == 2 {
			of = append(of, (*maker).overtime)
		}
		m.random.Shuffle(len(of), func(i, k int) { of[i], of[k] = of[k], of[i] })
		for _, scene := range of {
			if steps := scene(m); total < size.Segments {
				calls = append(calls, steps)
				total += Count(steps)
			}
		}
	}
	controls := m.controls(size.Controls)
	groups := len(controls)
	var steps []Step
	for k, order := range m.random.Perm(len(calls)) {
		// A stretch of idle is as long as some scene; part of it comes before.
		idle := Count(calls[order])
		before := m.random.IntN(idle + 1)
		steps = record(steps, Idle, before)
		steps = append(steps, calls[k]...)
		steps = record(steps, Idle, idle-before)
		// Controls are spread evenly, but for the end: in the middle of others, lateness
		// is known best.
		for due := (k + 1) * groups / max(1, len(calls)-1); len(controls) > max(0, groups-due); controls = controls[1:] {
			steps = append(steps, controls[0]...)
		}
	}
	return steps
}

// group is how many segments of DTX follow each other, since each time takes a call.
// Other controls come one by one: what leaks for long may be taken for a clock.
const group = 4

// controls returns groups of controls in a random order, in which each comes as
// often early as late.
func (m *maker) controls(n int) (all [][]Step) {
	for done := range n {
		for _, k := range m.random.Perm(len(Controls())) {
			switch name := Controls()[k]; {
			case name != DTX:
				all = append(all, control(name, 1))
			case done%group == 0:
				all = append(all, control(name, min(group, n-done)))
			}
		}
	}
	return all
}

func control(name string, n int) (steps []Step) {
	label := Idle
	if name == DTX {
		label = Silence
		steps = []Step{{Act: Calls}, {Act: Answered}, {Act: Hushes}}
	}
	for range n {
		steps = append(steps, Step{Label: label, Control: name})
	}
	if name == DTX {
		steps = append(steps, Step{Act: HangsUp}, Step{Act: AwaitsIdle})
	}
	return steps
}

// Count returns how many segments of a plan are no controls.
func Count(steps []Step) (n int) {
	for _, s := range steps {
		if s.Label != "" && s.Control == "" {
			n++
		}
	}
	return n
}

// After is how long it is waited after a control: what was lost by it is sent again.
func (s Size) After() time.Duration { return 7 * s.Guard }

// Lasts returns how long a plan takes if everybody does at once what he is told.
func (s Size) Lasts(steps []Step) time.Duration {
	total := s.Settle
	last := ""
	for _, step := range steps {
		switch {
		case step.Label != "":
			total += s.Length
			if step.Control == "" && last != "" {
				total += s.After()
			}
			last = step.Control
		case step.Act == AwaitsIdle:
			total += 2 * s.Guard
		default:
			total += s.Guard
		}
	}
	return total
}
