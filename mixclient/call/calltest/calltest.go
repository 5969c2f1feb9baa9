// Package calltest finds out, from the call machine itself, in which ways a call can
// go. It is for tests that have to do something in every state of a call: what is
// added to the machine is in its answer, so that nobody can forget it.
//
//	a call ─▶ try every move ─▶ a state that is new ─▶ try every move ─▶ …
//	          of everybody       (all three sides)
//
// Three people have a machine each, and their letters and voices take a few slots from
// one to the other. Ann calls Bob. Then everybody does, in every order, what his
// machine allows him, or nothing happens for a while; Carol may ring Bob once, when
// everything that was said has arrived. Two situations are the same if all three
// machines are in the same states, the same ones ring or are rung by calls that another
// is done with, and everything that was said has arrived in both or in neither.
//
// Not in it are calls of several, contacts who have no key yet or are blocked, and lost
// lines. A new state or outcome that no move leads to fails the test of this package; a
// new move has to be added here.
//
// Pure, but for the random bytes in keys. It is for tests only.
package calltest

import (
	"slices"
	"strings"

	"undertone/mixclient/call"
)

// Who moves.
type Who uint8

// The three. Carol does nothing but ring Bob while he is in a call.
const (
	Ann Who = iota
	Bob
	Carol
	people
)

// What is done.
type What uint8

// The moves.
const (
	Waits     What = iota // a while, in which everything said arrives
	WaitsLong             // longer than anything rings
	Calls                 // Ann and Carol call Bob, and Bob calls Ann
	Answers
	Declines
	HangsUp
	whats
)

// A Move is one thing that somebody does. Who is meaningless if everybody waits.
type Move struct {
	Who  Who
	What What
}

// String says it in words.
func (m Move) String() string {
	if m.What <= WaitsLong {
		return [...]string{"a while", "a long while"}[m.What]
	}
	return [...]string{"ann ", "bob ", "carol "}[m.Who] + [...]string{Calls: "calls", Answers: "answers", Declines: "declines", HangsUp: "hangs up"}[m.What]
}

// Seconds that the two kinds of waiting take. Everything that is repeated in a call
// comes again within the first, and nothing rings as long as the second.
const (
	While     = 3
	LongWhile = call.RingSeconds + 8
)

// A Path is one way that a call can go: moves, the first of which is Ann's call, and
// the states in which they leave everybody.
type Path struct {
	Moves []Move
	Ends  [people]call.State
}

// String lists the moves.
func (p Path) String() string {
	words := make([]string, len(p.Moves))
	for i, m := range p.Moves {
		words[i] = m.String()
	}
	return strings.Join(words, ", ")
}

// Settled reports whether everything that was said has arrived at the end.
func (p Path) Settled() bool { return p.Moves[len(p.Moves)-1].What <= WaitsLong }

// Seconds returns how long all of it takes.
func (p Path) Seconds() (d int) {
	for _, m := range p.Moves {
		switch m.What {
		case Waits:
			d += While
		case WaitsLong:
			d += LongWhile
		case Calls, Answers, Declines, HangsUp, whats:
		}
	}
	return d
}

// Long reports whether there is a long while in it.
func (p Path) Long() bool {
	return slices.ContainsFunc(p.Moves, func(m Move) bool { return m.What == WaitsLong })
}

// A Map is everything that can become of a call.
type Map struct {
	// Paths lead over every way from one situation to the next; none is only the
	// beginning of another.
	Paths []Path
	// States and Outcomes are those that somebody came to.
	States   map[call.State]bool
	Outcomes map[call.Outcome]bool

	tells, lower bool
}

// Explore draws the map. tells says that those who are busy or decline tell why, and
// lower that Ann's address is below Bob's, by which two who ring each other are told
// apart: the map does not depend on it.
func Explore(tells, lower bool) Map {
	m := Map{States: map[call.State]bool{}, Outcomes: map[call.Outcome]bool{}, tells: tells, lower: lower}
	start := []Move{{Ann, Calls}}
	begun, _ := m.walk(start)
	seen := map[situation]bool{begun: true}
	type place struct {
		moves []Move
		at    situation
	}
	for places := []place{{start, begun}}; len(places) > 0; places = places[1:] {
		from := places[0]
		for _, move := range moves(from.moves) {
			path := append(slices.Clone(from.moves), move)
			at, ok := m.walk(path)
			if !ok || at == from.at {
				continue
			}
			m.Paths = append(m.Paths, Path{path, at.states})
			over := at.states == [people]call.State{} // The next call is as the first.
			if !seen[at] && !over {
				seen[at] = true
				places = append(places, place{path, at})
			}
		}
	}
	all := slices.Clone(m.Paths)
	m.Paths = slices.DeleteFunc(m.Paths, func(p Path) bool {
		return slices.ContainsFunc(all, func(o Path) bool {
			return len(o.Moves) > len(p.Moves) && slices.Equal(o.Moves[:len(p.Moves)], p.Moves)
		})
	})
	return m
}

// moves returns what may be tried next. Who waits long waits for a while first, to wait
// twice changes nothing, and what Carol did is seen after a while.
func moves(before []Move) (all []Move) {
	last := before[len(before)-1]
	if last.What > WaitsLong {
		all = append(all, Move{What: Waits})
	}
	if slices.Contains(before, Move{Carol, Calls}) {
		return all
	}
	if last.What == Waits {
		all = append(all, Move{What: WaitsLong}, Move{Carol, Calls})
	}
	for _, who := range []Who{Ann, Bob} {
		for what := Calls; what < whats; what++ {
			all = append(all, Move{who, what})
		}
	}
	return all
}
