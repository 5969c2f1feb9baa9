package report

import (
	_ "embed"
	"html/template"
	"io"
	"strconv"
	"time"
)

//go:embed page.html
var source string

var page = template.Must(template.New("page").Parse(source))

// A sheet is what the page shows.
type sheet struct {
	Headline string
	Facts    []fact
	Table    table
	Bars     []bars
	Tails    *chart
	Over     []*chart
}

type fact struct{ Name, Value string }

type bars struct {
	Title string
	High  string
	Bars  []bar
}

// HTML writes the page.
func (r *Report) HTML(w io.Writer) error {
	s := sheet{Headline: r.Facts.Headline(), Facts: r.facts(), Table: r.table(), Tails: r.tails()}
	for _, b := range []bars{
		{Title: "Processor time of the server for one user and slot, in microseconds", Bars: r.bars(1, func(s *Subject) float64 { return s.CPU.PerSlot })},
		{Title: "Memory of the server for one user, in KiB", Bars: r.bars(0, func(s *Subject) float64 { return s.Memory.PerUser / kibi })},
		{Title: "What one user's line carries up and down, in kbit/s", Bars: r.bars(1, func(s *Subject) float64 { return s.Wire.Up.Kbit + s.Wire.Down.Kbit })},
	} {
		if b.Bars != nil {
			b.High = coordinate(float64(len(b.Bars)) * barHigh)
			s.Bars = append(s.Bars, b)
		}
	}
	if len(r.Subjects) > 0 {
		first := &r.Subjects[0]
		for _, c := range []*chart{
			over(first, "users online", func(p *Sample) float64 { return float64(p.Online) }),
			over(first, "memory of the server, MiB", func(p *Sample) float64 { return float64(p.Resident) / mebi }),
			over(first, "processors that the server takes", func(p *Sample) float64 { return p.ServerCPU }),
			over(first, "processors that the host of this machine took for others", func(p *Sample) float64 { return p.StolenCPU }),
		} {
			if c != nil {
				s.Over = append(s.Over, c)
			}
		}
	}
	return page.Execute(w, s)
}

// facts lists what the run was like.
func (r *Report) facts() []fact {
	f := &r.Facts
	number := strconv.Itoa
	return []fact{
		{"began", f.Began.Format(time.RFC1123)},
		{"mode and interval", f.Mode + ", " + f.Interval},
		{"users", number(f.Users)},
		{"in calls", number(f.Calls) + " %"},
		{"uploads come before the cut-off by", strconv.FormatFloat(f.Margin, 'f', -1, 64) + " ms"},
		{"a minute", number(f.Churn.Joins) + " join, " + number(f.Churn.Leaves) + " leave, " +
			number(f.Churn.Kills) + " are killed, " + number(f.Churn.Moves) + " move"},
		{"machine", number(f.Processors) + " processors, " + f.System + ", shared by server and crowd"},
		{"Go", f.Go},
	}
}
