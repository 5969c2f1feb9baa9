package report

import (
	"fmt"
	"math"

	"undertone/app/internal/prove/judge"
	"undertone/app/internal/prove/stats"
)

// A forest is the picture of AUCs with their intervals, one in each row: the name
// is the one that medicine has for it.
type forest struct {
	Height           float64
	Bottom           string // where rows end and the axis begins
	Middle           string
	BandAt, BandWide string
	Rows             []tree
	Ticks            []tick
}

// A tree is one row.
type tree struct {
	Y, Low, High, At string
	Name, Figures    string
	// Class is its decision, and for a further look whether something was found.
	Class string
	Head  bool // the row is a heading
}

const (
	rowHigh    = 24
	namesTo    = 330 // where the names end and the axis begins
	figuresAt  = 640
	mostBeside = 12 // further looks that are drawn
)

// plant draws the primary endpoints, and those further looks that tell most.
func plant(r judge.Report) *forest {
	if len(r.Primary) == 0 {
		return nil
	}
	x := axis{low: 0.5 - reach(r), high: 0.5 + reach(r), from: namesTo + 10, to: figuresAt - 10}
	f := &forest{Middle: coordinate(x.at(0.5)), BandAt: coordinate(x.at(r.Bounds.Low)),
		BandWide: coordinate(x.at(r.Bounds.High) - x.at(r.Bounds.Low))}
	add := func(name, class string, auc float64, i stats.Interval) {
		f.Rows = append(f.Rows, tree{Name: name, Class: class, Y: f.y(),
			Low: coordinate(x.at(i.Low)), High: coordinate(x.at(i.High)), At: coordinate(x.at(auc)),
			Figures: fmt.Sprintf("%.3f (%.3f to %.3f)", auc, i.Low, i.High)})
	}
	for _, e := range r.Primary {
		add(e.Name, string(e.Decision), e.AUC, e.Interval)
	}
	for k, l := range looks(r) {
		if k == mostBeside {
			break
		}
		if k == 0 {
			f.Rows = append(f.Rows, tree{Head: true, Y: f.y(), Name: "Further looks, the most conspicuous"})
		}
		class := "nothing"
		if l.Found {
			class = "found"
		}
		add(l.Where()+": "+l.Name, class, l.AUC, l.Interval)
	}
	bottom := float64(rowHigh * (len(f.Rows) + 1))
	f.Bottom, f.Height = coordinate(bottom), bottom+rowHigh
	for v := math.Ceil(10*x.low) / 10; v <= x.high+1e-9; v += 0.1 {
		f.Ticks = append(f.Ticks, tick{At: coordinate(x.at(v)), Text: fmt.Sprintf("%.1f", v)})
	}
	return f
}

func (f *forest) y() string { return coordinate(float64(rowHigh * (len(f.Rows) + 1))) }

// reach is how far from 0.5 the axis goes: as far as anything that is drawn.
func reach(r judge.Report) float64 {
	most := 0.1
	for _, e := range r.Primary {
		most = max(most, 0.5-e.Interval.Low, e.Interval.High-0.5)
	}
	for k, l := range looks(r) {
		if k < mostBeside {
			most = max(most, 0.5-l.Interval.Low, l.Interval.High-0.5)
		}
	}
	return min(0.5, math.Ceil(most*20)/20)
}
