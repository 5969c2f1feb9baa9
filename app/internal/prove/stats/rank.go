package stats

import (
	"cmp"
	"math"
	"slices"
)

// Groups tells the group of each segment, in the order of time: 0 is idle, 1 and
// up are the labels that are held against idle, and Left is not looked at.
type Groups []int

// Left marks a segment that takes no part.
const Left = -1

// Pooled is the place of all labels together in results that go by group.
const Pooled = 0

// Count returns the number of segments of each group. The first is idle.
func (g Groups) Count() []int {
	counts := make([]int, max(1, slices.Max(append(slices.Clone(g), 0))+1))
	for _, group := range g {
		if group >= 0 {
			counts[group]++
		}
	}
	return counts
}

// A Column is a feature of all segments, sorted once, so that the AUC of any
// resample is one pass of counting.
type Column struct {
	entries []entry
	groups  int
}

// An entry is a segment at its rank. Within a tie the idle ones come first.
type entry struct {
	segment int32
	group   int16
	first   bool // the first of a tie
}

// Rank sorts the values of a feature. A value that was not measured (NaN) counts
// as lower than all others, so that what is missing in one label only is seen.
func Rank(values []float64, groups Groups) *Column {
	return RankOf(values, groups, len(groups.Count()))
}

// RankOf is Rank for a feature that some of so many groups may be without.
func RankOf(values []float64, groups Groups, count int) *Column {
	c := &Column{groups: count}
	for i, g := range groups {
		if g >= 0 {
			c.entries = append(c.entries, entry{segment: int32(i), group: int16(g)})
		}
	}
	slices.SortStableFunc(c.entries, func(a, b entry) int {
		// cmp.Compare sorts NaN below everything, and equal to itself.
		return cmp.Or(cmp.Compare(values[a.segment], values[b.segment]), cmp.Compare(a.group, b.group))
	})
	for i := range c.entries {
		c.entries[i].first = i == 0 || cmp.Compare(values[c.entries[i-1].segment], values[c.entries[i].segment]) != 0
	}
	return c
}

// AUC returns how often a value of calls is larger than one of idle, a tie
// counting half.
func AUC(calls, idle []float64) float64 {
	groups := make(Groups, len(calls)+len(idle))
	for i := range calls {
		groups[i] = 1
	}
	return Rank(slices.Concat(calls, idle), groups).AUCs()[Pooled]
}

// AUCs returns the AUC of each group against idle; the first is that of all of
// them pooled. It is NaN where one of the two has no segment.
func (c *Column) AUCs() []float64 {
	segments := int32(0)
	for _, e := range c.entries {
		segments = max(segments, e.segment+1)
	}
	once := make([]int32, segments)
	for i := range once {
		once[i] = 1
	}
	out := make([]float64, c.groups)
	c.weighted(once, make([]tally, c.groups), out)
	return out
}

// A tally counts for one group: its segments, and twice the pairs that it wins.
type tally struct{ weight, wins int64 }

// weighted computes the AUCs of a resample in which each segment stands as often
// as its weight says. It has no branch that depends on a label: those are random,
// so that a processor would guess wrong half of the time.
func (c *Column) weighted(weights []int32, tallies []tally, out []float64) {
	clear(tallies)
	var below, upTo int64 // idle segments below the tie, and so far with it
	for _, e := range c.entries {
		if e.first {
			below = upTo
		}
		w := int64(weights[e.segment])
		t := &tallies[e.group]
		t.weight += w
		t.wins += w * (below + upTo)
		upTo = tallies[0].weight
	}
	all := tally{}
	for g := 1; g < len(tallies); g++ {
		all.weight += tallies[g].weight
		all.wins += tallies[g].wins
		out[g] = tallies[g].auc(upTo)
	}
	out[Pooled] = all.auc(upTo)
}

func (t tally) auc(idle int64) float64 {
	if t.weight == 0 || idle == 0 {
		return math.NaN()
	}
	return float64(t.wins) / (2 * float64(t.weight) * float64(idle))
}

// ties returns, for a group (or Pooled) and idle alone, the ties from the lowest
// up: how many are in each, and how many of those are of the group.
func (c *Column) ties(group int) (sizes, members []int) {
	open := false
	for _, e := range c.entries {
		open = open && !e.first
		if e.group != 0 && group != Pooled && int(e.group) != group {
			continue
		}
		if !open {
			sizes, members = append(sizes, 0), append(members, 0)
			open = true
		}
		sizes[len(sizes)-1]++
		if e.group != 0 {
			members[len(members)-1]++
		}
	}
	return sizes, members
}
