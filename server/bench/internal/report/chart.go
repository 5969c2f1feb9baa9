package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The size of a picture in its own units, which the page scales, and where the axes
// are.
const (
	wide, high        = 800.0, 320.0
	leftAt, rightAt   = 70.0, 780.0
	topAt, bottomAt   = 20.0, 270.0
	ticksPerAxis      = 6
	shortest, rarest  = 0.01, 1e-6 // ms, and share: where the axes of the tails begin
	mostPoints        = 600
	barHigh, barsFrom = 28.0, 190.0
	barsTo            = 660.0
)

// A chart is a picture of curves, for the page.
type chart struct {
	High                 float64
	Left, Right          string
	Top, Bottom          string
	Curves               []curve
	Across, Up           []tick
	AcrossText, UpText   string
	AcrossTextAt, TextAt string
}

// A curve is one line of a chart.
type curve struct {
	Name   string
	Class  string // its colour: c0, c1, c2
	Points string
}

// A tick is a labelled place of an axis.
type tick struct{ At, Text string }

// A point is a place in a chart, in what its axes count.
type point struct{ x, y float64 }

// A series is a curve before it has places.
type series struct {
	name   string
	points []point
}

// An axis puts values on places.
type axis struct {
	low, high float64
	from, to  float64
	log       bool
}

func (a *axis) at(v float64) float64 {
	v = min(max(v, a.low), a.high)
	low, high := a.low, a.high
	if a.log {
		v, low, high = math.Log10(v), math.Log10(low), math.Log10(high)
	}
	if high == low {
		return a.from
	}
	return a.from + (v-low)/(high-low)*(a.to-a.from)
}

// ticks labels an axis: powers of ten on a logarithmic one, round numbers otherwise.
func (a *axis) ticks() (all []tick) {
	if a.log {
		for e := math.Ceil(math.Log10(a.low) - 1e-9); e <= math.Log10(a.high)+1e-9; e++ {
			v := math.Pow(10, e)
			all = append(all, tick{coordinate(a.at(v)), strconv.FormatFloat(v, 'g', -1, 64)})
		}
		return all
	}
	step := roundStep((a.high - a.low) / ticksPerAxis)
	for v := math.Ceil(a.low/step) * step; v <= a.high+step/1e6; v += step {
		all = append(all, tick{coordinate(a.at(v)), strconv.FormatFloat(v, 'g', 6, 64)})
	}
	return all
}

// roundStep returns the next of 1, 2 and 5 times a power of ten.
func roundStep(least float64) float64 {
	if least <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= least {
			return m * power
		}
	}
	return 10 * power
}

// coordinate writes a place in a picture.
func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// draw puts series on axes.
func draw(x, y axis, xText, yText string, all []series) *chart {
	x.from, x.to, y.from, y.to = leftAt, rightAt, bottomAt, topAt
	c := &chart{
		High: high, Left: coordinate(leftAt), Right: coordinate(rightAt), Top: coordinate(topAt), Bottom: coordinate(bottomAt),
		Across: x.ticks(), Up: y.ticks(), AcrossText: xText, UpText: yText,
		AcrossTextAt: coordinate(bottomAt + 38), TextAt: coordinate(topAt - 7),
	}
	for i, s := range all {
		var b strings.Builder
		for _, p := range s.points {
			_, _ = fmt.Fprintf(&b, "%s,%s ", coordinate(x.at(p.x)), coordinate(y.at(p.y)))
		}
		c.Curves = append(c.Curves, curve{Name: s.name, Class: fmt.Sprintf("c%d", i%3), Points: strings.TrimSpace(b.String())})
	}
	return c
}

// tails draws which share of messages was later than what, of all subjects.
func (r *Report) tails() *chart {
	longest := 1.0
	var all []series
	for i := range r.Subjects {
		s := series{name: r.Subjects[i].Name}
		for _, p := range r.Subjects[i].Tail {
			if p.Above > 0 {
				s.points = append(s.points, point{p.Late, p.Above})
				longest = max(longest, p.Late)
			}
		}
		if len(s.points) > 0 {
			all = append(all, s)
		}
	}
	if len(all) == 0 {
		return nil
	}
	x := axis{low: shortest, high: math.Pow(10, math.Ceil(math.Log10(longest))), log: true}
	y := axis{low: rarest, high: 1, log: true}
	return draw(x, y, "milliseconds", "share of messages that were later", all)
}

// over draws something over the time of a subject's measurement.
func over(s *Subject, text string, value func(p *Sample) float64) *chart {
	if len(s.Series) < 2 {
		return nil
	}
	line, most := series{name: s.Name}, 0.0
	every := (len(s.Series) + mostPoints - 1) / mostPoints
	for i := 0; i < len(s.Series); i += every {
		p := &s.Series[i]
		line.points = append(line.points, point{p.Second, value(p)})
		most = max(most, value(p))
	}
	x := axis{low: 0, high: s.Series[len(s.Series)-1].Second}
	y := axis{low: 0, high: max(most*1.1, 1e-3)}
	return draw(x, y, "seconds", text, []series{line})
}

// A bar is one of a list of bars.
type bar struct {
	Name, Class, Y, TextY, From, Wide, TextAt, Value string
}

// bars draws a figure of all subjects; the first is the longest bar or a part of it.
func (r *Report) bars(digits int, value func(s *Subject) float64) (all []bar) {
	most := 0.0
	for i := range r.Subjects {
		most = max(most, value(&r.Subjects[i]))
	}
	if most <= 0 {
		return nil
	}
	for i := range r.Subjects {
		v := max(value(&r.Subjects[i]), 0)
		y, long := float64(i)*barHigh, v/most*(barsTo-barsFrom)
		all = append(all, bar{
			Name: r.Subjects[i].Name, Class: fmt.Sprintf("c%d", i%3), Y: coordinate(y + 4), TextY: coordinate(y + 18),
			From: coordinate(barsFrom), Wide: coordinate(long), TextAt: coordinate(barsFrom + long + 8),
			Value: strconv.FormatFloat(v, 'f', digits, 64),
		})
	}
	return all
}
