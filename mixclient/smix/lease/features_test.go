package lease

import (
	"math"

	"undertone/transport/cell"
)

// A glance is what an observer makes of one frame.
type glance struct {
	early, late  int // valid tokens in its parts
	lost         int // collisions
	waste        int // valid tokens that got nothing
	longer       int // leases that outlast it
	ending       bool
	joined, gave bool
	place        cell.Slot // of the first late token
	hole         int       // joined: frames that the new lease has
}

// glances reads the frames that begin in the slots from a to b.
func glances(w *world, a, b cell.Slot) []glance {
	t := timesOf(w.interval)
	var gs []glance
	for f := w.cal.Frame(a) + 1; w.cal.Start(f+1) <= b; f++ {
		var g glance
		start := w.cal.Start(f)
		for n := start; n < start+t.frame; n++ {
			fa := w.at(n)
			if n-start <= t.lastEarly {
				g.early += int(fa.valid)
			} else {
				if g.late == 0 && fa.valid > 0 {
					g.place = n - start
				}
				g.late += int(fa.valid)
				if fa.granted > 0 {
					g.joined = true
					for c, e := range fa.ends {
						if e != w.at(n - 1).ends[c] && e > 0 {
							g.hole = int(w.cal.Frame(e-1) - f)
						}
					}
				}
			}
			g.lost += int(fa.collided)
			g.waste += int(fa.valid - fa.granted)
		}
		g.longer = w.cal.Longer(start, w.at(start + t.frame - 1).ends[:w.channels])
		for _, e := range w.at(start - 1).ends[:w.channels] {
			g.ending = g.ending || e == start+t.frame
		}
		g.gave = g.ending && g.early == 0
		gs = append(gs, g)
	}
	return gs
}

// A counter sums up features by name, in the order in which they come.
type counter struct {
	at  map[string]int
	sum []float64
}

func (c *counter) add(name string, x float64) {
	i, ok := c.at[name]
	if !ok {
		i = len(c.sum)
		c.at[name] = i
		c.sum = append(c.sum, 0)
	}
	c.sum[i] += x
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// features are what an observer computes of the slots from a to b.
func features(w *world, a, b cell.Slot) []float64 {
	gs := glances(w, a, b)
	c := &counter{at: map[string]int{}}
	full := w.channels - 1
	since, hole, roomSince := 99, 0, 99 // frames since it became full, and room
	var joins []int
	for i, g := range gs {
		for k := range 4 {
			c.add("longer"+string(rune('0'+k)), one(full-g.longer == k || k == 3 && full-g.longer > 3))
			c.add("late"+string(rune('0'+k)), one(g.late == k || k == 3 && g.late > 3))
			c.add("joined with"+string(rune('0'+k)), one(g.joined && min(g.late, 3) == k))
		}
		c.add("early", one(g.early == 1))
		c.add("early more", one(g.early > 1))
		c.add("nothing ends", one(!g.ending))
		c.add("collisions", float64(g.lost))
		c.add("waste", float64(g.waste))
		c.add("place", float64(g.place))
		for k := range 15 {
			name := string(rune('a' + k))
			c.add("gave after "+name, one(g.gave && min(since, 14) == k))
			c.add("stayed after "+name, one(!g.gave && g.longer >= full && min(since, 14) == k))
		}
		c.add("gave at hole", one(g.gave && since == hole))
		c.add("gave before hole", one(g.gave && since < hole))
		for k := range 5 {
			c.add("room for "+string(rune('a'+k)), one(g.joined && min(roomSince, 4) == k))
		}
		for k := range 9 {
			c.add("hole "+string(rune('a'+k)), one(g.joined && g.hole == k))
		}
		since++
		roomSince++
		if g.gave {
			roomSince = 0
		}
		if g.gave && g.joined {
			roomSince = 0
		}
		if g.joined {
			joins = append(joins, i)
			since, hole = 1, g.hole
		}
	}
	return append(c.sum, pairs(joins, gs)...)
}

// pairs are features of the times between those who joined, and of how much some
// counts vary over the window.
func pairs(joins []int, gs []glance) []float64 {
	out := make([]float64, 14)
	for i := range joins {
		for j := range i {
			if d := joins[i] - joins[j]; d <= 40 {
				out[min(d/4, 9)]++
			}
		}
	}
	out[10] = float64(len(joins))
	run, longest := 0, 0
	tokens, squares := 0.0, 0.0
	for _, g := range gs {
		n := float64(g.early + g.late)
		tokens += n
		squares += n * n
		run++
		if g.gave {
			run = 0
		}
		longest = max(longest, run)
	}
	n := float64(len(gs))
	out[11], out[12] = float64(longest), tokens
	out[13] = math.Sqrt(max(0, squares/n-tokens*tokens/n/n))
	return out
}
